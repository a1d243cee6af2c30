"""A node of the release before and one of this: a pair, whichever is active, and the way up and down between them.

The older release is the very package that was published (tests/releases). Both stacks' clients run under a bilateral
table that denies some of what they ask, beside load at a fixed rate; each of its steps keeps every connection, octet,
serial, counter and decoder.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.release import SOFTWARE
from scripts.lab import namespaces
from scripts.lab.evidence import Peers, Sessions, kept
from scripts.lab.lab import Lab
from scripts.lab.layout import PolicedSite, Timing
from scripts.lab.nodes import Node
from scripts.lab.programs import REPOSITORY, Program
from tests.e2e.lines import take_over
from tests.e2e.test_denials import DENIED, until_denied
from tests.e2e.test_denials import POLICY as TABLE
from tests.requirements import needs_root

pytestmark = needs_root

OLDER = next((REPOSITORY / "tests" / "releases").glob("iccp_tandem-*.whl"))
OPEN = """
  - id: 2
    name: open
    default: pass
"""
ASSOCIATIONS, LOAD, LOAD_RATE_KIB = 2, 4, 100.0
TIMING = Timing(interval_ms=200, lost_threshold=6, lease_ms=900)
"""Nobody is taken for dead who is only slow; the nodes of this test say themselves when they go."""
FLOW_S = 60.0


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The release before, unpacked; what it needs is what this one needs."""
    with zipfile.ZipFile(OLDER) as package:
        package.extractall(tmp_path)
    return tmp_path


@dataclass
class Traffic:
    """What goes through the pair meanwhile."""

    clients: list[Program]
    load: Program

    @classmethod
    def start(cls, lab: Lab) -> Traffic:
        lab.start_servers(load_rate_kib=LOAD_RATE_KIB)
        clients = [lab.start_trespassers(ASSOCIATIONS), lab.start_second_stack("--trespass")]
        traffic = cls(clients, lab.start_load(LOAD, 600.0, LOAD_RATE_KIB))
        traffic.flows()
        traffic.load.wait_for_progress()
        return traffic

    def flows(self) -> None:
        """Everybody is served, and everybody denied what he must not have."""
        for client in self.clients:
            until_denied(client, 1, FLOW_S)

    def end(self) -> Peers:
        peers = Peers()
        for client in self.clients:
            summary = client.stop()
            assert set(summary["denied"]) == set(DENIED)
            peers.add_clients(summary)
        peers.add_load(self.load.stop(30.0))
        return peers


class OlderSite(PolicedSite):
    """With nothing in its configuration that the release before does not know."""

    written_events = False


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab("erel-", timing=TIMING, site=OlderSite(TABLE + OPEN, (1, 2))) as built:
        yield built


def change_release(lab: Lab, home: Path) -> None:
    """Stop the passive node and start it as another release."""
    _, passive = lab.pair.wait_ready()
    passive.stop()
    passive.home = home
    passive.start()
    lab.pair.wait_ready()


def step(lab: Lab, traffic: Traffic, kind: str) -> Node:
    """The other node becomes active and goes on with everything."""
    active, passive = lab.pair.wait_ready()
    before = Sessions.of(active)
    assert take_over(lab, kind) is passive
    traffic.flows()
    after = Sessions.of(passive)
    assert kept(before, after)
    assert len(after.by_serial) == ASSOCIATIONS + 1 + LOAD
    assert not [
        row for row in after.by_serial.values() if row["midstream"] or row["ignored"] or row["uninspected_pdus"]
    ]
    assert all(row["guarded"] for row in after.by_serial.values() if row["service"] == "iccp")
    return passive


def test_up_by_switchover_and_down_again(lab: Lab, older: Path) -> None:
    for node in lab.pair.nodes:
        node.home = older
    a, b = lab.pair.nodes
    lab.pair.start()
    lab.pair.wait_ready()
    traffic = Traffic.start(lab)

    change_release(lab, REPOSITORY)  # b; the older one is active
    assert step(lab, traffic, "worker") is b  # this one is active, its passive the older
    assert b.status()["peer"]["software"] == "iccp-tandem 0.1"
    assert step(lab, traffic, "planned") is a
    assert step(lab, traffic, "planned") is b
    change_release(lab, REPOSITORY)  # a
    assert b.status()["peer"]["software"] == b.status()["software"] == SOFTWARE

    change_release(lab, older)  # a
    assert step(lab, traffic, "worker") is a
    assert step(lab, traffic, "planned") is b
    assert step(lab, traffic, "planned") is a
    change_release(lab, older)  # b

    peers = traffic.end()
    assert (peers.connections - peers.survived, peers.bytes_wrong) == (0, 0), peers.complaints
    assert (peers.reports_missed, peers.reports_repeated, peers.complaints) == (0, 0, [])
    assert peers.bytes_checked > 0


def test_releases_too_far_apart_refuse_each_other_and_do_not_fight(lab: Lab, older: Path) -> None:
    """The other node's is of long ago: it reads only the first version of the replication's messages."""
    told = older / "protocol" / "messages.py"
    told.write_text(told.read_text().replace("VERSIONS_READ = (1, 2)", "VERSIONS_READ = (1,)"))
    a, b = lab.pair.nodes
    b.home = older
    a.start()
    lab.pair.wait_active(a, FLOW_S)
    b.start()
    problem = "b (iccp-tandem 0.1) cannot read what"
    status = a.wait("told", lambda status: any(problem in each for each in status["problems"]), FLOW_S)
    assert "messages: here version 2 or version 3, there version 1" in " ".join(status["problems"])
    assert f"! the nodes' releases do not go together: {problem}" in " ".join(lab.tandem(a, "status").split())
    b.wait("passive", lambda status: status["role"] == "passive", FLOW_S)
    time.sleep(3 * TIMING.lost_ms / 1000)
    assert [node.status()["role"] for node in (a, b)] == ["active", "passive"]
    assert a.status()["epoch"] == status["epoch"]
    assert problem in doctor(lab, a)
    assert problem in lab.layout.log(a.name).read_text()


def doctor(lab: Lab, node: Node) -> str:
    line = namespaces.command(
        node.namespace, sys.executable, "-m", "node.cli", "doctor", str(lab.layout.config(node.name))
    )
    return subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False).stdout
