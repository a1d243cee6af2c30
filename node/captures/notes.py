"""What there is to say about a capture besides its PDUs: gaps, damage, what was not read. Bounded."""

from __future__ import annotations

from collections import Counter

TEXTS_MAX = 8
"""Notes of one kind kept in full; of the others only how many there were."""


class Notes:
    """Collects notes: in full as long as there are few of a kind, by kind always."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self.counts: Counter[str] = Counter()
        """How many of each kind."""

    def add(self, kind: str, text: str) -> None:
        """One note: its kind in a word or two, and what is to be said."""
        self.counts[kind] += 1
        texts = self._texts.setdefault(kind, [])
        if len(texts) < TEXTS_MAX:
            texts.append(text)

    def told(self) -> list[str]:
        """Every text kept, kind by kind, and how many were not."""
        told = []
        for kind, texts in self._texts.items():
            more = self.counts[kind] - len(texts)
            told += [*texts, f"{kind}: {more} more"] if more else texts
        return told
