"""The kernel of a simulated node: connections, listeners, datagram sockets, addresses; and what the node calls in it.

Everything from a virtual address goes through the gate. `Socket` is what the product holds in place of a socket.
"""

from __future__ import annotations

import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from node.kernel import repair
from node.kernel.errors import KernelError
from node.kernel.layout import Endpoint as NodeEndpoint
from node.kernel.record import TcpRecord
from node.kernel.tcp import TcpState
from tests.simulation.gate import GateProgram, read_packet
from tests.simulation.segment import ACK, MASK, RST, SYN, Endpoint, Segment
from tests.simulation.tcp import CLOSED, OPEN, Tcb

if TYPE_CHECKING:
    from tests.simulation.machine import Machine
    from tests.simulation.process import Process

DATAGRAMS_MAX = 200
EPHEMERAL = 32768
SCALE = 4


class Kernel:
    """One machine's, from power-up to power-down."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.world = machine.world
        self.addresses: set[str] = set()
        self.tcbs: dict[tuple[Endpoint, Endpoint], Tcb] = {}
        self.listeners: dict[Endpoint, Listener] = {}
        self.datagrams: dict[Endpoint, DatagramSocket] = {}
        self.gate: GateProgram | None = None
        self.refusing = 0
        """So many times will an address not be added."""

    # --- segments

    def emit(self, tcb: Tcb, segment: Segment) -> None:
        """A segment on its way out."""
        self.transmit(segment)

    def transmit(self, segment: Segment) -> None:
        if self.gate is None or self.machine.kernel is not self:
            return
        passed = self.gate.leave(segment)
        if passed is not None:
            self.machine.network.from_node(self.machine, passed)

    def arrive(self, segment: Segment) -> None:
        """A segment on its way in."""
        if segment.target[0] not in self.addresses:
            return
        if self.gate is not None:
            segment = self.gate.arrive(segment)
        tcb = self.tcbs.get((segment.target, segment.source))
        if tcb is not None:
            tcb.hear(segment)
        elif segment.flags & (SYN | ACK | RST) == SYN and segment.target in self.listeners:
            self._answer(segment)
        elif not segment.flags & RST:
            self.transmit(Segment(segment.target, segment.source, RST, segment.ack, 0, b"", 0, 0))

    def _answer(self, syn: Segment) -> None:
        listener = self.listeners[syn.target]
        tcb = Tcb(self, syn.target, syn.source, self.world.random.getrandbits(32), listener.buffer)
        tcb.owner = listener
        self.tcbs[tcb.local, tcb.remote] = tcb
        tcb.answer(syn)

    # --- what connections tell

    def opened(self, tcb: Tcb) -> None:
        owner = tcb.owner
        if isinstance(owner, Listener):
            owner.complete(tcb)
        elif owner is not None:
            owner.connected()

    def changed(self, tcb: Tcb) -> None:
        if isinstance(tcb.owner, Socket):
            tcb.owner.changed()

    def over(self, tcb: Tcb) -> None:
        if self.tcbs.get((tcb.local, tcb.remote)) is tcb:
            del self.tcbs[tcb.local, tcb.remote]

    def stamp_ms(self) -> int:
        return self.machine.monotonic_ms()

    def destroy_orphans(self) -> None:
        """SOCK_DESTROY on everything at a virtual address."""
        for tcb in list(self.tcbs.values()):
            tcb.reset()

    def free_port(self, host: str) -> int:
        taken = {tcb.local[1] for tcb in self.tcbs.values() if tcb.local[0] == host}
        while True:
            port = EPHEMERAL + self.world.random.randrange(28000)
            if port not in taken:
                return port


class File:
    """Something with a descriptor in a process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.kernel = process.machine.powered_kernel
        self._fd = process.world.number()
        process.files[self._fd] = self

    def fileno(self) -> int:
        return self._fd

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    def changed(self) -> None:
        if self.process.alive:
            self.process.loop.changed(self._fd)

    def abandon(self) -> None:
        """The process is dead."""

    def setblocking(self, _blocking: bool) -> None:
        return

    def forget(self) -> None:
        self.process.files.pop(self._fd, None)


