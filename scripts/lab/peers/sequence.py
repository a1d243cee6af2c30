"""Reports seen, missing, repeated, out of order, late: from the number that each carries and when it came."""

import statistics
from dataclasses import dataclass, field

_REMEMBERED_MAX = 100_000
_GAPS_TO_LEARN = 9


@dataclass
class SequenceCheck:
    """The reports of one transfer set, numbered from 0 without a gap when nothing goes wrong."""

    received: int = 0
    repeated: int = 0
    reordered: int = 0
    _missed_before: int = 0
    _expected: int = 0
    _gaps: set[int] = field(default_factory=set)

    @property
    def missed(self) -> int:
        """Numbers passed over and not seen since."""
        return self._missed_before + len(self._gaps)

    def restart(self) -> None:
        """The next report is number 0 of a new transfer."""
        self._missed_before = self.missed
        self._gaps.clear()
        self._expected = 0

    def see(self, number: int) -> None:
        """Take note of report `number`."""
        self.received += 1
        if number == self._expected:
            self._expected += 1
        elif number > self._expected:
            span = min(number, self._expected + _REMEMBERED_MAX)
            self._gaps.update(range(self._expected, span))
            self._expected = number + 1
        elif number in self._gaps:
            self._gaps.discard(number)
            self.reordered += 1
        else:
            self.repeated += 1


@dataclass
class Pace:
    """How late reports came: the longest gap, less the usual one."""

    gap_longest_ms: float = 0.0
    _first_gaps_ms: list[float] = field(default_factory=list)
    _last_ns: int = 0

    @property
    def late_longest_ms(self) -> float:
        """By how much the latest report was late; 0 until the usual gap is known."""
        if len(self._first_gaps_ms) < _GAPS_TO_LEARN:
            return 0.0
        return max(0.0, self.gap_longest_ms - statistics.median(self._first_gaps_ms))

    def arrive(self, now_ns: int) -> None:
        """A report came."""
        if self._last_ns:
            gap_ms = (now_ns - self._last_ns) / 1e6
            self.gap_longest_ms = max(self.gap_longest_ms, gap_ms)
            if len(self._first_gaps_ms) < _GAPS_TO_LEARN:
                self._first_gaps_ms.append(gap_ms)
        self._last_ns = now_ns

    def pause(self) -> None:
        """What comes next starts afresh."""
        self._last_ns = 0
