"""One direction of a TCP connection: its octets in order, from segments in any order.

All positions are plain numbers; sequence numbers, which wrap, are turned into them once (`Stream.position`).
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import NamedTuple

from inspector import Direction, Stack
from node.captures.notes import Notes

HELD_SEGMENTS_MAX = 1_024
HELD_BYTES_MAX = 1 << 20
"""Of one direction, waiting for what comes before them; beyond it what comes before them is a gap."""
RECENT_SEGMENTS = 32
"""Per direction, kept to compare repeats with."""
WINDOW_BYTES_MAX = 1 << 30
"""The largest window of TCP (RFC 7323): a segment further ahead is not of this stream."""

UNKNOWN = -1

_LAP = 1 << 32
_TPKT_HEADER_BYTES = 4
_TPKT_BYTES_MIN = 7
_TPDUS = (0xF0, 0xE0, 0xD0, 0x80, 0x70)


class Piece(NamedTuple):
    """New octets of one direction of a connection, in order."""

    connection: Connection
    direction: Direction
    octets: bytes
    frame: int
    time_ns: int
    anew: bool
    """What came before these octets is lost: whatever was under way must be dropped."""


class Connection:
    """One TCP connection, from its SYN or from where the capture starts."""

    __slots__ = (
        "client",
        "closed",
        "ignored",
        "judged",
        "keys",
        "midstream",
        "number",
        "server",
        "shown",
        "stack",
        "streams",
    )

    def __init__(
        self, number: int, client: tuple[str, int], server: tuple[str, int], midstream: bool, notes: Notes
    ) -> None:
        self.number = number
        """From 1, in the order in which they appear."""
        self.client = client
        self.server = server
        self.midstream = midstream
        """Whether it was under way when the capture began."""
        self.judged = False
        """Whether it is settled that it is inspected, or not."""
        self.ignored = False
        """Whether it is not inspected: neither to a server's port nor TPKT."""
        self.stack: Stack | None = None
        """What inspects it."""
        self.closed = False
        self.shown = False
        """For whoever introduces each connection once."""
        self.keys: tuple[bytes, bytes] = (b"", b"")
        self.streams = tuple(Stream(self, direction, notes) for direction in Direction)

    def __str__(self) -> str:
        return f"{endpoint(self.client)} > {endpoint(self.server)}"

    def ignore(self) -> None:
        """Keep nothing more of it."""
        self.ignored = True
        for stream in self.streams:
            stream.clear()


def endpoint(end: tuple[str, int]) -> str:
    """An address and port in words."""
    host, port = end
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Held(NamedTuple):
    """Octets that wait; sorted by where they start."""

    start: int
    octets: bytes
    frame: int
    time_ns: int

    @property
    def stop(self) -> int:
        return self.start + len(self.octets)


