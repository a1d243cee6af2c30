"""Reports seen, missing, repeated, out of order: counted from the sequence number that each carries."""

from dataclasses import dataclass, field

_REMEMBERED_MAX = 100_000


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
