"""A running inspector held to other rules: from the next PDU on, and what it remembers stays."""

from ipaddress import ip_network

import pytest

from inspector import Action, Checkpoint, Policing, Policy, Stack
from inspector.policy import Peer, Right, Row
from node import signatures
from tests.inspector import vectors as v
from tests.inspector.test_verdicts import CLIENT, DENIED, RULES, codes, held_to, policy, reading, writing
from tests.inspector.vectors import C2S, REPORT, S2C

OPEN = policy(default=Action.PASS, peers=())
ANYTHING = Row("DOM", ("*",), frozenset(Right))


def hold(stack: Stack, held: Policy) -> None:
    stack.hold_to("reset", Policing(RULES, held, None, CLIENT))


@pytest.mark.parametrize("cut", [0, 5, 30])
def test_the_next_pdu_to_be_decided_is_judged_anew(cut: int) -> None:
    """Also one of which a part has come already."""
    stack, wire = held_to(OPEN), writing("DOM/P1", 7)
    assert not stack.feed(C2S, wire).edits
    stack.feed(C2S, wire[:cut])
    hold(stack, policy())
    assert stack.guarded
    assert [edit.back for edit in stack.feed(C2S, wire[cut:]).edits] == [DENIED]
    hold(stack, OPEN)
    assert not stack.guarded
    assert not stack.feed(C2S, wire).edits


def test_reports_of_known_shape_are_judged_anew_as_well() -> None:
    stack = held_to(OPEN)
    for _ in range(4):
        assert not stack.feed(S2C, REPORT).edits
    hold(stack, policy(peers=()))
    assert stack.feed(S2C, REPORT).edits


def test_a_peer_that_is_a_stranger_now_is_looked_at_again() -> None:
    stack = held_to(OPEN)
    assert not stack.feed(C2S, reading("DOM/P1")).reset
    other = Peer("other", (ip_network("10.9.0.0/16"),), client_may=(ANYTHING,))
    hold(stack, policy(peers=(other,), unknown_peer=Action.RESET))
    refused = stack.feed(C2S, reading("DOM/P1", 10))
    assert refused.reset and "unknown-peer" in codes(refused)


def test_memory_stays_and_the_passive_can_follow() -> None:
    stack = held_to(OPEN)
    kept = Checkpoint(stack.checkpoint())
    stack.feed(C2S, reading("DOM/P1"))
    hold(stack, policy())
    kept.apply(stack.take_delta() or b"")
    assert kept.pack() == stack.checkpoint()
    answer = stack.feed(S2C, v.data(v.osi(v.response(v.read_result(v.real()), 9))))
    assert "orphan-response" not in codes(answer) and not answer.findings


def test_tags_that_no_rule_here_knows_are_kept() -> None:
    """Set by the signatures of the other node; they come back to it as they were."""
    tagging = signatures.read()
    stack = Stack(policing=Policing(tagging, OPEN, None, CLIENT))
    stack.state.set_tag("of-the-other-node")
    there = Stack.resume(stack.checkpoint(), (b"", b""), policing=Policing(RULES, OPEN, None, CLIENT))
    there.feed(C2S, reading("DOM/P1"))
    back = Stack.resume(there.checkpoint(), (b"", b""), policing=Policing(tagging, OPEN, None, CLIENT))
    back.feed(C2S, reading("DOM/P1", 10))
    assert back.tags == ("of-the-other-node",)
