"""The order and bounds of an association; connections; what was never agreed on; writes that succeeded."""

import pytest

from inspector import Action, Limits, Policy
from inspector.watch import Watch
from tests.inspector import vectors as v
from tests.inspector.checking import ICCP, NOW, OPENING, REFUSED, WRITTEN, answer, ask, events, odd, say
from tests.inspector.vectors import (
    C2S,
    S2C,
    Message,
    data,
    exchange,
    integer,
    osi,
    read,
    request,
    tlv,
    variables,
    write,
)

IDENTIFY = tlv(0x82)
IDENTITY = tlv(0xA2, tlv(0x80, "V"), tlv(0x81, "M"), tlv(0x82, "R"))
Expected = list[tuple[str, str]]


# --- order

IN_ORDER = [OPENING[0], OPENING[1]]


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("request, then confirm", IN_ORDER, []),
        ("a second request", [*IN_ORDER, (C2S, v.CR)], [("cotp-unexpected", "CR")]),
        ("a second confirm", [*IN_ORDER, (S2C, v.CC)], [("cotp-unexpected", "CC")]),
        ("a request by the server", [*IN_ORDER, (S2C, v.CR)], [("cotp-unexpected", "CR")]),
        ("a confirm by the client", [(C2S, v.CR), (C2S, v.CC)], [("cotp-unexpected", "CC")]),
        ("within an association", [*OPENING, (C2S, v.CR)], [("cotp-unexpected", "CR")]),
        ("the first thing seen is the confirm", [(S2C, v.CC)], []),
    ],
)
def test_connections_are_made_once(what: str, messages: list[Message], expected: Expected) -> None:
    assert odd(messages, "cotp-unexpected", before=()) == expected, what


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("after the answer", [*OPENING, ask(IDENTIFY)], []),
        ("before the answer", [*OPENING[:3], ask(IDENTIFY)], [("pdu-before-initiate", "confirmed-request")]),
        ("no initiate", [*OPENING[:2], (S2C, v.REPORT)], [("pdu-before-initiate", "unconfirmed")]),
        ("an answer", [*OPENING[:3], answer(IDENTITY)], [("pdu-before-initiate", "confirmed-response")]),
        ("the opening was not seen", [ask(IDENTIFY), answer(IDENTITY)], []),
    ],
)
def test_initiate_comes_first(what: str, messages: list[Message], expected: Expected) -> None:
    assert odd(messages, "pdu-before-initiate", before=()) == expected, what


# --- invoke IDs

ERROR = say(v.error(7))
REJECT = say(tlv(0xA4, integer(7, 0x80), integer(1, 0x81)))


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("an answer", exchange(7, IDENTIFY, IDENTITY), []),
        ("no request", [answer(IDENTITY, 7)], [("orphan-invoke-id", "7")]),
        ("an error to no request", [ERROR], [("orphan-invoke-id", "7")]),
        ("a reject may be of anything", [REJECT], []),
        ("another ID", [ask(IDENTIFY, 6), answer(IDENTITY, 7)], [("orphan-invoke-id", "7")]),
        ("answered twice", [*exchange(7, IDENTIFY, IDENTITY), answer(IDENTITY, 7)], [("orphan-invoke-id", "7")]),
        ("answered by the asker", [ask(IDENTIFY, 7), answer(IDENTITY, 7, by=C2S)], [("orphan-invoke-id", "7")]),
        (
            "both sides under one ID",
            [ask(IDENTIFY, 7), *exchange(7, IDENTIFY, IDENTITY, by=S2C), answer(IDENTITY, 7)],
            [],
        ),
    ],
)
def test_answers_answer_something(what: str, messages: list[Message], expected: Expected) -> None:
    assert odd(messages, "orphan-invoke-id") == expected, what


def test_who_comes_late_may_have_missed_the_requests() -> None:
    answers = [answer(IDENTITY, n) for n in range(70)]
    expected = [("orphan-invoke-id", str(n)) for n in range(64, 70)]
    assert odd(answers, "orphan-invoke-id", before=()) == expected


def test_after_a_takeover_a_request_may_have_passed_unseen() -> None:
    messages = [answer(IDENTITY, 7), ask(IDENTIFY, 8), ask(IDENTIFY, 8)]
    odd_codes = ("orphan-invoke-id", "duplicate-invoke-id")
    assert odd(messages, *odd_codes, seen_all=False) == [("duplicate-invoke-id", "8")]


def test_requests_that_were_forgotten_may_be_answered() -> None:
    messages = [ask(IDENTIFY, 1), ask(IDENTIFY, 2), ask(IDENTIFY, 3), answer(IDENTITY, 1)]
    assert odd(messages, "orphan-invoke-id", limits=Limits(calls=2)) == []


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("one after the other", exchange(7, IDENTIFY, IDENTITY) * 2, []),
        ("two at a time", [ask(IDENTIFY, 7), ask(IDENTIFY, 8)], []),
        ("again", [ask(IDENTIFY, 7), ask(IDENTIFY, 7)], [("duplicate-invoke-id", "7")]),
        ("by the other side", [ask(IDENTIFY, 7), ask(IDENTIFY, 7, by=S2C)], []),
    ],
)
def test_invoke_ids_are_used_once(what: str, messages: list[Message], expected: Expected) -> None:
    assert odd(messages, "duplicate-invoke-id") == expected, what


