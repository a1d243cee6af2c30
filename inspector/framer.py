"""Whole TSDUs out of octets cut anywhere: TPKT framing and COTP reassembly of one direction.

A framer keeps what is undecided and nothing else. It looks at a TPKT once its header is complete and again
once it is whole, so that octets trickling in one by one cost no more than all at once, and what it decides
depends on the octets alone, never on the cuts.
"""

from collections.abc import Mapping

from inspector import cotp, tpkt
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.results import Pdu
from inspector.shapes import Shape

ByLength = Mapping[int, tuple[Shape, ...]]


class Framer:
    """Use: `add`, then `advance` until it says False, then `settle`.

    After True the attributes tell of one unit: `kind` (its TPDU code), the span `start:stop` in `octets`,
    `length` on the wire, and in how many `segments` it came.
    """

    __slots__ = (
        "_head",
        "_held",
        "_limits",
        "_need",
        "_next",
        "_parts",
        "_scan",
        "_work",
        "kind",
        "length",
        "octets",
        "segments",
        "start",
        "stop",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = bytearray()
        self._work: Octets = b""
        self._head = 0  # of the TSDU under way, in _work
        self._next = 0  # the head of the TSDU after the unit just told of
        self._scan = 0  # first TPKT not yet looked at whole
        self._need = 1  # octets that _held must reach before looking again makes sense
        self._parts: list[tuple[int, int]] = []  # user data of the DTs so far, from _head
        self.kind = 0
        self.octets: Octets = b""
        self.start = self.stop = self.length = self.segments = 0

    @property
    def head(self) -> int:
        """How many octets of those in hand are decided: where the TSDU under way starts."""
        return self._head

    @property
    def origin(self) -> int:
        """Where offsets count from: the TSDU's head, or the start of the joined user data."""
        return 0 if self.segments > 1 else self._head

    @property
    def held(self) -> bytes:
        """The undecided octets."""
        return bytes(self._held)

    def hold(self, octets: bytes) -> None:
        """Take over what another framer held."""
        self._held[:] = octets
        self._need = 0

    def add(self, data: bytes) -> bool:
        """New octets. False: they decide nothing yet, and `advance` and `settle` are not due."""
        held = self._held
        if held:
            held += data
            if len(held) < self._need:
                return False
            self._work = held
        elif data:
            self._work = data
        else:
            return False
        return True

    def advance(self) -> bool:
        """Go to the next whole TPDU or TSDU, which lets the one before go. Raises DecodeError."""
        self._head = self._next
        self.segments = 0
        work = self._work
        size = len(work)
        while True:
            scan = self._scan
            if size - scan < tpkt.HEADER_BYTES:
                self._need = scan + (tpkt.HEADER_BYTES if size > scan else 1)
                if size > scan:
                    tpkt.check_version(work, scan)
                return False
            stop = scan + tpkt.length(work, scan, self._limits)
            if stop - self._head > self._limits.held_bytes:
                raise DecodeError("held-overflow", f"a TSDU over {self._limits.held_bytes} octets", scan)
            if size < stop:
                self._need = stop
                return False
            self._scan = stop
            if self._take(work, scan + tpkt.HEADER_BYTES, stop):
                self.length = stop - self._head
                self._next = stop
                return True

    def skip(self, shapes: ByLength, pdus: list[Pdu]) -> None:
        """Go past the whole TPKTs that follow, as long as each has one of the `shapes`; their PDUs go to `pdus`."""
        work, pos = self._work, self._next
        if self._scan != pos:
            return  # in the middle of a segmented TSDU
        last = len(work) - tpkt.HEADER_BYTES
        while pos <= last:
            length = work[pos + 2] << 8 | work[pos + 3]
            value = int.from_bytes(work[pos : pos + length], "big")
            for mask, want, pdu in shapes.get(length, ()):
                if value & mask == want:
                    pdus.append(pdu)
                    break
            else:
                break
            pos += length
        self._scan = self._next = pos

    def _take(self, work: Octets, pos: int, stop: int) -> bool:
        """One whole TPDU; True if a unit ends with it."""
        self.kind = work[pos + 1]
        if self.kind != cotp.DT:
            if self._parts:
                raise DecodeError("cotp-interleaved", "another TPDU inside a segmented TSDU", pos)
            self.octets, self.start, self.stop = work, pos, stop
            return True
        last = cotp.data_header(work, pos, stop)
        if last and not self._parts:
            self.octets, self.start, self.stop, self.segments = work, pos + 3, stop, 1
            return True
        self._parts.append((pos + 3 - self._head, stop - self._head))
        if last:
            self._join(work)
        return last

    def _join(self, work: Octets) -> None:
        head = self._head
        self.octets = b"".join(work[head + start : head + stop] for start, stop in self._parts)
        self.start, self.stop, self.segments = 0, len(self.octets), len(self._parts)
        self._parts.clear()

    def settle(self) -> int:
        """Drop what is decided, hold the rest; returns how many octets were decided."""
        decided = self._head
        if self._work is self._held:
            del self._held[:decided]
        else:
            self._held += self._work[decided:]
        self._work = self.octets = b""
        self._head = self._next = 0
        self._scan -= decided
        self._need -= decided
        return decided

    def release(self, data: bytes = b"") -> int:
        """Give up framing: everything in hand and `data` is let go; returns how many octets that is."""
        size = (len(self._held) or len(self._work)) + len(data)
        self._held.clear()
        self._parts.clear()
        self._work = self.octets = b""
        self._head = self._next = self._scan = self._need = 0
        return size
