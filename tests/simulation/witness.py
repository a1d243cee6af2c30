"""The witness: one record in a third place, behind paths that can be slow or cut. It stands in for node.witness.Etcd.

What is asked may be done although its answer never comes, also for a node that has died meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from protocol.events import AskWitness, WitnessAnswered
from tests.protocol.simulation.keeper import Keeper
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.process import Process

WAY_S = 0.004


class Store(Keeper):
    """A keeper some way off."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.extra_s = 0.0

    def ask(self, process: Process, question: AskWitness, answered: Any) -> None:
        """A question sets out."""
        self.world.after(self._way_s(), self._arrive, process, question, answered)

    def _way_s(self) -> float:
        return WAY_S * (0.2 + self.world.random.random()) + self.extra_s

    def _arrive(self, process: Process, question: AskWitness, answered: Any) -> None:
        answer = self.answer(process.machine.name, question)
        if answer is not None:
            self.world.after(self._way_s(), self._return, process, answer, answered)

    def _return(self, process: Process, answer: WitnessAnswered, answered: Any) -> None:
        if self.reaches(process.machine.name) and process.alive:
            process.loop.call_soon(_settle, answered, answer)


class Etcd:
    """A process's way to it."""

    def __init__(self, store: Store, process: Process) -> None:
        self.endpoint = "simulated"
        self._store = store
        self._process = process

    async def ask(self, question: AskWitness) -> WitnessAnswered:
        self._process.system_call()
        answered = self._process.loop.create_future()
        self._store.ask(self._process, question, answered)
        answer: WitnessAnswered = await answered
        return answer

    async def close(self) -> None:
        return


def _settle(answered: Any, answer: WitnessAnswered) -> None:
    if not answered.done():
        answered.set_result(answer)
