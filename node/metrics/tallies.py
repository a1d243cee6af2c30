"""What is counted as traffic passes. It is on the way of every PDU, so it adds and does nothing else."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Any

from inspector import Pdu, Result

BOUNDS_S = (
    *(0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)
KINDS_MAX = 1000
"""Kinds of PDUs and applications told apart; those beyond are counted under one name."""
OTHER = "other"
FIRST_NAME = Pdu._fields.index("cotp")
PAST_NAMES = Pdu._fields.index("mms_service") + 1
LAYERS = Pdu._fields[FIRST_NAME : PAST_NAMES - 1]

Kind = tuple[str | None, ...]
"""What a PDU is on each layer, and its MMS service."""
OTHER_KIND: Kind = (OTHER,) * (PAST_NAMES - FIRST_NAME)


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


class Tallies:
    """Counts over all sessions since this life of the node began."""

    def __init__(self) -> None:
        self.kinds: Counter[Kind] = Counter()
        self.apps: Counter[str] = Counter()
        self.findings: Counter[tuple[str, str]] = Counter()
        """By severity and action."""
        self.denied = 0
        self.relayed = Delays()
        """From the reading of bytes to the writing of those that pass at once."""
        self.committed = Delays()
        """From the sending of a frame to the passive node's word that it holds it."""

    def count(self, result: Result) -> None:
        """What one feed brought."""
        kinds, apps = self.kinds, self.apps
        for pdu in result.pdus:
            kind: Any = pdu[FIRST_NAME:PAST_NAMES]
            kinds[kind if kind in kinds or len(kinds) < KINDS_MAX else OTHER_KIND] += 1
            if (app := pdu.app) is not None:
                apps[app if app in apps or len(apps) < KINDS_MAX else OTHER] += 1
        if result.findings:
            self.findings.update((finding.severity, finding.action.name.lower()) for finding in result.findings)
        self.denied += len(result.edits)

    def layers(self) -> dict[tuple[str, ...], int]:
        """How many PDUs, by layer and type on it."""
        found: Counter[tuple[str, ...]] = Counter()
        for kind, count in self.kinds.items():
            for layer, name in zip(LAYERS, kind, strict=False):
                if name is not None:
                    found[layer.removesuffix("_pdu"), name] += count
        return dict(sorted(found.items()))

    def services(self) -> dict[tuple[str, ...], int]:
        """How many PDUs, by MMS service."""
        found: Counter[tuple[str, ...]] = Counter()
        for kind, count in self.kinds.items():
            if kind[-1] is not None:
                found[(kind[-1],)] += count
        return dict(sorted(found.items()))
