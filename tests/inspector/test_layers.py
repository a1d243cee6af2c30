"""Session, presentation, ACSE and MMS, each by itself."""

import pytest

from inspector import Limits, acse, cotp, mms, presentation, session
from inspector.errors import DecodeError
from tests.inspector import vectors as v
from tests.inspector.vectors import integer, octets, spdu, tlv

LIMITS = Limits()


@pytest.mark.parametrize(("wire", "name"), [(v.CR, "CR"), (v.CC, "CC"), (v.DR, "DR")])
def test_cotp_names(wire: bytes, name: str) -> None:
    assert cotp.connection(wire, 4, len(wire)) == name


def test_cotp_error_tpdu() -> None:
    assert cotp.connection(octets("04 70 00 01 00"), 0, 5) == "ER"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("06 E0 00 00 00 01 40", "cotp-class"),
        ("06 E0 00 00 00 01 00 00", "cotp-length"),
        ("05 E0 00 00 00 01", "cotp-length"),
        ("08 E0 00 00 00 01 00 C1 01", "cotp-parameter"),
        ("07 E0 00 00 00 01 00 C1", "cotp-parameter"),
        ("04 C0 00 01 00", "cotp-illegal"),
        ("02 60 00", "cotp-illegal"),
        ("02 F1 80", "cotp-unknown"),
        ("02 00 80", "cotp-unknown"),
    ],
)
def test_cotp_refuses(text: str, code: str) -> None:
    wire = octets(text)
    with pytest.raises(DecodeError) as caught:
        cotp.connection(wire, 0, len(wire))
    assert caught.value.code == code


def decode_session(wire: bytes) -> tuple[str, bytes]:
    found = session.decode(wire, 0, len(wire))
    return found.name, wire[found.start : found.stop]


