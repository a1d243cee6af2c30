"""Session, presentation, ACSE and MMS, each by itself."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import Limits, acse, cotp, decoder, initiate, mms, objects, presentation, services, session
from inspector.errors import DecodeError
from tests.inspector import vectors as v
from tests.inspector.vectors import integer, octets, request, spdu, tlv

LIMITS = Limits()


@pytest.mark.parametrize(("wire", "name"), [(v.CR, "CR"), (v.CC, "CC"), (v.DR, "DR")])
def test_cotp_names(wire: bytes, name: str) -> None:
    assert cotp.read_connection(wire, 4, len(wire)).name == name


def test_cotp_error_tpdu() -> None:
    assert cotp.read_connection(octets("04 70 00 01 00"), 0, 5).name == "ER"


def test_cotp_connect_says_who_and_how() -> None:
    assert cotp.read_connection(v.CR, 4, len(v.CR)) == ("CR", 1, 0, 1024, b"\x00\x01", b"\x00\x02", None)
    assert cotp.read_connection(v.CC, 4, len(v.CC)) == ("CC", 2, 1, 1024, None, None, None)
    preferred = octets("0D E0 00 00 00 05 00 C0 01 07 F0 02 00 10")
    assert cotp.read_connection(preferred, 0, len(preferred)).tpdu_octets == 2048
    for strange in ("C0 01 0E", "C0 02 00 0A", "C0 00", "F0 00"):
        parameter = octets(strange)
        wire = bytes((6 + len(parameter), 0xE0, 0, 0, 0, 1, 0)) + parameter
        assert cotp.read_connection(wire, 0, len(wire)).tpdu_octets is None


def test_cotp_ends_say_why() -> None:
    disconnect = octets("0A 80 00 01 00 02 80 E0 02 41 42")  # with additional information
    assert cotp.read_connection(disconnect, 0, len(disconnect)) == ("DR", 2, 1, None, None, None, 128)
    error = octets("08 70 00 01 03 C1 02 F0 80")  # with the TPDU it does not like
    assert cotp.read_connection(error, 0, len(error)) == ("ER", 0, 1, None, None, None, 3)


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
        cotp.read_connection(wire, 0, len(wire))
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
        ("08 04 C1 02 61 00", "NF", "61 00"),
        ("01 00", "GT", ""),
        ("02 07 10 01 04 C1 02 61 00", "PT", "61 00"),
        ("02 00 01 00 61 00", "DT", "61 00"),
        ("15 00", "GTC", ""),
        ("16 00", "GTA", ""),
        ("05 00 61 00", "EX", "61 00"),
        ("21 00 A0 00", "TD", "A0 00"),
    ],
)
def test_session(text: str, name: str, user_data: str) -> None:
    assert decode_session(octets(text)) == (name, octets(user_data))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("32 01 00", "session-unknown"),
        ("01 00 32 00", "session-unknown"),
        ("10 00", "session-unknown"),
        ("01 00 FE 00", "session-unknown"),
        ("01 01", "session-overrun"),
        ("0D 04 05 02 13 01", "session-overrun"),
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


def test_session_parameters() -> None:
    connect = octets("0D 19 05 06 13 01 00 16 01 02 14 02 00 02 33 02 00 01 34 02 00 03 99 01 07 C1 00")
    found = session.decode(connect, 0, len(connect)).parameters
    assert found == session.Parameters(0, 2, 2, b"\x00\x01", b"\x00\x03", None, None)
    refuse = octets("0C 08 11 01 01 32 03 02 61 00")
    assert session.decode(refuse, 0, len(refuse)).parameters == session.Parameters(reason=2, disconnect=1)
    data = octets("01 00 01 00 61 00")
    assert session.decode(data, 0, len(data)).parameters is session.NOTHING


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
        (tlv(0x31, tlv(0xA2, tlv(0xA4, *(v.CONTEXTS[2:19],) * 17))), "CN", "presentation-context-list"),
        (tlv(0x31, tlv(0xA2, tlv(0xA4, tlv(0x30, integer(3), tlv(0x06))))), "CN", "ber-oid"),
        (tlv(0x31, tlv(0xA2, tlv(0xA5, tlv(0x30)))), "AC", "presentation-result-list"),
        (tlv(0x31, tlv(0xA2, tlv(0x81, bytes(200)))), "CN", "presentation-selector"),
    ],
)
def test_presentation_refuses(wire: bytes, in_spdu: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        presentation.decode(wire, 0, len(wire), in_spdu, LIMITS)
    assert caught.value.code == code


def connect_ppdu(*parameters: bytes) -> bytes:
    return tlv(0x31, tlv(0xA0, integer(1, 0x80)), tlv(0xA2, *parameters))


def ppdu(wire: bytes, in_spdu: str) -> presentation.Ppdu:
    return presentation.decode(wire, 0, len(wire), in_spdu, LIMITS)


def results(*numbers: int, tag: int = 0xA5) -> bytes:
    return tlv(tag, *(tlv(0x30, integer(it, 0x80)) for it in numbers))


def test_presentation_parameters() -> None:
    found = ppdu(connect_ppdu(tlv(0x81, b"\x01"), tlv(0x82, b"\x02"), v.CONTEXTS), "CN").parameters
    assert (found.calling_selector, found.called_selector) == (b"\x01", b"\x02")
    assert found.proposals == ((1, "2.2.1.0.1", ("2.1.1",)), (3, "1.0.9506.2.1", ("2.1.1",)))
    found = ppdu(connect_ppdu(tlv(0x83, b"\x03"), results(0, 2)), "AC").parameters
    assert (found.responding_selector, found.results) == (b"\x03", (0, 2))
    refused = ppdu(tlv(0x30, tlv(0x83, b"\x03"), results(1), integer(3, 0x8A)), "RF").parameters
    assert (refused.responding_selector, refused.results, refused.reason) == (b"\x03", (1,), 3)
    assert ppdu(tlv(0x30, integer(2, 0x80), integer(1, 0x81)), "AB").parameters.reason == 2


PROPOSED = {1: "acse", 3: "mms", 5: ""}


@pytest.mark.parametrize(
    ("wire", "in_spdu", "contexts"),
    [
        (connect_ppdu(results(0, 0, 0)), "AC", PROPOSED),
        (connect_ppdu(results(0, 2, 0)), "AC", PROPOSED | {3: ""}),
        (connect_ppdu(results(0)), "AC", {1: "acse", 3: "", 5: ""}),  # what is left out is refused
        (connect_ppdu(results(0, 0, 0, 1)), "AC", PROPOSED),
        (connect_ppdu(), "AC", PROPOSED),
        (tlv(0x30, results(1, 1, 1)), "RF", PROPOSED),
        (v.user_data(b"\x8b\x00"), "DT", PROPOSED),
        (tlv(0xA0, tlv(0xA0, v.CONTEXTS[2:])), "TD", PROPOSED),
        (tlv(0xA0, tlv(0xA1, integer(1), integer(3))), "TD", {5: ""}),
        (tlv(0xA1, results(0, 1, tag=0xA0)), "TD", {1: "acse", 3: "mms", 5: ""}),
        (tlv(0xA1, results(1, 1, tag=0xA0)), "TD", {1: "acse", 3: "", 5: ""}),
        (tlv(0xA1, results(1, 1, 1, 1, 1, tag=0xA0)), "TD", {1: "", 3: "", 5: ""}),
    ],
)
def test_presentation_contexts_agreed(wire: bytes, in_spdu: str, contexts: dict[int, str]) -> None:
    assert presentation.agreed(PROPOSED, ppdu(wire, in_spdu)) == contexts


def test_presentation_contexts_unknown_midstream_stay_so() -> None:
    assert presentation.agreed({}, ppdu(connect_ppdu(results(0, 2)), "AC")) == {}


def test_presentation_alters_contexts() -> None:
    more = tlv(0x30, integer(7), tlv(0x06, b"\x28\xca\x22\x02\x01"), tlv(0x30, tlv(0x06, b"\x51\x01")))
    altered = ppdu(tlv(0xA0, tlv(0xA0, more), v.user_data(b"\x8b\x00", 7)), "TD")
    assert (altered.name, len(altered.values)) == ("AC", 1)
    after = presentation.agreed(PROPOSED, altered)
    assert after == PROPOSED | {7: "mms"}
    refused = ppdu(tlv(0xA1, results(2, tag=0xA0)), "TD")
    assert (refused.name, presentation.agreed(after, refused)) == ("ACA", PROPOSED | {7: ""})
    assert ppdu(v.user_data(b"\x8b\x00"), "TD").name == "TTD"
    assert ppdu(v.user_data(b"\x8b\x00"), "EX").name == "TE"


def test_presentation_contexts_stay_bounded() -> None:
    contexts: dict[int, str] = {}
    for start in range(0, 90, 15):
        items = [tlv(0x30, integer(start + n), tlv(0x06, b"\x51\x01")) for n in range(15)]
        contexts = presentation.agreed(contexts, ppdu(tlv(0xA0, tlv(0xA0, *items)), "TD"))
    assert len(contexts) <= presentation.CONTEXTS_MAX


def test_a_refused_context_is_not_usable() -> None:
    conversation = [(v.CN, {}), (v.connect(0x0E, results(0, 2), v.associate(0x61, 0xA9)), {1: "acse", 3: "mms"})]
    for wire, before in conversation:
        tsdu = decoder.decode(wire, 0, len(wire), before, LIMITS)
    assert tsdu.contexts == {1: "acse", 3: ""}
    assert not tsdu.parts[0].in_context  # its user information is in the context refused
    data = v.osi(v.request(tlv(0x82), 1))
    assert not decoder.decode(data, 0, len(data), tsdu.contexts, LIMITS).parts[0].in_context


def test_what_surrounds_a_value_comes_with_the_first_part() -> None:
    (part,) = decoder.decode(v.CN, 0, len(v.CN), {}, LIMITS).parts
    assert part.spdu is not None and part.spdu.parameters.requirements == 2
    assert part.ppdu is not None and part.ppdu.parameters.proposals is not None
    data = v.osi(v.request(tlv(0x82), 1))
    (part,) = decoder.decode(data, 0, len(data), {}, LIMITS).parts
    assert (part.spdu, part.ppdu) == (None, None)


@pytest.mark.parametrize(("tag", "name"), acse.NAMES.items())
def test_acse_names(tag: int, name: str) -> None:
    wire = tlv(tag, integer(0, 0x80))
    assert acse.decode(wire, 0, len(wire), LIMITS)[:3] == (name, len(wire), len(wire))


def test_acse_user_information() -> None:
    wire = v.associate(0x60, 0xA8)
    apdu = acse.decode(wire, 0, len(wire), LIMITS)
    assert wire[apdu.start] == 0xA8
    octet_aligned = tlv(0x62, tlv(0xBE, tlv(0x28, integer(3), tlv(0x81, b"\x8b\x00"))))
    apdu = acse.decode(octet_aligned, 0, len(octet_aligned), LIMITS)
    assert octet_aligned[apdu.start : apdu.stop] == b"\x8b\x00"


def test_acse_association() -> None:
    wire = tlv(
        0x60,
        tlv(0xA1, tlv(0x06, b"\x28\xca\x22\x02\x03")),
        tlv(0xA2, tlv(0x06, b"\x29\x87\x67\x01")),
        tlv(0xA3, integer(12)),
        tlv(0xA4, integer(1)),
        tlv(0xA5, integer(2)),
        tlv(0xA6, tlv(0x30, tlv(0x31))),  # a directory name
        tlv(0xA7, tlv(0x30)),
        tlv(0xA8, integer(3)),
        tlv(0xA9, integer(4)),
        tlv(0x8B, b"\x52\x03\x01"),
        tlv(0xAC, tlv(0x80, "secret")),
    )
    apdu = acse.decode(wire, 0, len(wire), LIMITS)
    assert apdu == acse.Apdu(
        name="AARQ",
        start=len(wire),
        stop=len(wire),
        application_context="1.0.9506.2.3",
        called_ap_title="1.1.999.1",
        called_ae_qualifier=12,
        calling_ap_title="30023100",
        calling_ae_qualifier="3000",
        called_ap_invocation=1,
        called_ae_invocation=2,
        calling_ap_invocation=3,
        calling_ae_invocation=4,
        mechanism="2.2.3.1",
        authenticated=True,
    )
    assert "secret" not in repr(apdu)


def test_acse_answers() -> None:
    wire = tlv(
        0x61,
        tlv(0xA2, integer(1)),
        tlv(0xA3, tlv(0xA1, integer(13))),
        tlv(0xA4, tlv(0x06, b"\x29\x87\x67")),
        tlv(0xA5, tlv(0x02, b"\xff")),
    )
    apdu = acse.decode(wire, 0, len(wire), LIMITS)
    assert (apdu.result, apdu.source, apdu.diagnostic) == (1, "acse-service-user", 13)
    assert (apdu.responding_ap_title, apdu.responding_ae_qualifier) == ("1.1.999", "-1")
    assert acse.DIAGNOSTICS["acse-service-user"][13] == "authentication-failure"
    release = tlv(0x62, integer(30, 0x80))
    assert acse.decode(release, 0, len(release), LIMITS).reason == 30
    abort = tlv(0x64, integer(1, 0x80), integer(5, 0x81))
    apdu = acse.decode(abort, 0, len(abort), LIMITS)
    assert (apdu.abort_source, apdu.diagnostic) == (1, 5)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (tlv(0x60, tlv(0xA2, tlv(0x30, bytes(300)))), "acse-field"),
        (tlv(0x60, tlv(0xA3, integer(1), integer(2))), "acse-field"),
        (tlv(0x60, tlv(0xA3, tlv(0x02, bytes(10)))), "ber-integer"),
        (tlv(0x60, tlv(0xA2, tlv(0x06, b"\x81"))), "ber-oid"),
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


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=7, max_size=80))
def test_garbage_raises_only_what_it_may(wire: bytes) -> None:
    size = len(wire)
    for first in (wire[0], 0x31, 0x60, 0x61, 0x62, 0x64, 0xA0, 0xA1, 0xA8, 0x0D, 0x0E, 0x19):
        changed = bytes((first,)) + wire[1:]
        with suppress(DecodeError):
            cotp.read_connection(changed, 0, size)
        with suppress(DecodeError):
            session.decode(changed, 0, size)
        with suppress(DecodeError):
            acse.decode(changed, 0, size, LIMITS)
        with suppress(DecodeError):
            initiate.decode(changed, 0, size)
        for spdu_name in ("CN", "AC", "RF", "AB", "TD", "DT"):
            with suppress(DecodeError):
                presentation.agreed(PROPOSED, presentation.decode(changed, 0, size, spdu_name, LIMITS))
        for number in range(len(services.CONFIRMED_SERVICES)):
            with suppress(DecodeError):
                objects.access(changed, mms.MmsPdu("confirmed-request", number, 1, 0, size), LIMITS)


def test_the_kind_of_an_undecodable_pdu_is_told() -> None:
    for pdu, kind in ((request(b"", 1), "confirmed-request"), (tlv(0xA3, tlv(0xA3)), "unconfirmed")):
        for tsdu in (pdu, v.osi(pdu)):
            with pytest.raises(DecodeError) as caught:
                decoder.decode(tsdu, 0, len(tsdu), {}, LIMITS)
            assert caught.value.kind == kind
    with pytest.raises(DecodeError) as caught:
        decoder.decode(b"\x10\x00", 0, 2, {}, LIMITS)
    assert caught.value.kind is None
