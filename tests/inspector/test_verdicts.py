"""What a policy does to octets: spans taken out, errors sent back or put in their place, sessions ended."""

from ipaddress import ip_network

import pytest

from inspector import Action, Checkpoint, Policing, Policy, Result, Stack, Watch
from inspector.patterns import Patterns
from inspector.policy import Peer, PointLimit, PointRow, Right, Row, Side, Span
from node import signatures
from tests.inspector import vectors as v
from tests.inspector.vectors import C2S, REPORT, S2C, data, integer, osi, request, response, tlv, variables

RULES = signatures.read()
READS = Row("DOM", ("P*", "BRK*", "DS1"), frozenset((Right.READ,)))
REPORTS = Row("DOM", ("*",), frozenset((Right.REPORT,)))
OPERATES = Row("DOM", ("BRK",), frozenset((Right.SELECT, Right.OPERATE)), values=Span(0, 1))
EAST = Peer("east", client_may=(READS, OPERATES), server_may=(REPORTS,))
CLIENT = "10.1.100.50"

DENIED = bytes.fromhex("03000020 02f080 01000100 6113 3011 020103 a00c a20a 800109 a205 a003 870103")
"""Confirmed-ErrorPDU (A2) to invoke ID 9: access (87), object-access-denied (3)."""
DENIED_BARE = bytes.fromhex("03000013 02f080 a20a 800109 a205 a003 870103")


def policy(**options: object) -> Policy:
    return Policy(1, "grid", **{"default": Action.DENY, "peers": (EAST,), **options})  # type: ignore[arg-type]


def held_to(held_to: Policy, watch: Watch | None = None) -> Stack:
    return Stack(policing=Policing(RULES, held_to, watch, CLIENT))


def reading(name: str, number: int = 9) -> bytes:
    return data(osi(request(v.read(variables(name)), number)))


def writing(name: str, value: int, number: int = 9) -> bytes:
    return data(osi(request(v.write(variables(name), integer(value, 0x85)), number)))


def onward(result: Result, octets: bytes) -> bytes:
    """What goes on of the octets that were decided."""
    passed, pos = b"", 0
    for start, stop, instead, _ in result.edits:
        passed += octets[pos:start] + instead
        pos = stop
    return passed + octets[pos : result.forward]


def codes(result: Result) -> list[str]:
    return [finding.code for finding in result.findings]


def test_a_denied_request_is_answered_and_not_forwarded() -> None:
    stack = held_to(policy())
    wire = writing("DOM/P1", 7)
    result = stack.feed(C2S, wire)
    assert (onward(result, wire), [edit.back for edit in result.edits]) == (b"", [DENIED])
    assert ([pdu.verdict for pdu in result.pdus], codes(result), result.reset) == (
        ["deny"],
        ["unauthorized-write"],
        False,
    )
    assert stack.state.calls == ({}, {}), "the server never saw it, so nothing is outstanding"


def test_without_a_session_layer_the_error_has_none_either() -> None:
    wire = data(request(v.write(variables("DOM/P1"), integer(1, 0x85)), 9))
    assert [edit.back for edit in held_to(policy()).feed(C2S, wire).edits] == [DENIED_BARE]


def test_the_error_comes_in_the_context_of_the_request() -> None:
    wire = data(
        b"\x01\x00\x01\x00" + v.user_data(request(v.write(variables("DOM/P1"), integer(1, 0x85)), 9), context=5)
    )
    (edit,) = held_to(policy()).feed(C2S, wire).edits
    assert edit.back == DENIED.replace(b"\x02\x01\x03", b"\x02\x01\x05", 1)


@pytest.mark.parametrize("cuts", [0, 1, 7])
def test_the_rest_of_the_stream_goes_on_untouched(cuts: int) -> None:
    good, bad = reading("DOM/P1", 1), writing("DOM/P1", 7)
    wire = good + bad + reading("DOM/P2", 2) + bad + good[:20]
    stack, passed, back, held = held_to(policy()), b"", b"", b""
    step = cuts or len(wire)
    for start in range(0, len(wire), step):
        held += wire[start : start + step]
        result = stack.feed(C2S, wire[start : start + step])
        passed += onward(result, held)
        back += b"".join(edit.back for edit in result.edits)
        held = held[result.forward :]
    assert (passed, back, held) == (good + reading("DOM/P2", 2), DENIED * 2, good[:20])


def test_the_association_goes_on_after_a_denial_on_another_node_too() -> None:
    stack = held_to(policy())
    kept = Checkpoint(stack.checkpoint())
    stack.feed(C2S, writing("DOM/P1", 7))
    kept.apply(stack.take_delta() or b"")
    again = Stack.resume(kept.pack(), (b"", b""), policing=Policing(RULES, policy(), None, CLIENT))
    for each in (stack, again):
        wire = reading("DOM/P1")
        assert onward(each.feed(C2S, wire), wire) == wire
        answer = data(osi(response(v.read_result(v.real()), 9)))
        assert onward(each.feed(S2C, answer), answer) == answer
    assert again.snapshot() == stack.snapshot()


def test_a_denied_report_is_gone_without_a_word() -> None:
    stack = held_to(policy(peers=(Peer("east", client_may=(READS,)),)))
    result = stack.feed(S2C, REPORT)
    assert [(edit.instead, edit.back) for edit in result.edits] == [(b"", b"")]
    assert result.pdus[0].verdict == "deny"


