"""Every signature fires on what it is for, and not on what is nearly so: in the inspector alone, and through a pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node import signatures
from node.policy import Loaded, load_policy_file
from tests.e2e.detections import access, bare, contents, form, peers
from tests.e2e.detections.live import Stage, perform, staged
from tests.e2e.detections.policy import OPEN, POLICY, STERN
from tests.e2e.detections.table import Case
from tests.e2e.detections.talks import Talk
from tests.e2e.detections.words import opened, operate, select
from tests.requirements import needs_root

CASES = [*peers.CASES, *access.CASES, *form.CASES, *contents.CASES]
all_cases = pytest.mark.parametrize("case", CASES, ids=[f"{case.sid}-{case.name}".replace(" ", "-") for case in CASES])
RANKS = range(1, 13)


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Loaded]:
    path: Path = tmp_path_factory.mktemp("detections") / "policy.yaml"
    path.write_text(POLICY)
    return load_policy_file(path)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged("edet-") as stage:
        yield stage


def test_every_signature_has_a_case() -> None:
    rules = signatures.read().rules
    assert {rule.id for rule in rules} == {case.sid for case in CASES}
    assert {rule.rank for rule in rules} == set(RANKS)


@all_cases
def test_in_the_inspector_alone(policies: dict[int, Loaded], case: Case) -> None:
    loaded = policies[case.policy]
    assert (case.sid, case.code) in {(found.sid, found.code) for found in bare.play(case.fires, loaded)}
    assert case.sid not in {found.sid for found in bare.play(case.near, loaded)}


@needs_root
@all_cases
def test_through_the_pair(stage: Stage, case: Case) -> None:
    rule = signatures.read().rule(case.sid)
    assert rule is not None
    fired = stage.play(case.fires, case.policy)
    told = stage.finding(fired, case.sid)
    assert (told["code"], told["policy"], told.get("attack", [])) == (case.code, case.policy, list(rule.attack))
    near = stage.play(case.near, case.policy)
    assert case.sid not in stage.sids(near)


@needs_root
def test_a_device_of_the_same_name_at_another_server_is_another(stage: Stage) -> None:
    here, there = stage.dial(OPEN, stage.client()), stage.dial(STERN, stage.client())
    perform(here, select(opened(), "BRK6").messages)
    perform(there, select(opened(), "BRK6").messages)
    perform(here, operate(Talk(), "BRK6").messages)
    assert 620303 not in stage.sids(here)
    for line in (here, there):
        line.close()
