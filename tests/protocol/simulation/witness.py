"""A witness in simulation: one record, written at revisions; reached over paths that can be slow, or cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol import events
from protocol.events import AskWitness

if TYPE_CHECKING:
    from tests.protocol.simulation.node import Worker
    from tests.protocol.simulation.world import World

LEASE_S = 0.6
TIMEOUT_S = 0.3
"""How long a node waits for an answer. What it asked for may be done later all the same."""


class SimulatedWitness:
    """Linearizable while it has its quorum; silent while not."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.record: bytes | None = None
        self.revision = 0
        self.quorum = True
        self.cut: set[str] = set()
        """Nodes that it cannot be reached from."""
        self.delay_s = 0.004
        """The longest that one way takes."""

    def ask(self, worker: Worker, question: AskWitness) -> None:
        """The question travels, is answered or not, and the answer travels back or comes too late."""
        answered = False

        def deliver(event: events.WitnessAnswered | events.WitnessFailed) -> None:
            nonlocal answered
            if not answered:
                answered = True
                worker.give(event)

        def arrive() -> None:
            if self.quorum and worker.node.name not in self.cut:
                self._write(question)
                answer = events.WitnessAnswered(question.number, self.record, self.revision)
                self.world.after(self._way_s(), lambda: self._return(worker, lambda: deliver(answer)))

        self.world.after(self._way_s(), arrive)
        self.world.after(TIMEOUT_S, lambda: deliver(events.WitnessFailed(question.number, "timeout")))

    def _return(self, worker: Worker, deliver: Callable[[], None]) -> None:
        if worker.node.name not in self.cut:
            deliver()

    def _write(self, question: AskWitness) -> None:
        if question.write is not None and question.revision == self.revision:
            self.record = question.write
            self.revision += 1

    def _way_s(self) -> float:
        return self.world.random.uniform(0.0005, self.delay_s)
