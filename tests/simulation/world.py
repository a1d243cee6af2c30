"""Virtual time, what is due in it, and what happened. Everything that happens is a *step*.

Time may also pass inside a step: a process that is stopped in the middle of its code lets the rest of the world run
on until it wakes (`run` is called from within).
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.process import Process

TRACE_LINES_MAX = 20_000


class World:
    """Virtual time in seconds; `current` is the process whose code runs."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.steps = 0
        self.trace: list[str] = []
        self.current: Process | None = None
        self.processes: list[Process] = []
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0

    def after(self, delay_s: float, act: Callable[..., None], *args: Any) -> None:
        """Have something happen."""
        self._number += 1
        heapq.heappush(self._queue, (self.now + delay_s, self._number, act, args))

    def run(self, until: float) -> None:
        """Let everything happen that is due until then."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, act, args = heapq.heappop(queue)
            self.steps += 1
            act(*args)
        self.now = max(self.now, until)

    def number(self) -> int:
        """A number never given before."""
        self._number += 1
        return self._number

    def chance(self, probability: float) -> bool:
        """Whether something happens that does so with this probability."""
        return self.random.random() < probability

    def tell(self, text: str) -> None:
        """Note what happened."""
        if len(self.trace) < TRACE_LINES_MAX:
            self.trace.append(f"{self.now:9.4f} {text}")
