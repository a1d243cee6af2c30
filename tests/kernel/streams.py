"""Connections that stream both ways while their node changes: every octet is checked at both ends.

The node's side sends a stream of its own rather than what it hears: one leg of a proxy is enough to try a takeover.
"""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from node.kernel import repair, tcp
from node.kernel.gate import Flow
from tests.kernel.hosts import CLIENT, Host
from tests.kernel.node import RECEIVE_BUFFER, Node, connect

STREAM = bytes((i * 7 + i // 251) & 0xFF for i in range(1 << 18))
COMMIT_DELAY_S = 0.003  # how long the other node takes to confirm
CHUNK = 16384


def piece(offset: int, octets: int) -> bytes:
    """What the stream holds at an offset; it repeats."""
    at = offset % len(STREAM)
    return STREAM[at : at + octets]


def checked(offset: int, chunk: bytes) -> int:
    """The offset after a chunk that must be what the stream holds there."""
    while chunk:
        expected = piece(offset, len(chunk))
        assert chunk.startswith(expected), f"wrong octets after {offset}"
        offset += len(expected)
        chunk = chunk[len(expected) :]
    return offset


class Peer:
    """A client that sends and receives without a pause, in two threads."""

    def __init__(self, host: Host, port: int) -> None:
        self.socket = connect(host, port)
        self.socket.settimeout(15)
        self.sent = self.received = 0
        self.stall_s = 0.0
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._guarded, args=(job,)) for job in (self._send, self._receive)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more; the receiving ends with the connection."""
        self._stop.set()
        self._threads[0].join()

    def join(self) -> None:
        self._threads[1].join()
        self.socket.close()

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            self.error = error

    def _send(self) -> None:
        size = 1
        while not self._stop.is_set():
            self.sent += self.socket.send(piece(self.sent, size))
            size = size * 3 % 8191 or 1
            time.sleep(0.0005)

    def _receive(self) -> None:
        while True:
            before_s = time.monotonic()
            chunk = self.socket.recv(CHUNK)
            self.stall_s = max(self.stall_s, time.monotonic() - before_s)
            if not chunk:
                return
            self.received = checked(self.received, chunk)


class Leg:
    """The node's side of one connection, wherever it is now."""

    def __init__(self, node: Node, sock: socket.socket, flow: Flow) -> None:
        self.record = tcp.describe(sock)
        self.bases = flow.receive_base, flow.send_base
        self.received = self.committed = self.sent = self.acknowledged = 0
        self.stopped = False
        self._take(node, sock, flow)

    def _take(self, node: Node, sock: socket.socket, flow: Flow) -> None:
        self.node, self.socket, self.flow = node, sock, flow
        self.waiting: deque[tuple[float, int]] = deque()
        self.socket.setblocking(False)

    def pump(self) -> None:
        """Read, write a little, commit what was confirmed meanwhile."""
        with contextlib.suppress(BlockingIOError):
            while chunk := self.socket.recv(CHUNK):
                self.received = checked(self.received, chunk)
        self.waiting.append((time.monotonic() + COMMIT_DELAY_S, self.received))
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            self.commit(self.waiting.popleft()[1])
        self.acknowledged = self.sent - tcp.unacknowledged(self.socket)
        if not self.stopped:
            self.write()

    def commit(self, position: int) -> None:
        self.committed = position
        self.node.commit(self.flow, self.bases[0] + position, CLIENT)

    def write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.sent += self.socket.send(piece(self.sent, 3000))

    def restore_on(self, node: Node) -> None:
        """What a takeover does before it takes the address: only what the other node had confirmed is known."""
        receive_sequence = (self.bases[0] + self.committed) & 0xFFFFFFFF
        send_sequence = (self.bases[1] + self.acknowledged) & 0xFFFFFFFF
        clock_ms = time.monotonic_ns() // 1_000_000
        with node.host.inside():
            sock, _ = repair.restore(self.record, send_sequence, receive_sequence, clock_ms, RECEIVE_BUFFER)
        flow = node.gate.restore(self.flow.key, receive_sequence, send_sequence)
        self._take(node, node.keep(sock), flow)
        self.received, self.tail = self.committed, self.sent - self.acknowledged
        self.sent = self.acknowledged

    def go_live(self) -> None:
        """And after: the tail goes out again as new data."""
        tcp.go_live(self.socket)
        self.record = tcp.describe(self.socket)
        while self.tail > 0:
            try:
                count = self.socket.send(piece(self.sent, self.tail))
            except BlockingIOError:
                return
            self.sent += count
            self.tail -= count


def pump(legs: list[Leg], duration_s: float) -> None:
    """Serve all the legs for a while."""
    end_s = time.monotonic() + duration_s
    while time.monotonic() < end_s:
        for leg in legs:
            leg.pump()
        time.sleep(0.0005)
