"""Several faults at once, and those that are no death: wrong clocks, a full disk, a lost gateway, a stopped passive.

`scripts/soak-faults` draws such schedules at random; here are short ones that always go the same way.
"""

from collections.abc import Iterator

import pytest

from scripts.lab.act import wait
from scripts.lab.faults import FAULTS
from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED, SturdySite
from scripts.lab.namespaces import run
from scripts.lab.ordeal import Company, Ordeal, complaints
from scripts.lab.schedule import Blow
from scripts.lab.stopped_standby import witness
from scripts.lab.topology import CLIENT_ADDRESS
from tests.requirements import needs_root, needs_tool

pytestmark = [needs_root, needs_tool("clang")]

LOAD_KIB = 64.0
STOPPED_S = 4.0
MEMORY_GROWTH_KIB_MAX = 64 * 1024
LEASE_OUTLASTED_S = 1.5


class WatchedSite(SturdySite):
    """The client plays the gateway."""

    gateways = ({"interface": "eth-client", "address": CLIENT_ADDRESS, "interval_ms": 200, "lost_threshold": 3},)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab("efault-", timing=RELAXED, site=WatchedSite()) as built:
        built.give_own_clocks_and_disks()
        built.pair.start()
        built.start_servers(load_rate_kib=LOAD_KIB)
        yield built


def blow(fault: str, victim: str, lasts_s: float, *, patient: bool = True) -> Blow:
    return Blow(FAULTS[fault], victim, patient, 0.2, lasts_s)


def test_wrong_clocks_and_full_disks_break_nothing_and_leave_one_voice(lab: Lab) -> None:
    """A node whose clocks are those of a time namespace is frozen while active: its lease must end all the same. The
    passive then takes over with a full disk, and the first one comes back on a full disk of its own."""
    lab.pair.wait_ready()
    company = Company(lab, LOAD_KIB)
    schedule = (
        blow("boot-clock", "passive", 0.2),
        blow("planned", "active", 0.2),
        blow("wall-clock", "active", 3.0),
        blow("full-disk", "passive", 4.0, patient=False),
        blow("full-disk", "active", 4.0, patient=False),
        blow("freeze", "active", LEASE_OUTLASTED_S, patient=False),
    )
    ordeal = Ordeal(lab, company, schedule)
    ordeal.run()
    assert (ordeal.findings.complaints, ordeal.findings.may_break) == ([], "")
    assert ordeal.findings.epochs >= 2
    assert complaints(company.leave()) == []


def test_a_gateway_that_is_gone_makes_the_active_node_hand_over(lab: Lab) -> None:
    active, passive = lab.pair.wait_ready()
    load = lab.start_load(2, seconds=3600.0, rate_kib=LOAD_KIB)
    load.wait_for_progress(30.0)
    lost = f"gateway {CLIENT_ADDRESS} on eth-client does not answer"
    port, switch = f"{active.name}-client", lab.topology.namespace("switch")
    run("ip", "-n", switch, "link", "set", port, "nomaster")
    try:
        taken = lab.pair.wait_active(passive, 20.0)["last_takeover"]
        active.wait("without its gateway", lambda status: lost in status["problems"], 30.0)
    finally:
        run("ip", "-n", switch, "link", "set", port, "master", "br-client")
    assert taken["reason"] == "handover"
    active.wait("sound", lambda status: not status["degraded"], 20.0)
    verdict = load.stop(30.0)
    assert (verdict["survived"], verdict["bytes_wrong"]) == (2, 0)


def test_a_stopped_passive_does_not_stop_the_active_node(lab: Lab) -> None:
    active, _ = lab.pair.wait_ready()
    active.wait("free of earlier sessions", lambda status: status["sessions"] == 0, 30.0)
    load = lab.start_load(4, seconds=3600.0, rate_kib=LOAD_KIB)
    load.wait_for_progress(30.0)
    wait(0.5)
    seen = witness(lab, load, STOPPED_S)
    assert (seen["state"], seen["degraded"]) == ("solo", True)
    assert seen["bytes_meanwhile"] > 4 * LOAD_KIB * 1024, "it goes on alone: a second's worth at least"
    assert seen["memory_peak_kib"] - seen["memory_before_kib"] < MEMORY_GROWTH_KIB_MAX
    assert (seen["survived"], seen["bytes_wrong"], seen["sessions_taken_over"]) == (4, 0, 4)


def test_hold_acknowledges_nothing_without_the_passive() -> None:
    with Lab("ehold-", timing=RELAXED, site=SturdySite(standby_loss={"policy": "hold"})) as lab:
        lab.pair.start()
        lab.start_servers(load_rate_kib=1024.0)
        lab.pair.wait_ready()
        load = lab.start_load(4, seconds=3600.0, rate_kib=1024.0)
        load.wait_for_progress(30.0)
        seen = witness(lab, load, STOPPED_S)
    assert (seen["state"], seen["degraded"]) == ("waiting", True)
    assert seen["bytes_meanwhile"] < seen["bytes_after"] / 4, "the peers run out of what they may send"
    assert seen["memory_peak_kib"] - seen["memory_before_kib"] < MEMORY_GROWTH_KIB_MAX
    assert (seen["survived"], seen["bytes_wrong"], seen["sessions_taken_over"]) == (4, 0, 4)
