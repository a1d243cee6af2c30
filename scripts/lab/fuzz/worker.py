"""The inputs of one worker, one after the other: each tried, some looked at more closely."""

import time
from collections.abc import Iterable
from typing import Final

from scripts.lab.fuzz import cost, shrink
from scripts.lab.fuzz.figures import Failure, Figures
from scripts.lab.fuzz.inputs import CUT_SHORT, Input, Maker
from scripts.lab.fuzz.material import Material
from scripts.lab.fuzz.setups import setups
from scripts.lab.fuzz.trial import run, same_trouble, trouble_of

COMPARE_EVERY: Final = 50
MEASURE_EVERY: Final = 1_000
WEIGH_EVERY: Final = 10_000
COMPARED_BYTES_MAX: Final = 4_000
"""Longer inputs are not compared octet by octet."""
PIECES: Final = (5, 17, 30, 61, 120)


class Worker:
    """Tries inputs by their numbers."""

    def __init__(self, seed: int) -> None:
        self.material = Material(seed)
        self._setups = setups()
        self._maker = Maker(seed, self.material, len(self._setups))
        self.figures = Figures()

    def work(self, indices: Iterable[int], until_s: float = float("inf")) -> Figures:
        """Try the inputs of these numbers, until a time (of time.monotonic) comes."""
        clock, figures, make, setups_ = time.perf_counter, self.figures, self._maker.make, self._setups
        for index in indices:
            given = make(index)
            setup = setups_[given.setup]
            figures.inputs += 1
            started = clock()
            try:
                feeding = run(setup, given)
            except Exception:
                self._fail(index, given, trouble_of(setup, given))
                continue
            took_s = clock() - started
            figures.slowest_s = max(figures.slowest_s, took_s)
            if took_s > cost.seconds_max(given) and cost.seconds(setup, given) > cost.seconds_max(given):
                self._fail(index, given, f"slow: {took_s:.3f} s for {given.octets} octets")
            figures.count(given, setup.name, feeding)
            if index % COMPARE_EVERY == 0 or given.kind == CUT_SHORT:
                self._look_closely(index, given)
            if index % 256 == 0 and time.monotonic() > until_s:
                break
        figures.close()
        return figures

    def _look_closely(self, index: int, given: Input) -> None:
        setup, figures = self._setups[given.setup], self.figures
        if given.octets <= COMPARED_BYTES_MAX:
            figures.compared += 1
            piece = PIECES[index // COMPARE_EVERY % len(PIECES)]
            trouble = trouble_of(setup, given, piece)
            if trouble:
                self._fail(index, given, trouble, piece)
        if index % MEASURE_EVERY == 0:
            figures.measured += 1
            share = cost.steps(setup, given) / cost.steps_max(given)
            figures.steps_most = max(figures.steps_most, share)
            if share > 1:
                self._fail(index, given, f"steps: {share:.0%} of the budget")
        if index % WEIGH_EVERY == 0:
            figures.memory_measured += 1
            share = cost.memory(setup, given) / cost.memory_max(given)
            figures.memory_most = max(figures.memory_most, share)
            if share > 1:
                self._fail(index, given, f"memory: {share:.0%} of the budget")

    def _fail(self, index: int, given: Input, trouble: str, piece: int = 0) -> None:
        setup = self._setups[given.setup]
        smallest = given
        if self.figures.failed < 5:

            def fails(candidate: Input) -> bool:
                return same_trouble(trouble, trouble_of(setup, candidate, piece))

            smallest = shrink.shrink(given, fails) if fails(given) else given
            trouble = trouble_of(setup, smallest, piece) or trouble
        self.figures.fail(Failure(index, setup.name, trouble, given, smallest))
