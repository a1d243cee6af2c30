"""The whole stack: what leaves, what is reported, what ends a session."""

import pytest

from inspector import Limits, Pdu, Policing, Result, Stack
from node import signatures
from tests.inspector import vectors as v
from tests.inspector.vectors import C2S, CC, CR, IDENTIFY, REPORT, S2C, data, octets, osi, request, tlv


def test_a_report_by_hand() -> None:
    result = Stack().feed(S2C, REPORT)
    assert result == Result(
        len(REPORT),
        (
            Pdu(
                direction=S2C,
                layers=("tpkt", "cotp", "session", "presentation", "mms", "tase2"),
                length=100,
                cotp="DT",
                session="DT",
                presentation="UD",
                mms_pdu="unconfirmed",
                mms_service="informationReport",
                operation="Transfer Report",
                app="ICCP_Transfer.Reporting",
                objects=("DOM/DS1",),
            ),
        ),
        (),
        False,
        new_apps=("ICCP_Transfer.Reporting",),
    )


def test_an_association_request_shows_every_layer() -> None:
    stack = Stack()
    stack.feed(C2S, CR)
    (pdu,) = stack.feed(C2S, data(v.CN)).pdus
    assert pdu.layers == ("tpkt", "cotp", "session", "presentation", "acse", "mms")
    assert (pdu.session, pdu.presentation, pdu.acse, pdu.mms_pdu) == ("CN", "CP", "AARQ", "initiate-request")
    assert pdu.app == "MMS_Initiate.Request"


def test_the_conversation_passes_whole_and_without_findings() -> None:
    stack = Stack()
    for direction, message in v.conversation():
        result = stack.feed(direction, message)
        assert (result.forward, len(result.pdus), result.findings, result.reset) == (len(message), 1, (), False)
        assert result.pdus[0].length == len(message)
    assert stack.held == (b"", b"")


def test_undecided_octets_stay() -> None:
    stack = Stack()
    assert stack.feed(S2C, REPORT[:4]).forward == 0
    assert stack.feed(S2C, REPORT[4:] + IDENTIFY[:10]).forward == len(REPORT)
    assert stack.held == (b"", IDENTIFY[:10])
    assert stack.feed(S2C, IDENTIFY[10:]).forward == len(IDENTIFY)


def test_a_segmented_tsdu_leaves_when_it_is_whole() -> None:
    wire = data(osi(request(tlv(0x82), 1)), segment=5)
    stack = Stack()
    assert stack.feed(C2S, wire[:-1]).forward == 0
    result = stack.feed(C2S, wire[-1:])
    assert result.forward == len(wire)
    assert result.pdus[0].length == len(wire)


def test_mms_without_session_is_recognised() -> None:
    stack = Stack()
    result = stack.feed(C2S, octets("03 00 00 0E 02 F0 80 A0 05 02 01 01 82 00"))
    assert result.pdus[0].layers == ("tpkt", "cotp", "mms")
    assert result.pdus[0].app == "MMS_Identify.Request"
    assert not stack.layers["session"]


def test_one_association_has_a_session_layer_or_none() -> None:
    stack = Stack()
    stack.feed(C2S, IDENTIFY)
    result = stack.feed(C2S, octets("03 00 00 0E 02 F0 80 A0 05 02 01 01 82 00"))
    assert ([it.code for it in result.findings], result.reset) == (["session-changed"], True)


def test_malformed_octets_end_the_session() -> None:
    stack = Stack()
    bad = octets("03 00 00 08 02 F0 80 32")
    result = stack.feed(C2S, IDENTIFY + bad + IDENTIFY)
    assert (result.forward, len(result.pdus), result.reset) == (len(IDENTIFY), 1, True)
    assert [(it.code, it.severity, it.offset) for it in result.findings] == [("session-unknown", "high", 7)]
    for direction in (C2S, S2C):
        assert stack.feed(direction, IDENTIFY) == Result(0, (), (), True)
    assert stack.held == (b"", b"")
    assert Stack.restore(stack.snapshot()).feed(S2C, b"").reset


