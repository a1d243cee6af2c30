"""Policy files: every mistake at its place, and what a sound one makes of the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector import apps
from inspector.policy import ALLOWED, Deed, Identity
from inspector.results import Action, Direction
from node import signatures
from node.config import ConfigErrors, load, parse
from node.policy import load_all, load_policy_file
from node.policy.models import POLICIES_MAX
from tests.config.cases import Case, read_cases, told

HERE = Path(__file__).parent / "policies"
CONFIGS = Path(__file__).parents[2] / "configs"
CONFIG = (Path(__file__).parents[1] / "config" / "base.yaml").read_text()
BASE = (HERE / "policy.yaml").read_text()
PEER = Identity("10.1.100.7", "0001", None, "1.1.999.1", 12)


def problems_of(path: Path) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load_policy_file(path)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("case", read_cases(HERE / "policy-problems.txt", BASE), ids=lambda case: case.name)
def test_problem_at_its_place(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(case.edited)
    with pytest.raises(ConfigErrors) as caught:
        load_policy_file(path)
    assert told(caught.value.problems, str(path)) == case.expected


def test_a_sound_file() -> None:
    east, west = load_policy_file(HERE / "policy.yaml").values()
    assert (east.policy.number, east.policy.name, west.policy.number) == (1, "east", 2)
    assert east.policy.guarded and not west.policy.guarded
    assert east.policy.on_undecodable is None
    assert east.policy.points is not None and west.policy.points is None
    assert east.policy.admit(PEER) == ALLOWED
    assert east.policy.admit(PEER._replace(client_ae_qualifier=13)).action is Action.RESET


def test_each_policy_has_its_own_rules() -> None:
    east, west = load_policy_file(HERE / "policy.yaml").values()

    def actions(rules: signatures.load.Ruleset) -> set[Action]:
        return {rule.action for rule in rules.overridden("operate-without-select")}

    assert (actions(east.rules), actions(west.rules)) == ({Action.DENY}, {Action.PASS})
    sweep = east.rules.rule(620304)
    assert sweep is not None and (sweep.count, sweep.seconds) == (5, 30)
    assert east.rules.guarded and not west.rules.guarded


def test_what_is_outside_of_a_row_is_no_better_off_than_what_no_row_allows(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(BASE.replace("default: deny", "default: reset"))
    east = load_policy_file(path)[1].policy
    deed = Deed(Direction.CLIENT_TO_SERVER, apps.OPERATE, "write", "confirmed-request", ("ICC1/BRK1",), 7.0)
    assert east.judge(deed, PEER, lambda *_: 1).action is Action.RESET


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    assert problems_of(path) == [f"{path}:1:1: no such file\n    give the path of a YAML file of policies"]


def test_policies_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    entries = [f"  - {{id: {nr}, name: p{nr}}}" for nr in range(1, POLICIES_MAX + 2)]
    path.write_text("\n".join(["policies:", *entries]))
    assert "the list has 65 entries" in problems_of(path)[0]


def test_a_large_bilateral_table(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    names = ", ".join(f"PT_{nr}" for nr in range(3_000))
    path.write_text(BASE.replace('["PT_*"], rights', f"[{names}], rights"))
    east = load_policy_file(path)[1].policy
    for name, action in (("PT_2999", Action.PASS), ("PT_3000", Action.DENY)):
        deed = Deed(Direction.CLIENT_TO_SERVER, apps.GET_VALUE, "read", "confirmed-request", (f"ICC1/{name}",))
        assert east.judge(deed, PEER, lambda *_: 1).action is action


# --- with a configuration


def configured(tmp_path: Path, policy: str | None = BASE, own: str | None = None, number: int = 1) -> str:
    """A configuration's text; its policy and signature files are written."""
    text = CONFIG.replace("    policy: 1\n", f"    policy: {number}\n")
    if policy is not None:
        (tmp_path / "policy.yaml").write_text(policy)
        text += f"policy_file: {tmp_path}/policy.yaml\n"
    if own is not None:
        (tmp_path / "own.yaml").write_text(own)
        text += f"signature_files: [{tmp_path}/own.yaml]\n"
    return text


def problems_in(text: str, tmp_path: Path) -> list[str]:
    """All problems but that of the key, with names of files alone."""
    with pytest.raises(ConfigErrors) as caught:
        parse(text, f"{tmp_path}/node.yaml")
    found = [problem for problem in caught.value.problems if problem.path != "cluster.key_file"]
    return [str(problem).replace(f"{tmp_path}/", "").split("\n", maxsplit=1)[0] for problem in found]