class Stream:
    """Takes one direction's segments as captured. Each method appends what it makes known to `pieces`."""

    __slots__ = (
        "_anew",
        "_connection",
        "_direction",
        "_held",
        "_held_bytes",
        "_next",
        "_notes",
        "_recent",
        "_running",
        "finished",
        "first",
    )

    def __init__(self, connection: Connection, direction: Direction, notes: Notes) -> None:
        self._connection = connection
        self._direction = direction
        self._notes = notes
        self._next = UNKNOWN
        self._running = False  # or looking for a TPKT header to start at
        self._anew = False
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT_SEGMENTS)
        self._held_bytes = 0
        self._held: list[_Held] = []
        self.first = UNKNOWN
        """The SYN's sequence number."""
        self.finished = False

    @property
    def begun(self) -> bool:
        """Whether it is known where the stream is."""
        return self._next != UNKNOWN

    def synchronize(self, sequence: int) -> None:
        """A SYN: the stream starts behind it."""
        self.first = sequence
        self._next = sequence + 1 + _LAP  # so that what lies before it has a position too
        self._running = True

    def position(self, sequence: int) -> int:
        """Where a sequence number lies, seen from where the stream is."""
        ahead = (sequence - self._next) % _LAP
        return self._next + (ahead if ahead < _LAP // 2 else ahead - _LAP)

    def take(self, sequence: int, octets: bytes, frame: int, time_ns: int, pieces: list[Piece]) -> None:
        """One segment's octets."""
        if self._next == UNKNOWN:
            self._next = sequence + _LAP
        start = self._next if sequence == self._next % _LAP else self.position(sequence)
        if not self._running:
            self._seek(_Held(start, octets, frame, time_ns), pieces)
        elif start == self._next and not self._held:
            self._pass(start, octets, frame, time_ns, pieces)
        elif not self._is_probe(start, octets) and start - self._next <= WINDOW_BYTES_MAX:
            self._hold(_Held(start, octets, frame, time_ns))
            self._flow(pieces)
            if len(self._held) > HELD_SEGMENTS_MAX or self._held_bytes > HELD_BYTES_MAX:
                self._skip_gap(pieces)

    def acknowledge(self, sequence: int, pieces: list[Piece]) -> None:
        """The receiver has everything up to `sequence`: what still lacks will not be sent again."""
        if self._held and self.position(sequence) >= self._held[0].start:
            self._skip_gap(pieces)

    def restart(self) -> None:
        """The stream makes no sense to its reader: look for the next TPKT header."""
        self._running = False
        self._anew = True

    def drain(self, pieces: list[Piece]) -> None:
        """Nothing more comes: hand out what waits behind gaps."""
        while self._held:
            self._skip_gap(pieces)

    def clear(self) -> None:
        """Drop everything that is kept."""
        self._held.clear()
        self._held_bytes = 0
        self._recent.clear()

    def _pass(self, start: int, octets: bytes, frame: int, time_ns: int, pieces: list[Piece]) -> None:
        self._next = start + len(octets)
        self._recent.append((start, octets))
        pieces.append(Piece(self._connection, self._direction, octets, frame, time_ns, self._anew))
        self._anew = False

    def _seek(self, piece: _Held, pieces: list[Piece]) -> None:
        if piece.start < self._next and self._recent:
            return  # a repeat of what was there before the stream broke off
        if looks_like_tpkt(piece.octets):
            self._running = True
            self._pass(*piece, pieces)
        else:
            self._next = max(self._next, piece.stop)

    def _is_probe(self, start: int, octets: bytes) -> bool:
        """A keep-alive repeats the last octet, whatever its value."""
        return len(octets) == 1 and start == self._next - 1

    def _hold(self, new: _Held) -> None:
        """Keep what of `new` is not known yet; what is held stays disjoint and in order."""
        self._compare(new)
        start = max(new.start, self._next)
        fresh = []
        for piece in self._held:
            if piece.start >= new.stop:
                break
            if piece.start > start:
                fresh.append((start, piece.start))
            start = max(start, piece.stop)
        fresh.append((start, new.stop))
        for begin, end in fresh:
            if begin < end:
                octets = new.octets[begin - new.start : end - new.start]
                insort(self._held, _Held(begin, octets, new.frame, new.time_ns))
                self._held_bytes += len(octets)

    def _compare(self, new: _Held) -> None:
        """Octets that come twice should be the same; the first ones count."""
        known = [*self._recent, *((piece.start, piece.octets) for piece in self._held)]
        for start, octets in known:
            begin, end = max(start, new.start), min(start + len(octets), new.stop)
            if begin < end and octets[begin - start : end - start] != new.octets[begin - new.start : end - new.start]:
                what = f"frame {new.frame}: {self._name} sends other octets than before for the same place"
                self._notes.add("overlap", f"{what}; the first count")
                return

    def _flow(self, pieces: list[Piece]) -> None:
        held = self._held
        while held and held[0].start == self._next:
            piece = held.pop(0)
            self._held_bytes -= len(piece.octets)
            self._pass(*piece, pieces)

    def _skip_gap(self, pieces: list[Piece]) -> None:
        """Octets are missing in the capture: go on behind them, with the next TPKT header."""
        first = self._held[0]
        missing = first.start - self._next
        self._notes.add("gap", f"frame {first.frame}: {missing} octets of {self._name} before it are missing")
        self.restart()
        while self._held and not self._running:
            piece = self._held.pop(0)
            self._held_bytes -= len(piece.octets)
            self._seek(piece, pieces)
        self._flow(pieces)

    @property
    def _name(self) -> str:
        connection = self._connection
        sender, receiver = (connection.client, connection.server)[:: 1 if self._direction == 0 else -1]
        return f"{endpoint(sender)} to {endpoint(receiver)}"


def looks_like_tpkt(octets: bytes) -> bool:
    """Whether TPKTs start here: 03 00, a length of at least 7, a TPDU of class 0, and the same behind it."""
    at = 0
    while at + _TPKT_HEADER_BYTES <= len(octets):
        length = octets[at + 2] << 8 | octets[at + 3]
        if octets[at : at + 2] != b"\3\0" or length < _TPKT_BYTES_MIN:
            return False
        if len(octets) > at + 5 and octets[at + 5] not in _TPDUS:
            return False
        at += length
    return at > 0
