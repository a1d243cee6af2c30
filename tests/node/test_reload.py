"""Taking up new files: all or nothing, what needs a restart is named, and both nodes' tables are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from node.agreement import Agreement
from node.config import Config, ConfigErrors, load
from node.inspectors import Inspectors
from node.keys import KeyFileError, Keys, new_key, read_keys, write_keys
from node.policy import load_all
from node.reading import taken_up
from node.reload import Outcome, Reload, differing

BASE = Path(__file__).parents[1] / "config" / "base.yaml"
OPEN = "policies:\n  - {id: 1, name: open, default: pass}\n  - {id: 2, name: shut, default: deny}\n"
BAD = "policies:\n  - {id: 1, name: open, default: perhaps}\n"


class Told:
    """In place of the node's events."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def configured(self, message: str, facts: Any) -> None:
        self.messages.append(message)

    refused = configured


class Bench:
    """A node's files, and what takes them up."""

    def __init__(self, directory: Path) -> None:
        self.key, self.policy, self.path = (directory / name for name in ("key", "policy.yaml", "node.yaml"))
        write_keys(self.key, (new_key(),))
        self.policy.write_text(OPEN)
        self.text = BASE.read_text().replace("/etc/tandem/cluster.key", str(self.key))
        self.write(self.text)
        self.config: Config = load(self.path)
        self.inspectors = Inspectors(self.config, load_all(self.config))
        self.keys: list[Keys] = []
        self.told: Any = Told()
        self.reload = Reload(self.path, self.config, self.inspectors, {}, self.keys.append, self.told)

    def write(self, text: str) -> None:
        self.path.write_text(f"{text}\npolicy_file: {self.policy}\n")

    def policy_of(self, service: str) -> int:
        return self.inspectors.rulebook.services[service].policy.number


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_service_goes_by_another_policy(bench: Bench) -> None:
    bench.write(bench.text.replace("policy: 1", "policy: 2").replace("lease_ms: 150", "lease_ms: 160"))
    outcome = await bench.reload()
    assert bench.policy_of("iccp") == 2
    assert outcome.restart == ["cluster.heartbeat.lease_ms"]
    assert outcome.tables == bench.inspectors.rulebook.tables
    assert (outcome.sessions, bench.told.messages) == (0, ["reloaded"])
    assert bench.config.cluster.heartbeat.lease_ms == 150, "what needs a restart waits for it"


@pytest.mark.parametrize("what", ["policy", "node", "key"])
async def test_a_file_with_a_mistake_changes_nothing(bench: Bench, what: str) -> None:
    rulebook = bench.inspectors.rulebook
    if what == "policy":
        bench.policy.write_text(BAD)
    elif what == "node":
        bench.write(bench.text.replace("policy: 1", "policy: 7"))
    else:
        bench.policy.write_text(OPEN.replace("shut", "closed"))
        bench.key.chmod(0o644)
    with pytest.raises((ConfigErrors, KeyFileError)) as caught:
        await bench.reload()
    assert {"policy": "policy.yaml:2:34", "node": "node.yaml:21:13", "key": "chmod 600"}[what] in str(caught.value)
    assert bench.inspectors.rulebook is rulebook
    assert (bench.keys, bench.told.messages) == ([], ["reload refused: what was in force still is"])


async def test_the_keys_are_taken_up(bench: Bench) -> None:
    keys = (*read_keys(bench.key), new_key())
    write_keys(bench.key, keys, replace=True)
    outcome: Outcome = await bench.reload()
    assert (bench.keys, len(outcome.keys)) == ([keys], 2)


async def test_what_a_running_service_does_not_know_waits_for_a_restart(bench: Bench) -> None:
    written = load(bench.path)
    service = written.services[0].model_copy(update={"name": "other", "policy": 2})
    changed = written.model_copy(update={"services": (service,)})
    assert taken_up(bench.config, changed).services == bench.config.services
    assert list(differing(bench.config.model_dump(), changed.model_dump())) == ["services[0].name"]
    assert list(differing({"links": (1,)}, {"links": (1, 2)})) == ["links"]


def test_comments_do_not_count_and_contents_do(bench: Bench) -> None:
    first = load_all(bench.config).tables
    bench.policy.write_text("# mine\n" + OPEN)
    assert load_all(bench.config).tables == first
    bench.policy.write_text(OPEN.replace("default: pass", "default: monitor"))
    changed = load_all(bench.config).tables
    assert {name for name in first if first[name] != changed[name]} == {"policies"}


def test_a_difference_is_told_once_and_its_end_too() -> None:
    told: list[list[str]] = []
    agreement = Agreement({"policies": (1, "aa"), "custom tags": (2, "bb")}, told.append)
    agreement.there({})
    assert (told, agreement.differing) == ([], []), "a node that says nothing does not differ"
    for _ in range(2):
        agreement.there({"policies": (1, "cc"), "custom tags": (2, "bb"), "of a later release": (9, "dd")})
    assert told == [["policies"]]
    agreement.here({"policies": (1, "cc"), "custom tags": (2, "bb")})
    assert told == [["policies"], []]
    assert agreement.view()["there"]["policies"] == {"nr": 1, "hash": "cc"}
