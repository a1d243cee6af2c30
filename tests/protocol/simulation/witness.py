"""A witness in simulation, reached over paths that can be slow, or cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol import events
from protocol.events import AskWitness
from tests.protocol.simulation.keeper import Keeper

if TYPE_CHECKING:
    from tests.protocol.simulation.node import Worker
    from tests.protocol.simulation.world import World

LEASE_S = 0.6
TIMEOUT_S = 0.3
"""How long a node waits for an answer. What it asked for may be done later all the same."""


class SimulatedWitness(Keeper):
    """A keeper some way off."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
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

        def come_back(answer: events.WitnessAnswered) -> None:
            if self.reaches(worker.node.name):
                deliver(answer)

        def arrive() -> None:
            answer = self.answer(worker.node.name, question)
            if answer is not None:
                self.world.after(self._way_s(), lambda: come_back(answer))

        self.world.after(self._way_s(), arrive)
        self.world.after(TIMEOUT_S, lambda: deliver(events.WitnessFailed(question.number, "timeout")))

    def _way_s(self) -> float:
        return self.world.random.uniform(0.0005, self.delay_s)