# --- bounds: the vectors' initiate agrees on 20 requests a side and on 32,000 octets


@pytest.mark.parametrize(
    ("what", "requests", "expected"),
    [
        ("as agreed", 20, []),
        ("one more", 21, [("too-many-outstanding", "client")]),
        ("two more", 22, [("too-many-outstanding", "client")] * 2),
    ],
)
def test_requests_outstanding(what: str, requests: int, expected: Expected) -> None:
    assert odd([ask(IDENTIFY, n) for n in range(requests)], "too-many-outstanding") == expected, what
    assert odd([ask(IDENTIFY, n) for n in range(requests)], "too-many-outstanding", before=()) == [], "not known"


def report(octets: int) -> Message:
    """A report whose MMS PDU has so many octets."""
    pdu = v.report(variables("DOM/P"), tlv(0x89, bytes(octets - 100)))
    return say(v.report(variables("DOM/P"), tlv(0x89, bytes(2 * octets - 100 - len(pdu)))))


@pytest.mark.parametrize(
    ("what", "octets", "expected"),
    [("as agreed", 32_000, []), ("one octet more", 32_001, [("pdu-too-large", "client")])],
)
def test_sizes(what: str, octets: int, expected: Expected) -> None:
    assert odd([report(octets)], "pdu-too-large") == expected, what
    assert odd([report(octets)], "pdu-too-large", before=()) == [], "not known"


@pytest.mark.parametrize(
    ("what", "context", "expected"),
    [
        ("that of MMS", 3, []),
        ("that of ACSE", 1, [("wrong-context", "1")]),
        ("nobody's", 5, [("wrong-context", "5")]),
    ],
)
def test_presentation_contexts(what: str, context: int, expected: Expected) -> None:
    message = (C2S, data(osi(request(IDENTIFY, 1), context)))
    assert odd([message], "wrong-context") == expected, what
    assert odd([message], "wrong-context", before=()) == [], "not known"


# --- what was never agreed on: the vectors' initiate offers services 1, 2, 4, 5, 6, 11, 12, 13, 15

OPEN = tlv(0xBF48, tlv(0xA0, tlv(0x19, "x")), integer(0, 0x81))
STATUS = tlv(0x80, b"\x00")


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("offered", [ask(IDENTIFY), ask(read(variables("DOM/P")), 2), ask(tlv(0xAD, integer(0, 0x80)), 3)], []),
        ("not offered", [ask(STATUS)], [("service-not-negotiated", "status")]),
        ("the server's, too", [ask(STATUS, by=S2C)], [("service-not-negotiated", "status")]),
        ("beyond the first octets", [ask(OPEN)], [("service-not-negotiated", "fileOpen")]),
        ("no bit at all", [ask(tlv(0xBF4E, tlv(0x80)))], [("service-not-negotiated", "additionalService")]),
        ("answers are not asked", [answer(tlv(0xA0, integer(0, 0x80)))], []),
    ],
)
def test_services_offered(what: str, messages: list[Message], expected: Expected) -> None:
    assert odd(messages, "service-not-negotiated") == expected, what
    assert odd(messages, "service-not-negotiated", before=()) == [], "not known"


@pytest.mark.parametrize(
    ("service", "name"),
    [
        (tlv(0xA3, tlv(0xA0, integer(0, 0x80)), tlv(0xA1, v.name("DOM/P")), tlv(0x82, "Q")), "rename"),
        (tlv(0xB3, tlv(0xA0, v.name("DOM/S"))), "takeControl"),
        (tlv(0xBA, tlv(0x80, "DOM"), tlv(0xA1), tlv(0x82, b"\x00")), "initiateDownloadSequence"),
        (tlv(0x9D, "PRG"), "initiateUploadSequence"),
        (tlv(0x9F24, "DOM"), "deleteDomain"),
        (tlv(0x9F27, "PRG"), "deleteProgramInvocation"),
        (tlv(0xBF28, tlv(0x80, "PRG")), "start"),
        (tlv(0xBF2B, tlv(0x80, "PRG")), "reset"),
        (tlv(0xBF2E, tlv(0xA1, tlv(0x19, "a")), tlv(0xA2, tlv(0x19, "b"))), "obtainFile"),
        (OPEN, "fileOpen"),
        (tlv(0xBF4C, tlv(0x19, "x")), "fileDelete"),
        (tlv(0xBF43, tlv(0xA0, v.name("DOM/J"))), "initializeJournal"),
    ],
)
def test_dangerous_services(service: bytes, name: str) -> None:
    assert odd([ask(service)], "dangerous-service") == [("dangerous-service", name)]


