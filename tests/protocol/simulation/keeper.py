"""What a simulated witness keeps, here and in tests/simulation: one record, written at revisions."""

from __future__ import annotations

from protocol.events import AskWitness, WitnessAnswered


class Keeper:
    """Linearizable while it has its quorum, silent while not."""

    def __init__(self) -> None:
        self.record: bytes | None = None
        self.revision = 0
        self.quorum = True
        self.cut: set[str] = set()
        """Nodes that it cannot be reached from."""

    def reaches(self, name: str) -> bool:
        """Whether words pass between it and a node."""
        return self.quorum and name not in self.cut

    def answer(self, name: str, question: AskWitness) -> WitnessAnswered | None:
        """Do what a node asks, and say what is kept then; None when the question does not arrive."""
        if not self.reaches(name):
            return None
        if question.write is not None and question.revision == self.revision:
            self.record = question.write
            self.revision += 1
        return WitnessAnswered(question.number, self.record, self.revision)
