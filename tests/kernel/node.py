"""A node's hands for the tests: a gate, the virtual address, sockets, in one namespace."""

import select
import socket
import time

from node.kernel import orphans, tcp
from node.kernel.acks import AckSender
from node.kernel.addresses import AddressOwner
from node.kernel.gate import Flow, Gate, flow_key
from tests.kernel.hosts import INTERFACE, PREFIX_LENGTH, VIRTUAL, Host

ADDRESS = f"{VIRTUAL}/{PREFIX_LENGTH}"
RECEIVE_BUFFER = 1 << 18
FOREVER_NS = 1 << 62


class Node:
    """Holds the gate of a host; the address when it is active."""

    def __init__(self, host: Host, slots: int = 64, loose: int | None = None) -> None:
        self.host = host
        with host.inside():
            self.gate = Gate.load([INTERFACE], slots, [VIRTUAL], loose=loose)
            self.addresses = AddressOwner()
            self.acks = AckSender()
        self.sockets: list[socket.socket] = []

    def speak(self) -> None:
        """Open the fence, take an endless lease."""
        self.gate.open_fence()
        self.gate.lease = FOREVER_NS

    def activate(self) -> None:
        """Speak, take the address and announce it."""
        self.speak()
        with self.host.inside():
            self.addresses.add(ADDRESS, INTERFACE)
            self.addresses.announce(ADDRESS, INTERFACE)

    def die(self) -> None:
        """Fall silent at once and let go of the address; sockets of ours stay, as those of a dead process."""
        self.gate.close_fence()
        self.gate.lease = 0
        with self.host.inside():
            self.addresses.remove(ADDRESS, INTERFACE)

    def listen(self, port: int, backlog: int = 64) -> socket.socket:
        with self.host.inside():
            return self.keep(tcp.listener((VIRTUAL, port), backlog, RECEIVE_BUFFER))

    def accept(self, listener: socket.socket) -> tuple[socket.socket, Flow]:
        """An accepted connection and its slot."""
        assert readable(listener, 5), "nobody connects"
        sock = self.keep(listener.accept()[0])
        flow = self.gate.register(key_of(sock))
        assert flow is not None
        return sock, flow

    def commit(self, flow: Flow, sequence: int, peer: str) -> bool:
        """Commit, and send the ack that was held; whether there was one."""
        packet = flow.commit(sequence)
        if packet is not None:
            self.acks.send(packet, peer)
        return packet is not None

    def keep(self, sock: socket.socket) -> socket.socket:
        """Have `close` close it."""
        self.sockets.append(sock)
        return sock

    def close(self) -> None:
        """Leave nothing behind."""
        self.gate.close_fence()
        for sock in self.sockets:
            tcp.close_silently(sock)
        with self.host.inside():
            self.addresses.remove(ADDRESS, INTERFACE)
            orphans.destroy([VIRTUAL])
            self.gate.detach()
        self.gate.close()
        self.addresses.close()
        self.acks.close()


def key_of(sock: socket.socket) -> bytes:
    return flow_key(sock.getsockname(), sock.getpeername())


def connect(host: Host, port: int, timeout_s: float = 5) -> socket.socket:
    """A client's connection to the virtual address."""
    with host.inside():
        sock = socket.create_connection((VIRTUAL, port), timeout=timeout_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def receive(sock: socket.socket, octets: int, timeout_s: float = 5) -> bytes:
    """Exactly so many octets."""
    got, deadline_s = bytearray(), time.monotonic() + timeout_s
    while len(got) < octets:
        left_s = deadline_s - time.monotonic()
        assert left_s > 0 and readable(sock, left_s), f"{len(got)} of {octets} octets came"
        chunk = sock.recv(octets - len(got))
        assert chunk, "the connection ended"
        got += chunk
    return bytes(got)


def readable(sock: socket.socket, timeout_s: float) -> bool:
    """Whether there is something to read, in time."""
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    return bool(waiting.poll(timeout_s * 1000))
