"""A TCP listener with a bound on everything a caller can hold: connections in all and by address, handshakes included,
and the time that one may be silent before it asks for something.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import cast

from node.documents.fields import Endpoint
from node.errors import StartupError
from node.log import get

CONNECTIONS_MAX = 64
CONNECTIONS_MAX_BY_ADDRESS = 32
BACKLOG = 16
HANDSHAKE_S = 5.0
FIRST_REQUEST_S = 10.0
ACCEPT_AGAIN_S = 1.0

log = get("admin")


class Listener:
    """Accepts connections and gives each to a protocol that `factory` makes."""

    def __init__(
        self,
        at: Endpoint,
        context: ssl.SSLContext | None,
        factory: Callable[[], asyncio.Protocol],
        on_refusal: Callable[[str, str], None],
    ) -> None:
        """`on_refusal` is told the reason and the address."""
        self._at = at
        self._context = context
        self._factory = factory
        self._on_refusal = on_refusal
        self._slots = asyncio.Semaphore(CONNECTIONS_MAX)
        self._by_address: Counter[str] = Counter()
        self._transports: set[asyncio.Transport] = set()
        self._silent: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sock: socket.socket | None = None

    def start(self) -> None:
        """Listen; raises StartupError."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        try:
            sock.bind(self._at.sockaddr)
            sock.listen(BACKLOG)
        except OSError as error:
            sock.close()
            raise StartupError(
                f"admin.listen: cannot use {self._at}: {error.strerror}",
                "give an address of this host and a port that nothing else uses",
            ) from error
        self._sock = sock
        self._spawn(self._accept(sock))

    def stop(self) -> None:
        """Accept no more, and break off what goes on: whoever listens comes again."""
        for task in self._tasks:
            task.cancel()
        if self._sock is not None:
            self._sock.close()
        for transport in tuple(self._transports):
            transport.abort()

    def heard(self, transport: asyncio.BaseTransport | None) -> None:
        """A connection has asked for something: it is no idler."""
        if transport is not None and (timer := self._silent.pop(transport, None)) is not None:
            timer.cancel()

    async def _accept(self, listening: socket.socket) -> None:
        """Without a free slot nothing is accepted: who comes waits in the kernel's short queue."""
        loop = asyncio.get_running_loop()
        while True:
            await self._slots.acquire()
            try:
                sock, (address, _port) = await loop.sock_accept(listening)
            except OSError as error:
                self._slots.release()
                log.warning("cannot accept", error=str(error))
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            self._take(sock, address)

    def _take(self, sock: socket.socket, address: str) -> None:
        self._by_address[address] += 1
        if self._by_address[address] > CONNECTIONS_MAX_BY_ADDRESS:
            self._on_refusal("connections", address)
            sock.close()
            self._release(address)
        else:
            self._spawn(self._attach(sock, address))

    async def _attach(self, sock: socket.socket, address: str) -> None:
        watched = _Watched(self._factory(), self._made, lambda transport: self._gone(transport, address))
        loop = asyncio.get_running_loop()
        handshake_s = HANDSHAKE_S if self._context is not None else None
        try:
            await loop.connect_accepted_socket(
                lambda: watched, sock, ssl=self._context, ssl_handshake_timeout=handshake_s
            )
        except OSError:  # no handshake, or none in time
            self._on_refusal("handshake", address)
        finally:
            if not watched.made:
                self._release(address)

    def _made(self, transport: asyncio.Transport) -> None:
        self._transports.add(transport)
        loop = asyncio.get_running_loop()
        self._silent[transport] = loop.call_later(FIRST_REQUEST_S, transport.abort)

    def _gone(self, transport: asyncio.Transport, address: str) -> None:
        self.heard(transport)
        self._transports.discard(transport)
        self._release(address)

    def _release(self, address: str) -> None:
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._slots.release()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()  # a fault must not stay unseen


class _Watched(asyncio.Protocol):
    """A protocol whose beginning and end are told of."""

    def __init__(
        self,
        inner: asyncio.Protocol,
        on_made: Callable[[asyncio.Transport], None],
        on_lost: Callable[[asyncio.Transport], None],
    ) -> None:
        self.made = False
        self._inner = inner
        self._on_made = on_made
        self._on_lost = on_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made, self._transport = True, cast(asyncio.Transport, transport)
        self._on_made(self._transport)
        self._inner.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._on_lost(self._transport)
        self._inner.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