def test_malformed_octets_may_be_let_through_instead() -> None:
    stack = Stack(on_undecodable="pass")
    stack.feed(S2C, REPORT[:30])
    bad = octets("03 00 00 08 02 F0 80 32")
    result = stack.feed(C2S, IDENTIFY + bad + b"rest")
    assert (result.forward, len(result.pdus), result.reset) == (len(IDENTIFY + bad) + 4, 1, False)
    assert [it.code for it in result.findings] == ["session-unknown"]
    assert stack.ignored
    assert stack.feed(S2C, b"").forward == 30
    assert stack.feed(S2C, REPORT) == Result(len(REPORT), (), (), False)
    assert Stack.restore(stack.snapshot(), on_undecodable="pass").feed(C2S, b"x").forward == 1


def test_what_is_held_is_bounded() -> None:
    stack = Stack(Limits(held_bytes=1000))
    endless = octets("03 00 00 07 02 F0 00") * 1000
    result = stack.feed(C2S, endless)
    assert ([it.code for it in result.findings], result.reset) == (["held-overflow"], True)
    assert stack.held == (b"", b"")


def test_offsets_count_from_the_tsdu() -> None:
    nested = request(tlv(0xAC, tlv(0x83, "X")), 1)
    at = osi(nested).index(b"\x83")
    whole = Stack().feed(C2S, IDENTIFY + data(osi(nested)))
    assert [it.offset for it in whole.findings] == [7 + at]
    segmented = Stack().feed(C2S, IDENTIFY + data(osi(nested), segment=10))
    assert [it.offset for it in segmented.findings] == [at]


def test_connection_tpdus_out_of_place() -> None:
    policing = Policing(signatures.read())
    assert [it.code for it in Stack(policing=policing).feed(S2C, CR).findings] == ["cotp-unexpected"]
    stack = Stack(policing=policing)
    assert stack.feed(C2S, CR).findings == ()
    assert stack.feed(S2C, CC).findings == ()
    stack.feed(C2S, IDENTIFY)
    result = stack.feed(C2S, CR)
    assert ([it.code for it in result.findings], result.reset) == (["cotp-unexpected"], False)


def test_a_value_in_the_wrong_context_is_reported() -> None:
    stack = Stack(policing=Policing(signatures.read()))
    wrong = data(b"\x01\x00\x01\x00" + v.user_data(request(tlv(0x82), 1), context=5))
    assert stack.feed(C2S, wrong).findings == ()  # midstream: no context is known
    stack.feed(C2S, data(v.CN))
    result = stack.feed(C2S, wrong)
    assert ("wrong-context", "medium") in [(it.code, it.severity) for it in result.findings]
    assert not result.reset


def test_two_values_in_one_tsdu_are_two_pdus() -> None:
    part = v.user_data(request(tlv(0x82), 1))[2:]
    wire = data(b"\x01\x00\x01\x00" + tlv(0x61, part, part))
    result = Stack().feed(C2S, wire)
    assert [it.length for it in result.pdus] == [len(wire), 0]
    assert [it.mms_service for it in result.pdus] == ["identify", "identify"]


def test_octets_that_crashed_another_stack() -> None:
    """Names that overrun what holds them (an out-of-bounds read elsewhere)."""
    wire = octets("""
        03 00 00 41  02 F0 80  01 00 01 00
        61 34 30 32 02 01 00 A0 2D               # presentation
        A0 2B 02 01 1A                           # confirmed request 26
        A1 26 A0 03 80 01 00                     # getNameList of class 0
        A1 0D 81 8B 54 45 4D 50 4C 41 54 7F FF FF FF  # in a domain whose length lies
        82 10 4C 4C 4E 30 24 43 46 24 53 74 72 56 61 6C 32 30
    """)
    result = Stack().feed(C2S, wire)
    assert (result.forward, result.reset) == (0, True)
    assert result.findings[0].code.startswith("ber-")


@pytest.mark.parametrize("tsdu", ["01", "01 00", "01 00 01"])
def test_no_octet_behind_a_tsdu_is_read_as_its_own(tsdu: str) -> None:
    """What follows completes the head of session data; it makes no difference whether it is there already."""
    wire = data(octets(tsdu))
    behind = octets("01 00 01 00")[len(octets(tsdu)) :]
    apart, together = Stack(), Stack()
    first, second = apart.feed(C2S, wire), apart.feed(C2S, behind)
    both = together.feed(C2S, wire + behind)
    assert both.pdus == first.pdus + second.pdus
    assert both.findings == first.findings + second.findings
