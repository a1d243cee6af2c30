"""The heartbeat links: sealed datagrams over UDP, each link with its own health.

Receiving goes through asyncio-dgram with a bounded queue; sending is one direct system call, so that a heartbeat
leaves at the instant the lease is renewed.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import asyncio_dgram
from asyncio_dgram.aio import DatagramServer, Protocol

from node.config import Config, Link
from node.errors import StartupError
from node.keys import Keys
from node.loss import Loss
from node.refusals import Refusals
from protocol import heartbeat
from protocol.datagrams import DatagramOpener, DatagramSealer
from protocol.errors import ProtocolError
from protocol.heartbeat import DeathNotice, Heartbeat

QUEUE_DATAGRAMS_MAX = 256


class BoundedProtocol(Protocol):
    """asyncio-dgram's protocol with a receive queue that drops, and counts, what does not fit."""

    def __init__(self, received: asyncio.Queue[Any], errors: asyncio.Queue[Any], counters: Counter[str]) -> None:
        super().__init__(received, errors, asyncio.Event())
        self._counters = counters

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            super().datagram_received(data, addr)
        except asyncio.QueueFull:
            self._counters["datagrams_dropped"] += 1

    def error_received(self, _exc: Exception) -> None:
        self._counters["datagram_errors"] += 1  # a port unreachable while the peer restarts


class LinkHealth:
    """One link: its socket, and when the peer was last heard on it."""

    def __init__(self, link: Link, sock: socket.socket) -> None:
        self.link = link
        self.sock = sock
        self.sent = 0
        self.received = 0
        self.heard_s: float | None = None


class Links:
    """All heartbeat links of this node."""

    def __init__(
        self,
        config: Config,
        sealer: DatagramSealer,
        opener: DatagramOpener,
        on_message: Callable[[Link, str, int, Heartbeat | DeathNotice], None],
        refusals: Refusals,
        counters: Counter[str],
        clock_s: Callable[[], float],
    ) -> None:
        self.health: list[LinkHealth] = []
        self._links = config.links_by_priority
        self._beat = config.cluster.heartbeat
        self._sealer = sealer
        self._opener = opener
        self._on_message = on_message
        self._refusals = refusals
        self._counters = counters
        self._clock_s = clock_s
        self._loss = Loss(len(self._links))
        self._settled_s = clock_s()
        self._receivers: list[asyncio.Task[None]] = []
        self._streams: list[asyncio_dgram.DatagramServer] = []

    async def open(self) -> None:
        """Bind every link's socket; raises StartupError."""
        for link in self._links:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            try:
                sock.bind(link.local.sockaddr)
            except OSError as error:
                sock.close()
                raise StartupError(
                    f"link {link.name}: cannot use {link.local} (UDP): {error.strerror}",
                    "give the link an address of this host and a port that nothing else uses",
                ) from error
            health = LinkHealth(link, sock)
            self.health.append(health)
            stream = await self._attach(sock)
            self._streams.append(stream)
            receiver = asyncio.create_task(self._receive(health, stream))
            receiver.add_done_callback(_raise_fault)
            self._receivers.append(receiver)

    async def _attach(self, sock: socket.socket) -> asyncio_dgram.DatagramServer:
        received: asyncio.Queue[Any] = asyncio.Queue(QUEUE_DATAGRAMS_MAX)
        errors: asyncio.Queue[Any] = asyncio.Queue(1)
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_datagram_endpoint(
            lambda: BoundedProtocol(received, errors, self._counters), sock=sock
        )
        # asyncio-dgram's own factories build it so; its annotation names the protocol where the transport goes
        return DatagramServer(transport, received, errors, protocol._drained)  # type: ignore[arg-type]

    async def _receive(self, health: LinkHealth, stream: asyncio_dgram.DatagramServer) -> None:
        while True:
            try:
                datagram, address = await stream.recv()
            except asyncio_dgram.TransportClosed:
                return
            if not isinstance(address, tuple) or address[0] != str(health.link.peer.host):
                self._refusals.refuse("datagram", "wrong-host", str(address), health.link.name)
                continue
            try:
                opened = self._opener.open(datagram)
                message = heartbeat.unpack(opened.payload)
            except ProtocolError as error:
                self._refusals.refuse("datagram", error.code, error.detail, health.link.name)
                continue
            if isinstance(message, Heartbeat):
                self._loss.heard(self.health.index(health), opened.incarnation, opened.number)
                health.received += 1
                health.heard_s = self._clock_s()
            self._on_message(health.link, opened.sender, opened.incarnation, message)

    def rekey(self, keys: Keys) -> None:
        """From now on the first key seals, and all are accepted."""
        self._sealer.rekey(keys[0])
        self._opener.rekey(*keys)

    def send(self, payload: bytes) -> None:
        """Send `payload` on every link, sealed for each."""
        for health in self.health:
            try:
                health.sock.sendto(self._sealer.seal(payload), health.link.peer.sockaddr)
                health.sent += 1
            except OSError:
                self._counters["datagram_errors"] += 1  # the link is down: its silence tells

    def count_lost(self) -> None:
        """Once per heartbeat interval: what the peer sent in the one before and a link did not bring is lost."""
        now_s = self._clock_s()
        if now_s - self._settled_s >= self._beat.interval_s:
            self._settled_s = now_s
            self._loss.settle()

    def lost(self, health: LinkHealth) -> int:
        """Heartbeats of the peer that this link did not bring."""
        return self._loss.lost[self.health.index(health)]

    def is_live(self, health: LinkHealth) -> bool:
        """Whether the peer was heard on the link within the lost time."""
        return health.heard_s is not None and self._clock_s() - health.heard_s < self._beat.lost_s

    def live(self) -> list[Link]:
        """The links on which the peer is heard, best first."""
        return [health.link for health in self.health if self.is_live(health)]

    def close(self) -> None:
        """Stop receiving."""
        for task in self._receivers:
            task.cancel()
        for stream in self._streams:
            stream.close()


def _raise_fault(receiver: asyncio.Task[None]) -> None:
    """A receiver ends with its node, or by a fault that must not stay unseen."""
    if not receiver.cancelled():
        receiver.result()
