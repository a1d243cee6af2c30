"""Some seeds of the whole cluster: the checkers have nothing to say, and each sees the bugs that are planted for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.faults import Fault
from tests.simulation.plan import Plan, draw_plan
from tests.simulation.planted import PLANTED, Planted
from tests.simulation.run import Run, simulate
from tests.simulation.shrink import shrink
from tests.simulation.transcript import read, render

SEEDS = range(16)
SEEDS_MAX = 20
SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.txt"))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_violated(seed: int) -> None:
    assert simulate(draw_plan(seed)).complaints == [], f"replay: python -m tests.simulation {seed}"


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_that_failed_once_never_fails_again(path: Path) -> None:
    assert simulate(read(path.read_text())).complaints == [], f"replay: python -m tests.simulation {path}"


def test_a_seed_is_a_run() -> None:
    assert simulate(draw_plan(3)).world.trace == simulate(draw_plan(3)).world.trace


def test_faults_do_their_work() -> None:
    runs = [simulate(draw_plan(seed)) for seed in range(12)]
    reasons = {reason for run in runs for _, _, reason in run.checks.epochs}
    assert len(reasons) > 3, reasons
    assert sum(run.checks.carried for run in runs) > 5


CUT = (Fault.read("at 1.500 cut-links b both 3.000"),)
"""No link between the nodes works, and all data networks do."""


@pytest.mark.parametrize("seed", range(2))
def test_with_a_witness_exactly_one_node_speaks_when_all_links_are_cut(seed: int) -> None:
    run = Run(Plan(seed, witness=True, faults=CUT))
    with run.surroundings.installed():
        run.begin()
        run.world.run(4.0)
        voices = [name for name, machine in run.machines.items() if machine.may_speak()]
        run.dispose()
    assert (len(voices), run.complaints, run.checks.parted) == (1, [], False)
    assert simulate(run.plan).complaints == []


def test_without_one_both_speak_and_merge_when_the_links_are_back() -> None:
    run = simulate(Plan(1, faults=CUT))
    assert (run.complaints, run.checks.parted) == ([], True)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = PLANTED[name]
    plant(planted, monkeypatch)
    complaints = (line for seed in range(SEEDS_MAX) for line in simulate(planted.plan(seed)).complaints)
    assert any(f" {planted.complaint} " in line for line in complaints)


@pytest.mark.parametrize("name", PLANTED)
def test_and_nothing_is_said_without_it(name: str) -> None:
    assert simulate(PLANTED[name].plan(0)).complaints == []


def test_a_failing_run_is_cut_down_to_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = PLANTED["decoder's delta forgotten"]
    plant(planted, monkeypatch)
    more = tuple(map(Fault.read, ("at 1.450 wall-jump b 60.0", "at 1.480 break-stream", "at 2.000 switchover a")))
    small = shrink(replace(planted.plan(1), faults=(*more, *planted.plan(1).faults), lost=0.01))
    assert len(small.faults) == 1
    story = render(small)
    assert "!!! I4" in story
    assert read(story) == small


def plant(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, attribute, value in planted.swaps():
        monkeypatch.setattr(owner, attribute, value)
