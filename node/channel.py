"""One replication stream between the nodes: TCP, the handshake, then sealed frames both ways.

A stream that breaks any rule is closed, and the reason counted; there is no way to mend one.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from node.config import Link
from node.keys import Keys
from node.refusals import Refusals
from protocol.errors import ProtocolError
from protocol.handshake import NONCE_BYTES, PRIVATE_KEY_BYTES, Established, Handshake, Identity

HANDSHAKE_TIMEOUT_S = 2.0
UNPROVEN_MAX = 8
"""Connections to a link's port whose other end has not proved itself."""


class Owner(Protocol):
    """Who uses an established stream."""

    def frames(self, channel: Channel, payloads: list[bytes], last: int) -> None:
        """Frames arrived, the last one numbered `last`; raises ProtocolError to end the stream."""

    def lost(self, channel: Channel, reason: str) -> None:
        """The stream is gone, for this reason; said once."""


@dataclass(slots=True)
class Credentials:
    """What a stream is opened with; the keys may change between streams."""

    keys: Keys
    identity: Callable[[], Identity]
    refusals: Refusals


class Door:
    """Who has connected to a link and not proved himself yet. Of too many the one that came first must go."""

    def __init__(self) -> None:
        self._waiting: dict[Channel, None] = {}

    def enter(self, channel: Channel) -> None:
        """One more."""
        self._waiting[channel] = None
        if len(self._waiting) > UNPROVEN_MAX:
            next(iter(self._waiting)).crowded_out()

    def leave(self, channel: Channel) -> None:
        """It has proved itself, or is gone."""
        self._waiting.pop(channel, None)


class Channel(asyncio.Protocol):
    """A stream on one link. `established` resolves when the peer has proved itself."""

    def __init__(
        self,
        credentials: Credentials,
        link: Link,
        door: Door | None,
        on_established: Callable[[Channel], Owner],
    ) -> None:
        """Through `door` comes who opened the stream; without one it is this node that opens it."""
        self.link = link
        self._door = door
        self.peer: Identity | None = None
        self.established: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
        self._credentials = credentials
        self._on_established = on_established
        self._handshake = Handshake(
            credentials.keys[0],
            credentials.identity(),
            initiator=door is None,
            private_key=secrets.token_bytes(PRIVATE_KEY_BYTES),
            nonce=secrets.token_bytes(NONCE_BYTES),
            others=credentials.keys[1:],
        )
        self._stream: Established | None = None
        self._owner: Owner | None = None
        self._transport: asyncio.Transport | None = None
        self._timeout: asyncio.TimerHandle | None = None
        self._reason = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        self._transport = cast(asyncio.Transport, transport)
        if self._door is not None:
            host = transport.get_extra_info("peername")[0]
            if host != str(self.link.peer.host):
                self._refuse("wrong-host", f"{host}, and the other node is {self.link.peer.host}")
                return
            self._door.enter(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport.write(self._handshake.to_send())
        loop = asyncio.get_running_loop()
        self._timeout = loop.call_later(HANDSHAKE_TIMEOUT_S, self._refuse, "timeout", "no handshake in time")

    def data_received(self, data: bytes) -> None:
        """Bytes of the handshake, then of frames."""
        try:
            if self._stream is None:
                self._greet(data)
            else:
                self._deliver(self._stream.reader.feed(data))
        except ProtocolError as error:
            self._refuse(error.code, error.detail)

    def _greet(self, data: bytes) -> None:
        assert self._transport is not None, "data arrives on a connection"
        established = self._handshake.receive(data)
        self._transport.write(self._handshake.to_send())
        if established is None:
            return
        self._pass_door()
        self._stream = established
        self.peer = established.peer
        if self._timeout is not None:
            self._timeout.cancel()
        self._owner = self._on_established(self)
        if not self.established.done():
            self.established.set_result(self)
        self._deliver(established.reader.feed(b""))

    def crowded_out(self) -> None:
        """Others have connected since, and this end has not proved itself."""
        self._refuse("crowded", f"more than {UNPROVEN_MAX} have not said who they are")

    def _pass_door(self) -> None:
        if self._door is not None:
            self._door.leave(self)

    def _deliver(self, payloads: list[bytes]) -> None:
        if payloads and self._owner is not None and self._stream is not None:
            self._owner.frames(self, payloads, self._stream.reader.number)

    def _refuse(self, code: str, detail: str) -> None:
        self._pass_door()
        self._credentials.refusals.refuse("stream", code, detail, self.link.name)
        self._reason = f"{code}: {detail}" if detail else code
        if not self.established.done():
            self.established.set_exception(ConnectionError(self._reason))
            self.established.exception()  # retrieved: an incoming stranger's failure interests nobody else
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """TCP says that the stream is over."""
        if self._timeout is not None:
            self._timeout.cancel()
        self._pass_door()
        reason = self._reason or (str(error) if error else "closed by the other node")
        if not self.established.done():
            self.established.set_exception(ConnectionError(reason))
            self.established.exception()
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.lost(self, reason)

    def send(self, payload: bytes) -> int:
        """Send a frame; returns its number."""
        assert self._stream is not None and self._transport is not None, "frames follow the handshake"
        data = self._stream.writer.frame(payload)
        if not self._transport.is_closing():
            self._transport.write(data)
        return self._stream.writer.number

    def close(self, reason: str) -> None:
        """End the stream; the owner hears `lost` like of any other end."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()


async def connect(credentials: Credentials, link: Link, on_established: Callable[[Channel], Owner]) -> Channel:
    """Open a stream to the peer over `link`; raises OSError."""
    loop = asyncio.get_running_loop()
    _, channel = await loop.create_connection(
        lambda: Channel(credentials, link, None, on_established),
        str(link.peer.host),
        link.peer.port,
        local_addr=(str(link.local.host), 0),
    )
    return await channel.established


async def serve(credentials: Credentials, link: Link, on_established: Callable[[Channel], Owner]) -> asyncio.Server:
    """Accept streams on `link`; raises OSError when its address or port cannot be had."""
    loop = asyncio.get_running_loop()
    door = Door()
    return await loop.create_server(
        lambda: Channel(credentials, link, door, on_established),
        str(link.local.host),
        link.local.port,
        reuse_address=True,
    )
