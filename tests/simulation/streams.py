"""The replication streams: TCP between the nodes, as bytes that arrive in order or not at all.

A stream on a cut cable stands still and goes on when it is mended. The death of a process resets its streams; that of
a machine leaves the other end in the dark until it speaks to what has no memory of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.simulation.segment import Endpoint

if TYPE_CHECKING:
    from tests.simulation.network import Network
    from tests.simulation.process import Process

LATENCY_S = 0.0003
STALL_S = 0.1
REST = b""
"""What says in a stream that it is reset."""


class StreamListener:
    """Where streams are accepted; asyncio.Server as the node uses it."""

    def __init__(self, table: dict[Endpoint, StreamListener], at: Endpoint, process: Process, factory: Any) -> None:
        self._table, self._at = table, at
        self.process = process
        self.factory = factory
        table[at] = self

    def close(self) -> None:
        if self._table.get(self._at) is self:
            del self._table[self._at]

    abandon = close


class StreamEnd:
    """One end: the transport that its protocol is given."""

    def __init__(self, streams: Streams, process: Process, net: str, protocol: Any) -> None:
        self.streams = streams
        self.process = process
        self.net = net
        self.protocol = protocol
        self.other: StreamEnd
        self.open = True
        self._fd = process.world.number()
        self._inbox = bytearray()
        self._outbox: deque[bytes] = deque()
        self._pumping = False
        process.files[self._fd] = self

    # --- asyncio.Transport, as far as it is used

    def write(self, data: bytes) -> None:
        self.process.system_call()
        if self.open and data:
            self._outbox.append(bytes(data))
            self._pump_later(LATENCY_S * (0.5 + self.process.world.random.random()) + self.streams.extra_s)

    def is_closing(self) -> bool:
        return not self.open

    def abort(self) -> None:
        if self.open:
            self._end()
            self.process.files.pop(self._fd, None)
            self.process.loop.call_soon(self.protocol.connection_lost, None)

    close = abort

    def get_extra_info(self, name: str) -> Any:
        return self if name == "socket" else (self._peer_host(), 0)

    def _peer_host(self) -> str:
        there = self.other.process.machine
        return next(host for host, net in there.net_of.items() if net == self.net)

    def setsockopt(self, *_: Any) -> None:
        return

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    def abandon(self) -> None:
        """The process is dead: its kernel resets the stream."""
        if self.open:
            self._end()

    # --- on the way

    def _end(self) -> None:
        self.open = False
        self._outbox.clear()
        self._outbox.append(REST)
        self._pump_later(LATENCY_S)

    def _pump_later(self, delay_s: float) -> None:
        if not self._pumping:
            self._pumping = True
            self.process.world.after(delay_s, self._pump)

    def _pump(self) -> None:
        self._pumping = False
        network = self.streams.network
        here, there = self.process.machine, self.other.process.machine
        if here.kernel is not self.kernel_of_birth or not self._outbox:
            return
        if (
            not (network.passes(self.net, here, there) and network.passes(self.net, there, here))
            or there.kernel is None
        ):
            if self.open:
                self._pump_later(STALL_S)
            return
        if there.kernel is not self.other.kernel_of_birth or not self.other.open:
            self._was_reset()
            return
        self._carry()

    def _carry(self) -> None:
        if self._outbox[0] == REST:
            self._outbox.clear()
            self.other._was_reset()
            return
        data = self._outbox.popleft()
        if len(data) > 1 and self.process.world.chance(0.05):
            cut = self.process.world.random.randrange(1, len(data))
            self._outbox.appendleft(data[cut:])
            data = data[:cut]
        self.other._take(data)
        if self._outbox:
            self._pump_later(LATENCY_S * self.process.world.random.random() + self.streams.extra_s)

    def _take(self, data: bytes) -> None:
        if not self._inbox:
            self.process.loop.call_soon(self._deliver)
        self._inbox += data

    def _deliver(self) -> None:
        self.process.system_call()
        data = bytes(self._inbox)
        self._inbox.clear()
        if self.open:
            self.protocol.data_received(data)

    def _was_reset(self) -> None:
        if self.open:
            self.open = False
            self._outbox.clear()
            self.process.files.pop(self._fd, None)
            if self.process.alive and self.protocol is not None:
                error = ConnectionResetError(104, "Connection reset by peer")
                self.process.loop.call_soon(self.protocol.connection_lost, error)

    @property
    def kernel_of_birth(self) -> Any:
        return self._kernel

    def born(self) -> None:
        """It belongs to what the machine runs now."""
        self._kernel = self.process.machine.kernel


class Streams:
    """All of them. `extra_s`: the standby's network is slow."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.extra_s = 0.0
        self.ends: list[StreamEnd] = []
        self._listeners: dict[Endpoint, StreamListener] = {}

    def listen(self, process: Process, at: Endpoint, factory: Callable[[], Any]) -> StreamListener:
        listener = StreamListener(self._listeners, at, process, factory)
        process.files[process.world.number()] = listener
        return listener

    def connect(self, process: Process, to: Endpoint, factory: Callable[[], Any], connected: Any) -> None:
        process.system_call()
        process.world.after(LATENCY_S, self._reach, process, to, factory, connected)

    def _reach(self, process: Process, to: Endpoint, factory: Callable[[], Any], connected: Any) -> None:
        if not process.alive or connected.done():
            return
        here = process.machine
        there = self.network.other(here)
        net = there.net_of[to[0]]
        works = self.network.passes(net, here, there) and self.network.passes(net, there, here)
        if not works or there.kernel is None:
            process.world.after(STALL_S, self._reach, process, to, factory, connected)
            return
        listener = self._listeners.get(to)
        if listener is None or not listener.process.alive:
            process.loop.call_soon(_fail, connected, ConnectionRefusedError(111, "Connection refused"))
            return
        process.loop.call_soon(self._establish, process, listener, net, factory, connected)

    def _establish(self, process: Process, listener: StreamListener, net: str, factory: Any, connected: Any) -> None:
        if connected.done() or not listener.process.alive:
            return
        client = StreamEnd(self, process, net, factory())
        server = StreamEnd(self, listener.process, net, None)
        client.other, server.other = server, client
        client.born()
        server.born()
        self.ends = [end for end in self.ends if end.open] + [client, server]
        listener.process.loop.call_soon(_accept, server, listener.factory)
        client.protocol.connection_made(client)
        connected.set_result((client, client.protocol))

    def break_all(self) -> None:
        """Every stream is reset by somebody on the way."""
        for end in self.ends:
            end._was_reset()


def _accept(server: StreamEnd, factory: Callable[[], Any]) -> None:
    server.protocol = factory()
    server.protocol.connection_made(server)
    if not server.open:
        server.protocol.connection_lost(None)


def _fail(future: Any, error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
