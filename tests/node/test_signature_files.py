"""Signature files: the stock one is whole, and every mistake in one's own is told at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.apps import NAMINGS
from inspector.results import Action
from inspector.rules import EVENTS
from node import signatures
from node.config import ConfigErrors
from node.signatures import load
from node.signatures.models import Detection
from scripts import stock
from tests.config.cases import Case, read_cases, told

HERE = Path(__file__).parent / "policies"
BASE = (HERE / "signatures.yaml").read_text()
STOCK = load.checked(stock.YAML.read_text("utf-8"), "stock.yaml")


# --- the stock signatures


def test_every_application_has_its_signature() -> None:
    named = [it.name for it in STOCK.applications]
    assert set(named) == {naming.app for naming in NAMINGS.values() if naming.app is not None}
    assert len(named) == len(set(named))


def test_ids_of_applications() -> None:
    """The published one; the others 610000 and the lowest number of a naming with that name."""
    numbers: dict[str, int] = {}
    for number, naming in sorted(NAMINGS.items()):
        numbers.setdefault(naming.app or "", 610_000 + number)
    numbers["ICCP_Transfer.Reporting"] = 44684
    assert {it.name: it.id for it in STOCK.applications} == {it.name: numbers[it.name] for it in STOCK.applications}


def test_every_event_has_a_detection() -> None:
    assert {(it.event, it.rank) for it in STOCK.detections} >= set(EVENTS.items())
    assert {it.event for it in STOCK.detections} == set(EVENTS)
    assert set(EVENTS.values()) == set(range(1, 13))


@pytest.mark.parametrize("it", STOCK.detections, ids=lambda it: it.name)
def test_stock_detections_only_tell(it: Detection) -> None:
    assert it.id // 100 == 6200 + it.rank
    assert it.enabled
    assert it.action == "pass"
    assert it.when is None, "so that PDUs without an event cost nothing"


def test_ids_and_names_differ_and_tags_are_set_by_something() -> None:
    every = [*STOCK.applications, *STOCK.detections]
    assert len({it.id for it in every}) == len(every)
    assert len({it.name for it in STOCK.detections}) == len(STOCK.detections)
    tags = {tag for it in STOCK.detections for tag in it.sets}
    assert {tag for it in STOCK.detections for tag in (*it.needs, *it.forbids)} <= tags


def test_every_signature_says_what_it_is() -> None:
    assert all(it.description for it in STOCK.applications)
    assert {it.category for it in STOCK.applications} == {"ICCP", "MMS"}


def test_what_programs_read_is_current() -> None:
    assert stock.STOCK.read_text("utf-8") == stock.text(), "python -m scripts.stock"
    assert load.stock() == STOCK
    compiled = [each.compiled() for each in STOCK.applications], [each.compiled() for each in STOCK.detections]
    assert tuple(map(list, signatures.stock.rules())) == compiled


def test_the_stock_ruleset() -> None:
    rules = signatures.read()
    assert not rules.watches_pdus and not rules.guarded
    assert (rules.stock_tags.count, rules.custom_tags.count) == (5, 0)
    reporting = rules.described("ICCP_Transfer.Reporting")
    assert reporting is not None and (reporting.id, reporting.category) == (44684, "ICCP")


# --- one's own


@pytest.mark.parametrize("case", read_cases(HERE / "signature-problems.txt", BASE), ids=lambda case: case.name)
def test_problem_at_its_place(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(case.edited)
    with pytest.raises(ConfigErrors) as caught:
        signatures.read([path])
    assert told(caught.value.problems, str(path)) == case.expected


def test_a_sound_file() -> None:
    rules = signatures.read([HERE / "signatures.yaml"])
    assert rules.custom_tags.count == 1
    assert rules.stock_tags == signatures.read().stock_tags
    assert rules.watches_pdus
    own = rules.rule(1000003)
    assert own is not None
    assert (own.event, own.count, own.seconds, own.needs) == ("enumeration", 3, 60, {"breakers"})
    assert own.action is Action.PASS


def test_files_may_not_repeat_each_other_but_may_need_each_others_tags(tmp_path: Path) -> None:
    first, second = HERE / "signatures.yaml", tmp_path / "second.yaml"
    second.write_text(
        "detections: [{id: 1000003, name: x, event: framing, severity: low, needs: [breakers, reconnaissance]}]"
    )
    with pytest.raises(ConfigErrors) as caught:
        signatures.read([first, second])
    assert [problem.message for problem in caught.value.problems] == [f"1000003 is taken by {first}"]


def test_problems_of_all_files_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("b.yaml", "a.yaml")]
    for path in paths:
        path.write_text("detections: 7")
    with pytest.raises(ConfigErrors) as caught:
        signatures.read([*paths, tmp_path / "none.yaml"])
    assert [Path(problem.file).name for problem in caught.value.problems] == ["b.yaml", "a.yaml", "none.yaml"]
