"""A pair with a witness, Debian's etcd: one voice with all links cut; lost members, a lost quorum, a lost witness."""

import os
from collections.abc import Iterator

import pytest

from scripts.lab import etcd
from scripts.lab.act import Act, Mix, wait
from scripts.lab.etcd import Etcd, WitnessedSite
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED, Timing
from scripts.lab.nodes import Node
from tests.requirements import needs_root, needs_tool

MIX = Mix(associations=2, second_stack=False, load=1)
LOAD_RATE_KIB = 16.0
LEASE_MS = 2000
"""Longer than the default, as the heartbeats are: for a machine busy with other things."""
OUT_OF_IT_S = LEASE_MS / 1000 + 1.0
PATIENCE_S = 30.0


class OneLinkSite(WitnessedSite):
    """With a single link, so that one cable cuts all of them and leaves the data networks alive."""

    link_networks = (("hb0", "hb", 100),)


def lab_of(site: WitnessedSite, timing: Timing = RELAXED) -> Lab:
    return Lab(os.environ.get("TANDEM_LAB_PREFIX", "e2e-"), timing=timing, site=site, more_hosts=etcd.PLUGS)


@pytest.fixture
def one_link() -> Iterator[Act]:
    with lab_of(OneLinkSite(lease_ms=LEASE_MS)) as lab, Etcd(lab.topology, lab.layout):
        yield Act(lab, MIX, LOAD_RATE_KIB)


@needs_root
@needs_tool("etcd")
def test_with_all_links_cut_one_node_speaks_and_nothing_moves_when_they_are_back(one_link: Act) -> None:
    act, cut = one_link, FAILURES["heartbeat-link"]
    act.open()
    act.strike(cut)
    act.active.wait("solo, and the record says so", _is_solo, PATIENCE_S)
    wait(2.0)
    assert [_role(node) for node in (act.active, act.passive)] == ["active", "passive"]
    act.mend(cut)
    wait(1.0)
    result = act.close(cut)
    assert result.faults() == []
    assert [[turn["node"] for turn in turns] for turns in act.turns.values()] == [[act.active.name]] * 2


@pytest.fixture
def three_members() -> Iterator[tuple[Act, Etcd]]:
    site = WitnessedSite(members=3, lease_ms=LEASE_MS)
    with lab_of(site) as lab, Etcd(lab.topology, lab.layout, members=3) as cluster:
        yield Act(lab, MIX, LOAD_RATE_KIB), cluster


@needs_root
@needs_tool("etcd")
def test_lost_members_lost_quorum_lost_witness_and_lost_power(three_members: tuple[Act, Etcd]) -> None:
    act, cluster = three_members
    act.open()
    act.look_again()
    act.note_sessions()
    first = act.before

    cluster.kill(0)  # two of three: the nodes ask the next
    wait(OUT_OF_IT_S)
    act.active.wait("heard by the witness", _hears_witness, PATIENCE_S)
    cluster.kill(1)  # one of three answers nobody: nobody speaks
    act.active.wait("silent", lambda status: status["lease"]["remaining_ms"] == 0, PATIENCE_S)
    assert [_role(node) for node in (act.active, act.passive)] == ["active", "passive"]
    cluster.start(1)
    act.active.wait("speaking again", lambda status: status["lease"]["remaining_ms"] > 0, PATIENCE_S)
    assert act.active.status()["epoch"] == first.epoch, "the same life goes on"
    act.active.wait("in sync, and the record says so", _is_in_sync, PATIENCE_S)

    lonely = f"{act.active.name}-witness"  # the active node alone hears no witness: the other has its ear
    act.lab.topology.unplug([lonely])
    status = act.lab.pair.wait_active(act.passive, PATIENCE_S)
    assert status["last_takeover"]["reset"] == 0
    act.lab.topology.plug_in([lonely])
    act.active, act.passive = act.lab.pair.wait_ready()

    power = FAILURES["power"]  # and a node that dies without a word is challenged first
    act.strike(power)
    act.mend(power)
    act.before = first
    result = act.close(power)
    assert (result.peers.survived, result.peers.bytes_wrong, result.peers.reports_missed) == (MIX.connections, 0, 0)
    grown = act.active.status()["epoch"] - first.epoch
    assert grown >= 2
    assert [len(turns) for turns in act.turns.values()] == [grown + 1] * 2, "each takeover moved the voice once"


def _is_solo(status: dict[str, dict[str, object]]) -> bool:
    return status["replication"]["state"] == "solo" and status["witness"]["solo"] is True


def _is_in_sync(status: dict[str, dict[str, object]]) -> bool:
    return status["replication"]["state"] == "in-sync" and status["witness"]["solo"] is False


def _hears_witness(status: dict[str, dict[str, object]]) -> bool:
    return status["witness"]["answers"] is True


def _role(node: Node) -> str:
    return str(node.status()["role"])