class Socket(File):
    """A TCP socket of the node."""

    def __init__(self, process: Process, tcb: Tcb | None, local: Endpoint, buffer: int) -> None:
        super().__init__(process)
        self.tcb = tcb
        self.local = local
        self.buffer = buffer
        self.repairing = False
        self._linger = False
        self._waiting: Any = None
        if tcb is not None:
            tcb.owner = self

    @property
    def _live(self) -> Tcb:
        self.process.system_call()
        if self.tcb is None:
            raise OSError(107, "Transport endpoint is not connected")
        return self.tcb

    def connect_to(self, remote: Endpoint, connected: Any) -> None:
        self.process.system_call()
        if (self.local, remote) in self.kernel.tcbs:
            raise OSError(99, "Cannot assign requested address")
        self._waiting = connected
        self.tcb = Tcb(self.kernel, self.local, remote, self.process.world.random.getrandbits(32), self.buffer)
        self.tcb.owner = self
        self.kernel.tcbs[self.local, remote] = self.tcb
        self.tcb.connect()

    def connected(self) -> None:
        self._tell(None)

    def _tell(self, error: OSError | None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and self.process.alive:
            self.process.loop.call_soon(_resolve, waiting, error)

    def changed(self) -> None:
        assert self.tcb is not None, "it is the connection that changed"
        if self._waiting is not None and self.tcb.error is not None:
            self._tell(self.tcb.error)
        super().changed()

    def readable(self) -> bool:
        return self.tcb is not None and self.tcb.readable

    def writable(self) -> bool:
        return self.tcb is not None and self.tcb.writable

    def recv(self, size: int, flags: int = 0) -> bytes:
        tcb = self._live
        if flags & socket.MSG_PEEK:
            if tcb.incoming:
                return bytes(tcb.incoming[:size])
            if tcb.fin_received:
                return b""
            raise BlockingIOError
        return tcb.read(size)

    def send(self, data: Any) -> int:
        tcb = self._live
        if tcb.state != OPEN:
            error, tcb.error = tcb.error, None
            raise error or BrokenPipeError(32, "Broken pipe")
        taken = tcb.send(bytes(data))
        if not taken:
            raise BlockingIOError
        return taken

    def shutdown(self, _how: int) -> None:
        tcb = self._live
        if tcb.state != OPEN:
            raise OSError(107, "Transport endpoint is not connected")
        tcb.finish()

    def setsockopt(self, _level: int, option: int, _value: Any) -> None:
        self.process.system_call()
        if option == socket.SO_LINGER:
            self._linger = True

    def getsockname(self) -> Endpoint:
        return self.local

    def getpeername(self) -> Endpoint:
        return self._live.remote

    def close(self) -> None:
        self.process.system_call()
        self.forget()
        self._end()

    def _end(self) -> None:
        tcb, self.tcb = self.tcb, None
        if tcb is not None:
            tcb.owner = None
            if self.repairing:
                tcb.vanish()
            elif self._linger:
                tcb.reset()
            else:
                tcb.close()

    def abandon(self) -> None:
        self._end()


def _resolve(future: Any, error: OSError | None) -> None:
    if not future.done():
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


class Listener(File):
    """A listening socket of the node."""

    def __init__(self, process: Process, at: Endpoint, buffer: int) -> None:
        super().__init__(process)
        if at in self.kernel.listeners:
            raise KernelError(f"cannot listen on {at}", "free the port")
        self.at = at
        self.buffer = buffer
        self._ready: deque[Tcb] = deque()
        self.kernel.listeners[at] = self

    def complete(self, tcb: Tcb) -> None:
        self._ready.append(tcb)
        self.changed()

    def readable(self) -> bool:
        return bool(self._ready)

    def accept(self) -> tuple[Socket, Endpoint]:
        self.process.system_call()
        if not self._ready:
            raise BlockingIOError
        tcb = self._ready.popleft()
        return Socket(self.process, tcb, tcb.local, self.buffer), tcb.remote

    def close(self) -> None:
        self.process.system_call()
        self.forget()
        self.abandon()

    def abandon(self) -> None:
        self.kernel.listeners.pop(self.at, None)
        for tcb in self._ready:
            tcb.reset()


class DatagramSocket(File):
    """A UDP socket, and the transport that asyncio would make of it."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self.at: Endpoint = ("", 0)
        self._queue: deque[tuple[bytes, Endpoint]] = deque(maxlen=DATAGRAMS_MAX)
        self._protocol: Any = None

    def bind(self, at: Endpoint) -> None:
        self.at = tuple(at)  # type: ignore[assignment]
        self.kernel.datagrams[self.at] = self

    def sendto(self, datagram: bytes, to: Endpoint) -> None:
        self.process.system_call()
        self.process.machine.network.datagram(self.process.machine, self.at, tuple(to), datagram)

    def arrive(self, datagram: bytes, origin: Endpoint) -> None:
        self._queue.append((datagram, origin))
        self.changed()

    def readable(self) -> bool:
        return bool(self._queue)

    def deliver_to(self, protocol: Any) -> None:
        self._protocol = protocol

    def deliver(self) -> None:
        self.process.system_call()
        while self._queue:
            self._protocol.datagram_received(*self._queue.popleft())

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, _name: str) -> None:
        return None

    def close(self) -> None:
        self.process.loop.remove_reader(self.fileno())
        self.forget()
        self.abandon()

    def abandon(self) -> None:
        if self.kernel.datagrams.get(self.at) is self:
            del self.kernel.datagrams[self.at]


class Calls:
    """What the node calls in its kernel, in place of node.kernel.tcp's functions of the same names."""

    def __init__(self, process: Any) -> None:
        self._process = process
        """Gives the process whose code runs."""

    def listener(self, endpoint: Endpoint, _backlog: int, buffer: int, *, transparent: bool = True) -> Listener:
        return Listener(self._process(), tuple(endpoint), buffer)  # type: ignore[arg-type]

    def open_active(self, source: str, port: int, buffer: int, *, transparent: bool = True) -> Socket:
        process = self._process()
        process.system_call()
        kernel = process.machine.powered_kernel
        taken = {tcb.local for tcb in kernel.tcbs.values()}
        if port == 0 or (source, port) in taken:
            port = kernel.free_port(source)
        return Socket(process, None, (source, port), buffer)

    def describe(self, sock: Socket) -> TcpRecord:
        tcb = sock._live
        return TcpRecord(
            local=NodeEndpoint(*tcb.local),
            remote=NodeEndpoint(*tcb.remote),
            mss=1460,
            send_scale=SCALE,
            receive_scale=SCALE,
            scaled=True,
            sack=True,
            timestamps=True,
            timestamps_usec=False,
            timestamp_offset=tcb.stamp_offset,
            send_window=tcb.window,
        )

    def successor(self, record: TcpRecord, buffer: int) -> Successor:
        return Successor(self._process(), record, buffer)

    def go_live(self, sock: Socket, *, probe: bool = True) -> None:
        tcb = sock._live
        sock.repairing = False
        if probe:
            tcb.probe()

    def drop(self, sock: Socket, _octets: int) -> None:
        sock.process.system_call()

    def probe(self, sock: Socket) -> None:
        self.go_live(sock)

    def close_silently(self, sock: Socket) -> None:
        sock.process.system_call()
        sock.repairing = True
        sock.forget()
        sock._end()

    def tune(self, sock: Socket) -> None:
        sock.process.system_call()

    def unacknowledged(self, sock: Socket) -> int:
        return sock._live.unacknowledged

    def state(self, sock: Socket) -> TcpState:
        return TcpState.CLOSE if sock._live.state == CLOSED else TcpState.ESTABLISHED


class Successor:
    """In place of node.kernel.repair.Successor."""

    def __init__(self, process: Process, record: TcpRecord, buffer: int) -> None:
        process.system_call()
        self._process, self._record, self._buffer = process, record, buffer

    def go_on(self, send_sequence: int, receive_sequence: int, timestamp_clock_ms: int) -> tuple[Socket, int]:
        process, record = self._process, self._record
        process.system_call()
        kernel = process.machine.powered_kernel
        local, remote = tuple(record.local), tuple(record.remote)
        if (local, remote) in kernel.tcbs:
            raise KernelError(f"cannot restore {local} to {remote}", "the connection still lives here")
        tcb = Tcb(kernel, local, remote, 0, self._buffer)
        offset = (repair.timestamp_at(record, timestamp_clock_ms) - kernel.stamp_ms()) & MASK
        tcb.restore(send_sequence & MASK, receive_sequence & MASK, offset)
        tcb.window = max(record.send_window, 1400)
        kernel.tcbs[local, remote] = tcb
        sock = Socket(process, tcb, local, self._buffer)
        sock.repairing = True
        process.system_call()
        self._tcb = tcb
        return sock, offset

    def follow(self, sent: int, received: int, receive_sequence: int) -> None:
        self._process.system_call()
        tcb = self._tcb
        tcb.restore((tcb.una + sent) & MASK, receive_sequence & MASK, tcb.stamp_offset)

    def discard(self) -> None:
        self._process.system_call()


class AckSender:
    """In place of node.kernel.acks.AckSender: the raw socket."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.failed = 0

    def send(self, packet: bytes, _destination: str) -> None:
        self._process.system_call()
        self._process.machine.powered_kernel.transmit(read_packet(packet))


class Addresses:
    """In place of node.addressing.Addresses."""

    def __init__(self, process: Process, virtual: Any) -> None:
        self._process = process
        self._machine = process.machine
        self._hosts = [str(each.host) for each in virtual]

    def add(self) -> None:
        self._process.system_call()
        kernel = self._machine.powered_kernel
        if kernel.refusing:
            kernel.refusing -= 1
            raise KernelError("cannot add the address", "it was to be so")
        kernel.addresses.update(self._hosts)
        self._machine.network.checks.address_added(self._process)

    def announce(self) -> None:
        for host in self._hosts:
            self._process.system_call()
            self._machine.network.announce(self._machine, host)

    def remove(self) -> None:
        self._process.system_call()
        self._machine.powered_kernel.addresses.clear()

    def taken_by(self) -> str | None:
        self._process.system_call()
        return self._machine.network.owner_besides(self._machine, self._hosts)