@pytest.mark.parametrize(
    ("text", "name", "user_data"),
    [
        ("01 00 01 00 61 00", "DT", "61 00"),
        ("01 00 01 03 19 01 03 61 00", "DT", "61 00"),  # enclosure item: the whole of it
        ("0D 06 14 02 00 02 C1 00", "CN", ""),
        ("0E 04 C1 02 61 00", "AC", "61 00"),
        ("0E FF 00 06 C1 FF 00 02 61 00", "AC", "61 00"),  # lengths of three octets
        ("0C 05 32 03 02 61 00", "RF", "61 00"),  # behind the reason
        ("09 04 C1 02 61 00", "FN", "61 00"),
        ("0A 04 C2 02 61 00", "DN", "61 00"),
        ("19 07 11 01 03 C1 02 A0 00", "AB", "A0 00"),
        ("1A 00", "AA", ""),
        ("01 00 09 04 C1 02 61 00", "FN", "61 00"),
    ],
)
def test_session(text: str, name: str, user_data: str) -> None:
    assert decode_session(octets(text)) == (name, octets(user_data))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("32 01 00", "session-unknown"),
        ("01 00 32 00", "session-unknown"),
        ("01 00", "session-unknown"),
        ("0E", "session-truncated"),
        ("0E FF 00", "session-truncated"),
        ("0E 05 C1 02 61 00", "session-overrun"),
        ("0E 04 C1 03 61 00", "session-overrun"),
        ("0E 04 C1 02 61 00 00", "session-length"),
        ("01 00 01 03 19 01 01 61 00", "session-segmented"),
    ],
)
def test_session_refuses(text: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_session(octets(text))
    assert caught.value.code == code


def test_presentation_data_in_place() -> None:
    wire = v.user_data(b"\x8b\x00")
    ppdu = presentation.decode(wire, 0, len(wire), "DT", LIMITS)
    assert (ppdu.name, ppdu.contexts) == ("UD", None)
    assert [(it.context, wire[it.start : it.stop]) for it in ppdu.values] == [(3, b"\x8b\x00")]


def test_presentation_with_transfer_syntax_octets_and_two_values() -> None:
    wire = tlv(
        0x61,
        tlv(0x30, tlv(0x06, b"\x51\x01"), integer(3), tlv(0x81, b"\x8b\x00")),
        tlv(0x30, integer(1), tlv(0xA0, b"\x62\x00")),
    )
    ppdu = presentation.decode(wire, 0, len(wire), "DT", LIMITS)
    assert [(it.context, wire[it.start : it.stop]) for it in ppdu.values] == [(3, b"\x8b\x00"), (1, b"\x62\x00")]


def test_presentation_connect_teaches_the_contexts() -> None:
    wire = tlv(0x31, tlv(0xA0, integer(1, 0x80)), tlv(0xA2, v.CONTEXTS, v.user_data(b"\x60\x00", 1)))
    ppdu = presentation.decode(wire, 0, len(wire), "CN", LIMITS)
    assert ppdu.name == "CP"
    assert ppdu.contexts == {1: "acse", 3: "mms"}
    assert [wire[it.start : it.stop] for it in ppdu.values] == [b"\x60\x00"]


@pytest.mark.parametrize(
    ("wire", "in_spdu", "name"),
    [
        (tlv(0x30, v.user_data(b"\x64\x00", 1)), "RF", "CPR"),
        (tlv(0xA0, v.user_data(b"\x64\x00", 1)), "AB", "ARU"),
        (tlv(0xA0, v.user_data(b"\x64\x00", 1)), "FN", "ARU"),
        (tlv(0x30, integer(0, 0x80)), "AB", "ARP"),
    ],
)
def test_presentation_ends(wire: bytes, in_spdu: str, name: str) -> None:
    assert presentation.decode(wire, 0, len(wire), in_spdu, LIMITS).name == name


@pytest.mark.parametrize(
    ("wire", "in_spdu", "code"),
    [
        (v.user_data(b"\x8b\x00") + b"\x00", "DT", "presentation-length"),
        (tlv(0x31), "DT", "presentation-unknown"),
        (tlv(0x31, tlv(0xA0, integer(0, 0x80)), tlv(0xA2)), "CN", "presentation-mode"),
        (tlv(0x31, tlv(0xA0, integer(1, 0x80))), "CN", "presentation-mode"),
        (tlv(0x61, tlv(0x31, integer(3))), "DT", "presentation-value"),
        (tlv(0x61, tlv(0x30, tlv(0xA0, b"\x8b\x00"))), "DT", "presentation-value"),
        (tlv(0x61, tlv(0x30, integer(3), tlv(0x82, b"\x00"))), "DT", "presentation-value"),
        (tlv(0x31, tlv(0xA2, tlv(0xA4, tlv(0x30, integer(3))))), "CN", "presentation-context-list"),
    ],
)
def test_presentation_refuses(wire: bytes, in_spdu: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        presentation.decode(wire, 0, len(wire), in_spdu, LIMITS)
    assert caught.value.code == code


@pytest.mark.parametrize(("tag", "name"), acse.NAMES.items())
def test_acse_names(tag: int, name: str) -> None:
    wire = tlv(tag, integer(0, 0x80))
    assert acse.decode(wire, 0, len(wire), LIMITS) == (name, len(wire), len(wire))


def test_acse_user_information() -> None:
    wire = v.associate(0x60, 0xA8)
    apdu = acse.decode(wire, 0, len(wire), LIMITS)
    assert wire[apdu.start] == 0xA8
    octet_aligned = tlv(0x62, tlv(0xBE, tlv(0x28, integer(3), tlv(0x81, b"\x8b\x00"))))
    apdu = acse.decode(octet_aligned, 0, len(octet_aligned), LIMITS)
    assert octet_aligned[apdu.start : apdu.stop] == b"\x8b\x00"


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (tlv(0x65), "acse-unknown"),
        (tlv(0x60) + b"\x00", "acse-unknown"),
        (tlv(0x60, tlv(0xBE, tlv(0x30))), "acse-user-information"),
        (tlv(0x60, tlv(0xBE, tlv(0x28, integer(3)))), "acse-user-information"),
    ],
)
def test_acse_refuses(wire: bytes, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        acse.decode(wire, 0, len(wire), LIMITS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "kind", "service", "invoke_id"),
    [
        ("A0 06 02 02 11 4F 82 00", "confirmed-request", "identify", 4431),
        ("A0 0C 02 01 01 BF 3F 06 80 01 00 81 01 00", "confirmed-request", "getAlarmSummary", 1),
        ("A0 07 02 01 01 30 00 82 00", "confirmed-request", "identify", 1),  # with modifiers
        ("A0 08 02 01 01 82 00 BF 4F 00", "confirmed-request", "identify", 1),  # with service detail
        ("A1 05 02 01 01 8B 00", "confirmed-response", "defineNamedVariableList", 1),
        ("A2 07 80 01 09 A2 02 A0 00", "confirmed-error", None, 9),
        ("A3 02 A0 00", "unconfirmed", "informationReport", None),
        ("A3 02 A2 00", "unconfirmed", "eventNotification", None),
        ("A4 06 80 01 02 85 01 03", "reject", None, 2),
        ("A4 03 85 01 03", "reject", None, None),
        ("85 01 07", "cancel-request", None, 7),
        ("86 01 07", "cancel-response", None, 7),
        ("A7 05 80 01 07 A1 00", "cancel-error", None, 7),
        ("A8 00", "initiate-request", None, None),
        ("8B 00", "conclude-request", None, None),
        ("8C 00", "conclude-response", None, None),
        ("AD 00", "conclude-error", None, None),
    ],
)
def test_mms(text: str, kind: str, service: str | None, invoke_id: int | None) -> None:
    wire = octets(text)
    pdu = mms.decode(wire, 0, len(wire))
    assert (pdu.kind, pdu.service_name, pdu.invoke_id) == (kind, service, invoke_id)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("60 00", "mms-unknown"),
        ("8B 00 00", "mms-length"),
        ("A0 07 02 01 01 82 00 82 00", "mms-length"),
        ("A0 03 02 01 01", "mms-service-missing"),
        ("A3 00", "mms-service-missing"),
        ("A0 02 82 00", "mms-invoke-id"),
        ("A0 05 02 01 01 02 00", "mms-service-unknown"),
        ("A0 06 02 01 01 BF 7F 00", "mms-service-unknown"),
        ("A3 02 A3 00", "mms-service-unknown"),
        ("85 00", "ber-integer"),
    ],
)
def test_mms_refuses(text: str, code: str) -> None:
    wire = octets(text)
    with pytest.raises(DecodeError) as caught:
        mms.decode(wire, 0, len(wire))
    assert caught.value.code == code


def test_spdu_builder_and_long_user_data_agree() -> None:
    ppdu = v.user_data(b"\x8b\x00")
    assert decode_session(spdu(0x0E, tlv(0xC1, ppdu))) == ("AC", ppdu)
