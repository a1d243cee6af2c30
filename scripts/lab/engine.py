"""The load's engine: one epoll loop that keeps many sockets full and checks what comes."""

import select
import socket
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from scripts.lab.stream import Stream

_READ_BYTES: Final = 64 * 1024
_WRITE_BYTES: Final = 64 * 1024
_TURN_S: Final = 0.005
_SHOWN_BYTES: Final = 24
_CLEAN: Final = "clean"


@dataclass(frozen=True)
class Outcome:
    """One end of one connection, when it is over."""

    number: int
    sent: int
    received: int
    wrong: int
    longest_stall_ms: float
    ended: str  # "clean", or what happened instead

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class End:
    """One end of one connection: what it sends, and what it must receive.

    `until_s` None means: send until the other end closes its half.
    """

    def __init__(
        self, number: int, sock: socket.socket, sending: Stream, receiving: Stream, until_s: float | None
    ) -> None:
        self.number = number
        self.sock = sock
        self.sent = 0
        self.received = 0
        self.wrong = 0
        self.ended: str | None = None
        self.longest_stall_ns = 0
        self._sending = sending
        self._view = memoryview(sending.block)
        self._receiving = receiving
        self._send_limit: int | None = None  # where to stop, once that is decided
        self._half_closed = False
        self._peer_done = False
        self._called = until_s is None
        self.begin()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def outcome(self) -> Outcome:
        ended = self.ended or "unfinished"
        stall_ms = round(self.longest_stall_ns / 1e6, 1)
        return Outcome(self.number, self.sent, self.received, self.wrong, stall_ms, ended)

    def begin(self) -> None:
        """Stalls count from now on."""
        self.started_s = time.monotonic()
        self._last_ns = time.monotonic_ns()

    def stop_sending(self) -> None:
        """Send on to the next edge of a PDU, then close this half."""
        if self._send_limit is None:
            self._send_limit = self._sending.next_edge(self.sent)

    def wants_to_send(self, allowance: int | None) -> bool:
        """Whether there is something to write now; `allowance` is the bytes allowed since the start."""
        return not self._half_closed and (allowance is None or self.sent < allowance or self._send_limit is not None)

    def send(self, allowance: int | None) -> None:
        """Write what fits; close this half when its limit is reached."""
        limit = self._send_limit
        ceiling = limit if limit is not None else allowance
        want = _WRITE_BYTES if ceiling is None else min(_WRITE_BYTES, ceiling - self.sent)
        if want > 0:
            place = self.sent % self._sending.length
            self.sent += self.sock.send(self._view[place : place + want])
        if limit is not None and self.sent >= limit:
            self.sock.shutdown(socket.SHUT_WR)
            self._half_closed = True
            self._settle()

    def receive(self) -> None:
        """Read what is there and hold it against what must come."""
        data = self.sock.recv(_READ_BYTES)
        now_ns = time.monotonic_ns()
        if not self._half_closed or data:
            self.longest_stall_ns = max(self.longest_stall_ns, now_ns - self._last_ns)
        self._last_ns = now_ns
        if not data:
            self._peer_closed()
            return
        place = self.received % self._receiving.length
        if not self._receiving.block.startswith(data, place):
            self._mark_wrong(data, place)
        self.received += len(data)

    def fail(self, reason: str) -> None:
        """Over, and not as it should be. The first reason stands."""
        if self.ended is None:
            self.ended = reason

    def _peer_closed(self) -> None:
        self._peer_done = True
        if self._called:
            self.stop_sending()
        elif not self._half_closed:
            self.fail(f"peer closed after {self.received} bytes")
        self._settle()

    def _settle(self) -> None:
        if self._peer_done and self._half_closed:
            self.ended = self.ended or _CLEAN

    def _mark_wrong(self, data: bytes, place: int) -> None:
        expected = self._receiving.block[place : place + len(data)]
        differing = [index for index, (got, want) in enumerate(zip(data, expected, strict=True)) if got != want]
        first = differing[0]
        self.wrong += len(differing)
        shown = slice(first, first + _SHOWN_BYTES)
        self.fail(f"wrong at {self.received + first}: {data[shown].hex()} for {expected[shown].hex()}")


class Engine:
    """All ends of one process. `rate` is bytes a second of an end, 0 for as fast as it goes."""

    def __init__(self, rate: float) -> None:
        self.ends: dict[int, End] = {}
        self._rate = rate
        self._poll = select.epoll()
        self._finished: list[End] = []
        self._stopping = False
        self._lock = threading.Lock()
        self._arrivals: list[End] = []

    def add(self, end: End) -> None:
        """Hand an end over, from any thread; the next turn takes it in."""
        with self._lock:
            self._arrivals.append(end)

    def stop_sending(self) -> None:
        """Let every end come to its end."""
        if not self._stopping:
            self._stopping = True
            for end in self.ends.values():
                end.stop_sending()
                self._poll.modify(end.sock, select.EPOLLIN | select.EPOLLOUT)

    def turn(self) -> None:
        """One round of the loop: at most a few milliseconds of waiting."""
        self._admit()
        self._grant()
        for descriptor, events in self._poll.poll(_TURN_S):
            end = self.ends.get(descriptor)
            if end is not None:
                self._serve(end, events)

    def take_finished(self) -> list[End]:
        """The ends that are over since the last time."""
        finished, self._finished = self._finished, []
        return finished

    def give_up(self, reason: str) -> None:
        """End all that are still open."""
        for end in list(self.ends.values()):
            end.fail(reason)
            self._remove(end)

    def progress(self) -> dict[str, Any]:
        """How it goes: open ends, bytes so far, the longest stall."""
        everyone = [*self.ends.values(), *self._finished]
        return {
            "open": len(self.ends),
            "sent": sum(end.sent for end in everyone),
            "received": sum(end.received for end in everyone),
            "wrong": sum(end.wrong for end in everyone),
            "longest_stall_ms": round(max((end.longest_stall_ns for end in everyone), default=0) / 1e6, 1),
        }

    def _admit(self) -> None:
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
        for end in arrivals:
            self.ends[end.sock.fileno()] = end
            self._poll.register(end.sock, select.EPOLLIN | select.EPOLLOUT)

    def _allowance(self, end: End) -> int | None:
        return int((time.monotonic() - end.started_s) * self._rate) if self._rate else None

    def _grant(self) -> None:
        """Paced ends that may write again ask to."""
        if self._rate:
            for end in self.ends.values():
                if end.wants_to_send(self._allowance(end)):
                    self._poll.modify(end.sock, select.EPOLLIN | select.EPOLLOUT)

    def _serve(self, end: End, events: int) -> None:
        try:
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                end.receive()
            if events & select.EPOLLOUT and end.ended is None:
                self._write(end)
        except BlockingIOError:
            return
        except OSError as error:
            end.fail(f"{error.strerror} after {end.received} bytes")
        if end.ended is not None:
            self._remove(end)

    def _write(self, end: End) -> None:
        allowance = self._allowance(end)
        if end.wants_to_send(allowance):
            end.send(allowance)
        if not end.wants_to_send(allowance):
            self._poll.modify(end.sock, select.EPOLLIN)

    def _remove(self, end: End) -> None:
        self.ends.pop(end.sock.fileno(), None)
        end.sock.close()
        self._finished.append(end)
