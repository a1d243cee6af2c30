"""What there is to say about a capture besides its PDUs: gaps, damage, what was not read. Bounded."""

from __future__ import annotations

from collections import Counter

TEXTS_MAX = 50
"""Notes kept in full; of the others only how many there were."""


class Notes:
    """Collects notes: in full as long as there are few, by kind always."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.counts: Counter[str] = Counter()

    def add(self, kind: str, text: str) -> None:
        """One note: its kind in a word or two, and what is to be said."""
        self.counts[kind] += 1
        if len(self.texts) < TEXTS_MAX:
            self.texts.append(text)

    def told(self) -> list[str]:
        """Every text kept, and how many were not."""
        more = self.counts.total() - len(self.texts)
        return [*self.texts, f"and {more} notes more"] if more else list(self.texts)
