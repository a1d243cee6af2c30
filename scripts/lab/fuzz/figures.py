"""What a run of the fuzzer amounts to, in numbers; those of several workers add up."""

import resource
from collections import Counter
from dataclasses import dataclass, field

from scripts.lab.fuzz.inputs import Input
from scripts.lab.fuzz.trial import Feeding

FAILURES_MAX = 20
"""Failures told in full; of more only how many there were."""


@dataclass
class Failure:
    """An input that caused trouble, as small as it could be made."""

    index: int
    setup: str
    trouble: str
    given: Input
    smallest: Input


@dataclass
class Figures:
    """Counts of everything."""

    inputs: int = 0
    octets: int = 0
    pdus: int = 0
    resets: int = 0
    denied: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    setups: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    """By code; each code once an input."""
    compared: int = 0
    measured: int = 0
    steps_most: float = 0.0
    """The largest share of its budget that an input used."""
    memory_measured: int = 0
    memory_most: float = 0.0
    resident_kib: int = 0
    """The largest worker's, at its end."""
    slowest_s: float = 0.0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)

    def count(self, given: Input, setup: str, feeding: Feeding) -> None:
        """One input taken without trouble."""
        self.octets += given.octets
        self.pdus += len(feeding.pdus)
        self.resets += feeding.reset
        self.kinds[given.kind] += 1
        self.setups[setup] += 1
        if feeding.findings:
            self.findings.update({it.code for it in feeding.findings})
        if feeding.edited:
            self.denied += 1

    def fail(self, failure: Failure) -> None:
        """One input that caused trouble."""
        self.failed += 1
        if len(self.failures) < FAILURES_MAX:
            self.failures.append(failure)

    def close(self) -> None:
        """The worker is done."""
        self.resident_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def add(self, other: "Figures") -> None:
        """What another worker did."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if name in ("steps_most", "memory_most", "resident_kib", "slowest_s"):
                setattr(self, name, max(mine, value))
            elif isinstance(mine, Counter):
                mine.update(value)
            else:
                setattr(self, name, mine + value)

    def lines(self, seconds: float) -> list[str]:
        """All of it for people."""
        rate = self.inputs / seconds if seconds else 0.0
        return [
            f"{self.inputs} inputs in {seconds:.0f} s ({rate:.0f} a second),"
            f" {self.octets / 1e6:.1f} MB, {self.pdus} PDUs",
            f"{self.resets} ended in a reset, {self.denied} had PDUs denied",
            f"compared however fed: {self.compared}; steps counted: {self.measured},"
            f" at most {self.steps_most:.0%} of the budget; memory: {self.memory_measured},"
            f" at most {self.memory_most:.0%};"
            f" slowest input {self.slowest_s * 1000:.1f} ms; largest process {self.resident_kib / 1024:.0f} MiB",
            f"inputs by kind: {_listed(self.kinds)}",
            f"inputs by setup: {_listed(self.setups)}",
            f"inputs by finding: {_listed(self.findings)}",
            f"failures: {self.failed}",
        ]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
