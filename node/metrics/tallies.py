"""What is counted as traffic passes. It is on the way of every PDU, so it adds and does nothing else."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Any, Generic, TypeVar

from inspector import Pdu, Result

BOUNDS_S = (
    *(0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)
KINDS_MAX = 1000
"""Kinds of PDUs and applications told apart; those beyond are counted under one name."""
OTHER = "other"
NAMES = slice(Pdu._fields.index("cotp"), Pdu._fields.index("mms_service") + 1)
LAYERS = Pdu._fields[NAMES][:-1]

Kind = tuple[str | None, ...]
"""What a PDU is on each layer, and its MMS service."""
OTHER_KIND: Kind = (OTHER,) * len(Pdu._fields[NAMES])


class Delays:
    """A histogram of times."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, delay_s: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS_S, delay_s)] += 1
        self.sum_s += delay_s

    def buckets(self) -> list[tuple[str, float]]:
        """How many were no longer than each bound, as Prometheus wants it."""
        total, told = 0, []
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), self.counts, strict=True):
            total += count
            told.append((bound, float(total)))
        return told


K = TypeVar("K")


class Cells(Generic[K]):
    """Counts by key, each in a cell of its own: one look-up to count, and a bound on how many keys there are."""

    def __init__(self, other: K) -> None:
        self.cells: dict[K, list[int]] = {}
        self._other = other

    def add(self, key: K) -> list[int]:
        """The cell of a key that has none yet."""
        return self.cells.setdefault(key if len(self.cells) < KINDS_MAX else self._other, [0])

    def counts(self) -> dict[K, int]:
        """How many, by key."""
        return {key: cell[0] for key, cell in self.cells.items()}


class Tallies:
    """Counts over all sessions since this life of the node began."""

    def __init__(self) -> None:
        self.findings: Counter[tuple[str, str]] = Counter()
        """By severity and action."""
        self.denied = 0
        self.relayed = Delays()
        """From the reading of bytes to the writing of those that pass at once."""
        self.committed = Delays()
        """From the sending of a frame to the passive node's word that it holds it."""
        self._kinds: Cells[Kind] = Cells(OTHER_KIND)
        self._apps: Cells[str] = Cells(OTHER)
        self._find_kind = self._kinds.cells.get
        self._find_app = self._apps.cells.get

    def count(self, result: Result) -> None:
        """What one feed brought."""
        for pdu in result.pdus:
            kind: Any = pdu[NAMES]
            (self._find_kind(kind) or self._kinds.add(kind))[0] += 1
            if (app := pdu.app) is not None:
                (self._find_app(app) or self._apps.add(app))[0] += 1
        if result.findings:
            self.findings.update((finding.severity, finding.action.name.lower()) for finding in result.findings)
        if result.edits:
            self.denied += len(result.edits)

    def apps(self) -> dict[str, int]:
        """How many requests and reports, by application."""
        return self._apps.counts()

    def layers(self) -> dict[tuple[str, ...], int]:
        """How many PDUs, by layer and type on it."""
        found: Counter[tuple[str, ...]] = Counter()
        for kind, count in self._kinds.counts().items():
            for layer, name in zip(LAYERS, kind, strict=False):
                if name is not None:
                    found[layer.removesuffix("_pdu"), name] += count
        return dict(sorted(found.items()))

    def services(self) -> dict[tuple[str, ...], int]:
        """How many PDUs, by MMS service."""
        found: Counter[tuple[str, ...]] = Counter()
        for kind, count in self._kinds.counts().items():
            if kind[-1] is not None:
                found[(kind[-1],)] += count
        return dict(sorted(found.items()))
