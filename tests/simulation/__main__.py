"""Prints what happened in the run of one seed, or of a scenario."""

import sys
from pathlib import Path

from tests.simulation.plan import draw_plan
from tests.simulation.run import simulate
from tests.simulation.transcript import read

word = sys.argv[1]
plan = draw_plan(int(word)) if word.isdigit() else read(Path(word).read_text())
run = simulate(plan)
print(plan)
print("\n".join(run.world.trace))
print("\n".join(run.complaints) or "no complaints")
print(f"{run.world.steps} steps")
