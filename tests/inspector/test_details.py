"""All that a PDU says, in one mapping."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import Stack
from tests.inspector import vectors as v
from tests.inspector.vectors import C2S, S2C, data, integer, octets, osi, request, response, tlv


def details(*messages: v.Message) -> dict[str, Any]:
    """Of the last PDU, after a proof that this is TASE.2."""
    stack = Stack(details=True, on_undecodable="continue")
    stack.feed(C2S, data(osi(request(v.read(v.variables("DOM/Next_DSTransfer_Set")), 250))))
    for direction, message in messages:
        result = stack.feed(direction, message)
    said = dict(result.pdus[-1].details)
    json.dumps(said, allow_nan=False)
    return said


def test_connect() -> None:
    assert details((C2S, v.CR))["cotp"] == {
        "source_ref": 1,
        "destination_ref": 0,
        "tpdu_octets": 1024,
        "calling_tsap": "0001",
        "called_tsap": "0002",
    }
    assert details((C2S, octets("03 00 00 0B  06 80 00 01 00 02 80")))["cotp"]["reason"] == "normal disconnect"


def test_associate() -> None:
    said = details((C2S, data(v.CN)))
    assert said["session"] == {"options": 0, "version": 2, "requirements": 2}
    assert said["presentation"]["contexts"][1] == {"context": 3, "syntax": "1.0.9506.2.1", "transfers": ("2.1.1",)}
    assert said["acse"] == {"application_context": "1.0.9506.2.3", "context": 3}
    assert said["mms"]["local_detail"] == 32000
    assert said["mms"]["parameters"] == ["str1", "str2", "vnam", "valt", "vadr", "tpy", "vlis"]
    assert said["mms"]["supported"][:2] == ["getNameList", "identify"]
    assert details((S2C, data(v.AC)))["presentation"]["results"] == ["acceptance", "acceptance"]


def test_refusals_and_ends() -> None:
    abort = tlv(0x64, integer(1, 0x80), integer(5, 0x81))
    refuse = v.spdu(0x0C, tlv(0x32, b"\x02" + tlv(0x30, integer(4, 0x8A), v.user_data(abort, 1))))
    said = details((S2C, data(refuse)))
    assert said["session"] == {"reason": "rejected by the called session user"}
    assert said["presentation"]["reason"] == "protocol version not supported"
    assert said["acse"] == {"diagnostic": "authentication-failure", "abort_source": "acse-service-provider"}
    provider = v.spdu(0x19, tlv(0x11, b"\x01"), tlv(0xC1, tlv(0x30, integer(2, 0x80))))
    assert details((S2C, data(provider)))["presentation"]["reason"] == "unexpected PPDU"
    assert details((C2S, data(v.RELEASE)))["acse"] == {"reason": "normal"}


def answer(service: bytes, reply: bytes) -> dict[str, Any]:
    return details((C2S, data(osi(request(service, 1)))), (S2C, data(osi(reply))))


def test_errors_by_name() -> None:
    assert answer(tlv(0x82), v.error(1))["mms"] == {"error": "access: object-access-unsupported"}
    assert answer(tlv(0x82), tlv(0xA4, integer(1, 0x80), integer(6, 0x81)))["mms"] == {
        "reject": "confirmed-requestPDU: max-serv-outstanding-exceeded"
    }


def test_answers() -> None:
    identity = tlv(0xA2, tlv(0x80, "V"), tlv(0x81, "M"), tlv(0x82, "R"))
    assert answer(tlv(0x82), response(identity, 1))["mms"] == {"vendor": "V", "model": "M", "revision": "R"}
    mixed = v.read_result(v.real(), octets("80 01 0A"), octets("83 01 01"))
    said = answer(v.read(v.variables("DOM/A", "DOM/B", "DOM/C")), response(mixed, 1))
    assert said["mms"]["values"] == [0.0, {"error": "object-non-existent"}, True]
    assert said["mms"]["errors"] == [{"at": 1, "error": "object-non-existent"}]
    members = tlv(0xAC, tlv(0x80, b"\x00"), b"\xa1" + v.variables("DOM/A")[1:])
    said = answer(tlv(0xAC, v.name("DOM/DS1")), response(members, 1))
    assert said["mms"] == {"deletable": False, "total": 1, "members": ["DOM/A"]}
    version = v.read_result(tlv(0xA2, integer(1996, 0x85), integer(8, 0x85)))
    assert answer(v.read(v.variables("TASE2_Version")), response(version, 1))["tase2"] == {"version": "1996-08"}
    tag = v.read_result(tlv(0xA2, octets("84 02 06 80"), tlv(0x8A, "why")))
    assert answer(v.read(v.variables("DOM/X_TAG")), response(tag, 1))["tase2"] == {"tag": "10", "reason": "why"}


def test_variables_that_are_more_than_a_name() -> None:
    listed = tlv(
        0xA0,
        tlv(0x30, tlv(0xA0, v.name("DOM/A"))),
        tlv(0x30, tlv(0xA0, v.name("DOM/B")), tlv(0xA5, tlv(0x81, "Value"))),
        tlv(0x30, tlv(0xA0, v.name("DOM/C")), tlv(0xA5, tlv(0xA0, tlv(0x80, "x"), tlv(0x30, integer(5, 0x82))))),
        tlv(0x30, tlv(0xA0, v.name("DOM/D")), tlv(0xA5, tlv(0xA3, integer(2, 0x80), integer(3, 0x81)))),
        tlv(0x30, tlv(0xA0, v.name("DOM/E")), tlv(0xA5, tlv(0xA5, tlv(0x80, "n"), tlv(0x81, "m")))),
        tlv(0x30, tlv(0xA1, tlv(0x81, "MW100"))),
        tlv(0x30, tlv(0xA1, integer(77, 0x80))),
        tlv(0x30, tlv(0xA1, tlv(0x82, b"\xab"))),
    )
    expected = [
        {"at": 1, "components": ["Value"]},
        {"at": 2, "components": ["x", "[5]"]},
        {"at": 3, "components": ["[2+3]"]},
        {"at": 4, "components": ["n", "m"]},
        {"at": 5, "address": "MW100"},
        {"at": 6, "address": 77},
        {"at": 7, "address": "ab"},
    ]
    for pdu in (
        request(v.read(listed), 1),
        request(tlv(0xA4, tlv(0x80, b"\x01"), tlv(0xA1, listed)), 1),
        request(v.write(listed, v.real()), 1),
        v.report(listed, v.real()),
    ):
        assert details((C2S, data(osi(pdu))))["mms"]["variables"] == expected


def test_additional_services() -> None:
    assert details((C2S, data(osi(request(tlv(0xBF4E, tlv(0x81)), 1)))))["mms"] == {"additional_service": "vMDReset"}


def test_start_transfer() -> None:
    said = details((C2S, data(osi(request(v.write(v.variables("DOM/TS1"), v.transfer_set(status=True)), 1)))))["tase2"]
    assert (said["transfer_set"], said["data_set"]) == ("DOM/TS1", "DOM/DS1")
    assert said["parameters"]["DSConditionsRequested"] == ["interval", "integrity", "change"]
    assert (said["parameters"]["Interval"], said["parameters"]["Status"]) == (30, True)
    old = v.write(v.variables("DOM/TS1"), v.transfer_set(status=False, edition=1996))
    said = details((C2S, data(osi(request(old, 1)))))["tase2"]
    assert "AllChangesReported" not in said["parameters"] and said["parameters"]["Status"] is False


def test_reports() -> None:
    said = details((S2C, v.REPORT))["tase2"]
    assert (said["data_set"], said["transfer_set"], said["conditions"]) == ("DOM/DS1", "DOM/TS-01", ["interval"])
    assert [it["value"] for it in said["points"]] == [0.0, 1.0, 2.0]
    assert said["points"][0]["flags"]["quality"] == "not_valid"
    named = v.report(v.variables(*v.HEADER_NAMES, "DOM/P1"), v.scoped("DOM", "TS-01"), octets("84 02 03 20"), v.real())
    said = details((S2C, data(osi(named))))["tase2"]
    assert said == {"transfer_set": "DOM/TS-01", "conditions": ["change"], "points": [{"name": "DOM/P1", "value": 0.0}]}


def test_commands() -> None:
    select = (C2S, data(osi(request(v.read(v.variables("DOM/BREAKER_SBO")), 1))))
    operate = (C2S, data(osi(request(v.write(v.variables("DOM/BREAKER"), integer(1, 0x85)), 2))))
    assert details(select, operate)["tase2"] == {"command": 1.0}
    tag = v.write(v.variables("DOM/BREAKER_TAG"), tlv(0xA2, octets("84 02 06 80"), tlv(0x8A, "why")))
    assert details((C2S, data(osi(request(tag, 3)))))["tase2"] == {"tag": "10", "reason": "why"}


def test_a_message_is_described_and_not_shown() -> None:
    header = tlv(0xA2, *(integer(it, 0x85) for it in (1, 2, 3, 4)))
    message = v.report(v.variables("Info_Mess_Header", "Info_Buff_4"), header, tlv(0x89, b"text"))
    assert details((S2C, data(osi(message))))["tase2"] == {
        "info_reference": 1,
        "local_reference": 2,
        "message_id": 3,
        "size": 4,
    }


def test_what_cannot_be_read_is_told_of() -> None:
    status = response(tlv(0xA4, tlv(0xA1, octets("80 00"))), 1)
    assert answer(v.read(v.variables("DOM/A")), status)["mms"] == {
        "undecodable": "ber-integer: an integer of no or of too many octets"
    }


def test_the_whole_conversation() -> None:
    stack = Stack(details=True)
    for direction, message in v.conversation():
        for pdu in stack.feed(direction, message).pdus:
            json.dumps(dict(pdu.details), allow_nan=False)
            assert "undecodable" not in repr(pdu.details)


pieces = st.sampled_from([octets_ for _, octets_ in v.conversation()])


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    wire = bytearray(draw(pieces))
    for _ in range(draw(st.integers(1, 3))):
        wire[draw(st.integers(7, len(wire) - 1))] = draw(st.integers(0, 255))
    return bytes(wire)


@settings(max_examples=300, deadline=None)
@given(st.lists(spoilt() | pieces, min_size=1, max_size=6))
def test_nothing_raises(messages: list[bytes]) -> None:
    stack = Stack(details=True, on_undecodable="continue")
    for direction in (C2S, S2C):
        for message in messages:
            for pdu in stack.feed(direction, message).pdus:
                json.dumps(dict(pdu.details), allow_nan=False)