def test_a_control_outside_its_values_is_denied_and_one_within_is_not() -> None:
    stack = held_to(policy())
    stack.feed(S2C, REPORT)
    stack.feed(C2S, reading("DOM/BRK_SBO", 1))
    stack.feed(S2C, data(osi(response(v.read_result(integer(5, 0x85)), 1))))
    wrong = stack.feed(C2S, writing("DOM/BRK", 7))
    assert (wrong.pdus[0].operation, wrong.pdus[0].verdict, codes(wrong)) == (
        "Operate",
        "deny",
        ["value-out-of-range"],
    )
    right = stack.feed(C2S, writing("DOM/BRK", 1, 2))
    assert (right.pdus[0].verdict, codes(right)) == ("pass", []), "what was denied did not use the select up"


def test_an_answer_with_values_out_of_range_becomes_an_error() -> None:
    rows = (PointRow("DOM", ("P1",), PointLimit(Span(0, 10), action=Action.DENY)),)
    stack = held_to(policy(points=rows))
    stack.feed(C2S, reading("DOM/P1"))
    wire = data(osi(response(v.read_result(tlv(0xA2, v.real("42c80000"), tlv(0x84, b"\x00\x00"))), 9)))
    result = stack.feed(S2C, wire)
    assert (onward(result, wire), codes(result)) == (DENIED, ["value-out-of-range"])
    assert stack.state.calls == ({}, {}), "the request has been answered"


def test_a_monitored_write_passes_and_its_success_is_told() -> None:
    stack = held_to(policy(default=Action.MONITOR, peers=(Peer("east", client_may=(READS,)),)))
    wire = writing("DOM/P1", 7)
    result = stack.feed(C2S, wire)
    assert (onward(result, wire), result.pdus[0].verdict, codes(result)) == (wire, "monitor", ["unauthorized-write"])
    done = stack.feed(S2C, data(osi(response(tlv(0xA5, tlv(0x81)), 9))))
    assert codes(done) == ["write-succeeded"]
    assert not stack.guarded, "nothing is ever denied"


def test_reset_lets_pass_what_came_before() -> None:
    stack = held_to(policy(default=Action.RESET))
    good = reading("DOM/P1", 1)
    result = stack.feed(C2S, good + writing("DOM/P1", 7) + good)
    assert (result.forward, result.reset, len(result.pdus)) == (len(good), True, 2)
    assert stack.feed(S2C, REPORT) == Result(0, (), (), True)


def test_an_unknown_peer_is_reset_at_its_first_word_or_put_in_quarantine() -> None:
    stranger = Peer("east", client=Side(tsap=("0009",)))
    stack = held_to(policy(peers=(stranger,), unknown_peer=Action.RESET))
    result = stack.feed(C2S, v.CR)
    assert (result.forward, result.reset, codes(result)) == (0, True, ["unknown-peer"])
    watch = Watch()
    stack = held_to(policy(peers=(stranger,), unknown_peer=Action.QUARANTINE, quarantine_s=60.0), watch)
    result = stack.feed(C2S, v.CR, 1_000_000)
    assert (result.reset, result.quarantine_s) == (True, 60.0)
    assert watch.quarantined(CLIENT, 1_059_000)
    assert not watch.quarantined(CLIENT, 1_061_000)


def test_what_opens_an_association_cannot_be_denied_only_reset() -> None:
    unwanted = Peer("east", apps_denied=Patterns(("MMS_Initiate.*",)))
    stack = held_to(policy(peers=(unwanted,), default=Action.PASS))
    stack.feed(C2S, v.CR)
    stack.feed(S2C, v.CC)
    assert stack.feed(C2S, data(v.CN)).reset


def test_midstream_the_policy_holds_from_the_first_request() -> None:
    stack = held_to(policy())
    result = stack.feed(C2S, writing("DOM/P1", 7))
    assert (stack.midstream, result.pdus[0].verdict) == (True, "deny")


def test_midstream_iccp_is_recognised_within_three_pdus() -> None:
    stack = Stack()
    stack.feed(S2C, REPORT)
    assert (stack.midstream, stack.detected, stack.app) == (True, True, "ICCP_Transfer.Reporting")


def test_traffic_that_is_not_iccp_is_let_through_after_so_many_octets() -> None:
    stack = held_to(Policy(1, ignore_after=100))
    plain = reading("LD/X", 1)
    result = stack.feed(C2S, plain * 5)
    assert stack.ignored
    assert (result.forward, len(result.pdus)) == (len(plain) * 5, 100 // len(plain) + 1)
    iccp = held_to(Policy(1, ignore_after=100))
    iccp.feed(S2C, REPORT * 5)
    assert not iccp.ignored


def test_a_stranger_who_is_only_monitored_is_told_of_once_and_judged_all_the_same() -> None:
    stranger = Peer("east", client=Side(tsap=("0009",)))
    stack = held_to(policy(peers=(stranger,), unknown_peer=Action.MONITOR, default=Action.MONITOR))
    told = [code for direction, octets in v.conversation()[:6] for code in codes(stack.feed(direction, octets))]
    assert told.count("unknown-peer") == 1
    at_hosts = Peer("east", networks=(ip_network("10.9.0.0/16"),))
    stack = held_to(policy(peers=(at_hosts,), unknown_peer=Action.MONITOR))
    result = stack.feed(C2S, writing("DOM/P1", 7))
    assert (result.pdus[0].verdict, codes(result)) == ("deny", ["unknown-peer", "unauthorized-write"])


def test_a_name_with_a_slash_is_no_other_objects_name() -> None:
    stack = held_to(policy())
    assert stack.feed(C2S, reading("DOM/P1")).pdus[0].verdict == "pass"
    for disguise in (tlv(0x80, "DOM/P1"), tlv(0xA1, tlv(0x1A, "DOM/P1"), tlv(0x1A, ""))):
        wire = data(osi(request(v.read(tlv(0xA0, tlv(0x30, tlv(0xA0, disguise)))), 9)))
        (pdu,) = stack.feed(C2S, wire).pdus
        assert pdu.verdict == "deny", pdu.objects