def test_services_of_every_day_are_not_dangerous() -> None:
    found = [it.code for it in events(v.conversation())]
    assert "dangerous-service" not in found
    assert odd([ask(tlv(0x9F25, "D")), ask(tlv(0x9F2D, "P"), 2)], "dangerous-service") == []


# --- writes that the policy does not allow, and only tells of


SET = write(variables("DOM/SP"), v.real())


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("succeeded", exchange(1, SET, WRITTEN), [("write-succeeded", "DOM/SP")]),
        ("failed", exchange(1, SET, REFUSED), []),
        (
            "one of two",
            exchange(
                1, write(variables("DOM/SP", "DOM/Q"), v.real(), v.real()), tlv(0xA5, integer(3, 0x80), tlv(0x81))
            ),
            [("write-succeeded", "DOM/SP")],
        ),
        ("an error", [ask(SET, 7), ERROR], []),
    ],
)
def test_unauthorized_writes_that_succeed(what: str, messages: list[Message], expected: Expected) -> None:
    monitoring = Policy(1, default=Action.MONITOR)
    assert odd(messages, "write-succeeded", policy=monitoring) == expected, what
    assert odd(messages, "write-succeeded") == [], "allowed"


# --- connections

REFUSE = (S2C, data(v.spdu(0x0C, tlv(0x32, b"\x02"))))
ABORT = (S2C, data(v.ABORT))


def accept(result: int) -> Message:
    """An AARE with its result, in an AC."""
    reason = tlv(0xA3, tlv(0xA1, integer(3)))
    apdu = tlv(0x61, tlv(0xA1, tlv(0x06, b"\x28\xca\x22\x02\x03")), tlv(0xA2, integer(result)), reason)
    return S2C, data(v.connect(0x0E, tlv(0xA5, *(tlv(0x30, integer(0, 0x80)),) * 2), apdu))


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("opened and released", [*OPENING, (C2S, data(v.RELEASE)), (S2C, data(v.RELEASED))], []),
        ("refused by the transport", [OPENING[0], (S2C, v.DR)], [("connection-refused", "0002")]),
        (
            "an error of the transport",
            [OPENING[0], (S2C, v.octets("03 00 00 09  04 70 00 01 02"))],
            [("connection-refused", "0002")],
        ),
        ("refused by the session", [*OPENING[:3], REFUSE], [("connection-refused", "0002")]),
        ("rejected", [*OPENING[:3], accept(1)], [("connection-refused", "0002")]),
        ("accepted", [*OPENING[:3], accept(0)], []),
        ("aborted", [*OPENING, ABORT], [("connection-refused", "0002")]),
        (
            "aborted as session data",
            [*OPENING, (S2C, data(osi(tlv(0x64, integer(0, 0x80)), 1)))],
            [("connection-refused", "0002")],
        ),
        ("aborted without a word", [*OPENING, (S2C, data(v.spdu(0x19)))], [("connection-refused", "0002")]),
    ],
)
def test_refusals(what: str, messages: list[Message], expected: Expected) -> None:
    assert odd(messages, "connection-refused", before=()) == expected, what


def test_refusals_say_why() -> None:
    found = {it.detail for it in events([*OPENING[:3], accept(1)]) if it.code == "connection-refused"}
    assert found == {"AARE: rejected-permanent, calling-AP-title-not-recognized"}
    found = {it.detail for it in events([OPENING[0], (S2C, v.DR)]) if it.code == "connection-refused"}
    assert found == {"DR: not specified"}


def test_connections_are_told_by_the_selector_called() -> None:
    assert odd(OPENING, "connection", before=()) == [("connection", "0002")]


@pytest.mark.parametrize(("open_", "expected"), [(8, []), (9, [("connection-hogging", "east")])])
def test_many_connections_of_one_peer(open_: int, expected: Expected) -> None:
    watch = Watch()
    for _ in range(open_):
        watch.connected("east", NOW)
    assert odd(OPENING, "connection-hogging", before=(), watch=watch) == expected
    assert odd(OPENING, "connection-hogging", before=(), watch=watch, peer="west") == []


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("an association first", [*OPENING, (C2S, v.IDENTIFY)], []),
        ("data at once", [*OPENING[:2], (C2S, v.IDENTIFY)], [("connection-hogging", "")]),
        ("the opening was not seen", [(C2S, v.IDENTIFY)], []),
        ("bare MMS", [*OPENING[:2], (C2S, data(request(IDENTIFY, 1)))], []),
    ],
)
def test_data_without_an_association(what: str, messages: list[Message], expected: Expected) -> None:
    assert odd(messages, "connection-hogging", before=()) == expected, what


def test_an_ordinary_opening_is_one_connection_and_no_more() -> None:
    assert [it.code for it in events([*ICCP, (S2C, data(v.RELEASED))])] == ["connection"]
