"""Many seeds on all cores: how many steps, what happened in them, and what the checkers have against it.

    scripts/simulate --seeds 10000 --steps 10000000

Goes on until so many seeds and so many steps are done. The first seed that fails is cut down to what it takes, and
printed as a scenario that tests/scenarios/ can keep; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import multiprocessing
import os
import sys
import time
from collections import Counter
from typing import NamedTuple

from tests.simulation.plan import draw_plan
from tests.simulation.run import simulate
from tests.simulation.shrink import shrink
from tests.simulation.transcript import render

PROGRESS_S = 15.0
CHUNK_SEEDS = 4


class Done(NamedTuple):
    """What one seed came to."""

    seed: int
    steps: int
    complaint: str | None
    told: Counter[str]


def run_seed(seed: int) -> Done:
    """One seed's run."""
    run = simulate(draw_plan(seed))
    told: Counter[str] = Counter(f"takeover: {reason}" for _, _, reason in run.checks.epochs)
    told.update(f"fault: {fault.words[0]}" for fault in run.plan.faults)
    told["connections carried through a takeover"] = run.checks.carried
    told["connections broken, as they might"] = run.checks.broken_allowed
    told["runs with two voices that two nodes alone cannot know of"] = run.checks.parted
    complaint = run.complaints[0] if run.complaints else None
    steps = run.world.steps
    del run
    gc.collect()
    return Done(seed, steps, complaint, told)


def _prepare() -> None:
    """What is loaded stays; what a run leaves behind is looked for once, after it."""
    simulate(draw_plan(0))
    gc.collect()
    gc.freeze()
    gc.disable()


class Tally:
    """What all seeds came to so far."""

    def __init__(self, first: int) -> None:
        self.seeds = self.steps = 0
        self.failed: list[Done] = []
        self.told: Counter[str] = Counter()
        self._first = first
        self._began_s = self._shown_s = time.monotonic()

    def add(self, done: Done) -> None:
        self.seeds += 1
        self.steps += done.steps
        self.told += done.told
        if done.complaint is not None:
            self.failed.append(done)
            print(f"seed {done.seed}: {done.complaint}", flush=True)
        if time.monotonic() - self._shown_s > PROGRESS_S:
            self._shown_s = time.monotonic()
            print(self.line(), flush=True)

    def line(self) -> str:
        elapsed_s = time.monotonic() - self._began_s
        return (
            f"{self.seeds} seeds from {self._first} on, {self.steps} steps, {elapsed_s:.0f} s,"
            f" {self.steps / max(elapsed_s, 1e-3):.0f} steps/s, {len(self.failed)} seeds failed"
        )


def _go(options: argparse.Namespace) -> Tally:
    tally = Tally(options.first)
    until_s = time.monotonic() + options.minutes * 60
    with multiprocessing.Pool(options.jobs, _prepare) as pool:
        for done in pool.imap_unordered(
            run_seed, itertools.islice(itertools.count(options.first), _most(options)), CHUNK_SEEDS
        ):
            tally.add(done)
            enough = tally.seeds >= options.seeds and tally.steps >= options.steps
            if enough or (tally.failed and not options.keep_going) or time.monotonic() > until_s:
                break
        pool.terminate()
    return tally


def _most(options: argparse.Namespace) -> int:
    """A bound on the seeds: a run has a thousand steps at least."""
    return int(options.seeds + options.steps // 1000 + CHUNK_SEEDS)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description="the whole cluster simulated, from many seeds")
    parser.add_argument("--seeds", type=int, default=1000, help="at least so many (default %(default)s)")
    parser.add_argument("--steps", type=int, default=0, help="at least so many in all")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--minutes", type=float, default=60.0, help="no longer than this (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first seed that fails")
    options = parser.parse_args()
    tally = _go(options)
    for what, count in sorted(tally.told.items()):
        print(f"  {count:8d}  {what}")
    print(tally.line())
    if tally.failed:
        seed = min(done.seed for done in tally.failed)
        print(f"\nshrunk from seed {seed}:\n")
        print(render(shrink(draw_plan(seed))))
    return bool(tally.failed)


if __name__ == "__main__":
    sys.exit(main())