def test_the_policy_of_a_service_must_be_in_the_file(tmp_path: Path) -> None:
    text = configured(tmp_path, number=7)
    assert problems_in(text, tmp_path) == ["node.yaml:21:13: services[0].policy: policy.yaml has no policy 7"]
    config = parse(text, check_files=False)
    with pytest.raises(ConfigErrors, match="there is none for service iccp, policy 7"):
        load_all(config)


def test_problems_of_all_files_are_told_at_once_each_under_its_own_name(tmp_path: Path) -> None:
    text = configured(
        tmp_path, BASE.replace("default: deny", "default: no"), (HERE / "signatures.yaml").read_text() + "  - 7\n"
    )
    assert problems_in(text.replace("level: info", "level: loud"), tmp_path) == [
        'node.yaml:23:14: log.level: must be one of debug, info, warning, error, not "loud"',
        "own.yaml:11:5: detections[2]: must be a mapping of keys to values, not 7",
        'policy.yaml:4:14: policies[0].default: must be one of pass, monitor, deny, reset, not "no"',
    ]


def test_a_missing_policy_file_is_told(tmp_path: Path) -> None:
    text = CONFIG + f"policy_file: {tmp_path}/none.yaml\nsignature_files: [none.yaml]\n"
    assert problems_in(text, tmp_path) == [
        'node.yaml:25:19: signature_files[0]: "none.yaml" is not an absolute path',
        "none.yaml:1:1: no such file",
    ]


def test_policies_may_speak_of_the_users_own_applications_and_detections(tmp_path: Path) -> None:
    own = (HERE / "signatures.yaml").read_text()
    policy = BASE.replace("620304:", "1000003:").replace('"MMS_File*"', "ICCP_Breaker.Control")
    config = parse(configured(tmp_path, policy, own), check_files=False)
    book = load_all(config)
    rules, east = book.services["iccp"]
    changed = rules.rule(1000003)
    assert changed is not None and changed.count == 5
    assert east.number == 1
    assert book.rules.rule(1000003) != changed, "the signatures as no policy has changed them"


def test_without_a_policy_file_everything_passes() -> None:
    book = load_all(parse(CONFIG.replace("policy: 1", "policy: 7"), check_files=False))
    rules, policy = book.services["iccp"]
    assert (policy.number, policy.guarded, rules.guarded) == (7, False, False)
    assert rules is book.rules


# --- the examples


def test_examples_are_sound() -> None:
    own = signatures.read([CONFIGS / "signatures-example.yaml"])
    policies = load_policy_file(CONFIGS / "policy-example.yaml", own)
    assert [str(it.policy) for it in policies.values()] == ["policy 1 (east)", "policy 2 (watch-only)"]
    assert load(CONFIGS / "node-a.yaml", check_files=False).policy_file is None


def test_the_example_does_what_its_comments_say() -> None:
    policy = load_policy_file(CONFIGS / "policy-example.yaml")[1].policy
    east = Identity("10.1.100.7", b"EAST1".hex(), "0001", "1.1.999.4", 12)
    assert policy.admit(east) == ALLOWED

    def action(naming: apps.Naming, *objects: str, value: float | None = None) -> Action:
        deed = Deed(Direction.CLIENT_TO_SERVER, naming, "write", "confirmed-request", objects, value)
        return policy.judge(deed, east, lambda *_: 1).action

    assert action(apps.GET_VALUE, "ICC1/PT_1") is Action.PASS
    assert action(apps.CREATE_DATA_SET, "ICC1/DS_1", "ICC1/Transfer_Set_Name", "ICC1/PT_1") is Action.PASS
    assert action(apps.START_TRANSFER, "ICC1/TS_1") is Action.PASS
    assert action(apps.OPERATE, "ICC1/BRK1", value=1) is Action.PASS
    assert action(apps.OPERATE, "ICC1/BRK1", value=2) is Action.DENY
    assert action(apps.OPERATE, "ICC1/SETP_1", value=451) is Action.MONITOR
    assert action(apps.OPERATE, "ICC1/BRK3", value=1) is Action.DENY
    assert action(apps.ENABLE_MESSAGES, "@/IM_Transfer_Set") is Action.PASS
    assert policy.is_control("ICC1/BRK1") and not policy.is_control("ICC1/PT_1")
