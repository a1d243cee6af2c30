"""Connections that live through much: ten takeovers, a node that joins late, hours of paced requests in small."""

from scripts.lab import faults
from scripts.lab.act import Act, Mix, wait
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from scripts.lab.nodes import in_sync
from scripts.lab.topology import CLIENT_VIRTUAL
from tests.requirements import needs_root

TAKEOVERS = 10
MANY = 100
SLOW_KIB = 8.0
ROUNDS = 10


@needs_root
def test_ten_takeovers_to_and_fro_with_the_same_connections(lab: Lab) -> None:
    act = Act(lab, Mix(associations=2, second_stack=False, load=2), load_rate_kib=128.0)
    act.open()
    act.note_sessions()
    first = act.before
    for turn in range(TAKEOVERS):
        failure = FAILURES["worker" if turn % 2 else "node"]
        act.strike(failure)
        wait(0.3)
        act.mend(failure)
    assert act.active.status()["epoch"] == first.epoch + TAKEOVERS
    resumed = [session["resumed"] for session in act.active.ask("/sessions")]
    assert resumed == [TAKEOVERS] * act.mix.connections
    act.before = first
    result = act.close(FAILURES["worker"])
    assert (result.peers.survived, result.peers.bytes_wrong, result.peers.reports_missed) == (4, 0, 0)
    assert [len(turns) for turns in act.turns.values()] == [TAKEOVERS + 1] * 2


@needs_root
def test_a_passive_node_joins_a_running_one_and_can_take_over_at_once(lab: Lab) -> None:
    first, second = lab.pair.nodes
    first.start()
    first.wait("active", lambda status: status["role"] == "active", 20.0)
    lab.start_servers(load_rate_kib=SLOW_KIB)
    load = lab.start_load(MANY, seconds=3600.0, rate_kib=SLOW_KIB)
    load.wait_for_progress(60.0)
    second.start()
    second.wait("in sync", in_sync, 30.0)
    faults.strike(FAILURES["node"], lab.topology, first)
    lab.pair.wait_active(second)
    wait(1.0)
    verdict = load.stop(60.0)
    assert (verdict["survived"], verdict["bytes_wrong"], verdict["broken"]) == (MANY, 0, {})


@needs_root
def test_a_paced_exchange_makes_nobody_retransmit(lab: Lab) -> None:
    lab.pair.start()
    lab.pair.wait_ready()
    lab.start_servers()
    arguments = ("--host", CLIENT_VIRTUAL, "--rounds", str(ROUNDS), "--interval", "0.5")
    pingpong = lab.start_program("client", "pingpong", "pingpong", *arguments)
    pingpong.wait_for_progress()  # the opening, on a busy machine, may take longer than a timer
    before = lab.topology.retransmitted_segments("server")
    summary = pingpong.finish(60.0)
    after = lab.topology.retransmitted_segments("server")
    assert summary["rounds"] == ROUNDS
    assert (summary["retransmitted"], after - before) == (0, 0), "of the exchange; the client's close is not part of it"
