"""Report spoofing: transfer sets that nobody started, the wrong direction, the wrong number of values; NACKs."""

import pytest

from inspector import Limits
from tests.inspector import vectors as v
from tests.inspector.checking import ICCP, OPENING, WRITTEN, events, odd, say
from tests.inspector.vectors import (
    C2S,
    S2C,
    Message,
    exchange,
    integer,
    name,
    report,
    scoped,
    tlv,
    variable_list,
    variables,
    write,
)

NAME, CONDITIONS = "DOM/Transfer_Set_Name", "DOM/DSConditions_Detected"
MEMBERS = (NAME, CONDITIONS, "DOM/P1", "DOM/P2")
BITS = tlv(0x84, b"\x03\x80")
POINT = v.real()
CODES = ("report-unknown-transfer-set", "report-wrong-direction", "report-member-count")

CREATED = exchange(901, tlv(0xAB, name("DOM/DS1"), variables(*MEMBERS)), tlv(0x8B))
STARTED = exchange(902, write(variables("DOM/TS-01"), v.transfer_set(status=True)), WRITTEN)
STOPPED = exchange(903, write(variables("DOM/TS-01"), v.transfer_set(status=False)), WRITTEN)
BEFORE = [*ICCP, *CREATED, *STARTED]

UNKNOWN, WRONG, COUNT = CODES


def by_name(
    *values: bytes, transfer_set: bytes = scoped("DOM", "TS-01"), data_set: str = "DOM/DS1", by: v.Direction = S2C
) -> list[Message]:
    """An interval report: the data set's name, and a value for each member."""
    return [say(report(variable_list(data_set), transfer_set, BITS, *values), by=by)]


def by_exception(*names: str, transfer_set: bytes = scoped("DOM", "TS-01"), by: v.Direction = S2C) -> list[Message]:
    """A report by exception: the variables that changed, behind the name of the transfer set."""
    return [say(report(variables(NAME, *names), transfer_set, *(POINT,) * len(names)), by=by)]


REPORT = by_name(POINT, POINT)


@pytest.mark.parametrize(
    ("what", "before", "messages", "expected"),
    [
        ("started", BEFORE, REPORT, []),
        ("by exception", BEFORE, by_exception("DOM/P1"), []),
        ("stopped, and one was under way", [*BEFORE, *STOPPED], REPORT, []),
        (
            "no such transfer set",
            BEFORE,
            by_name(POINT, POINT, transfer_set=scoped("DOM", "TS-02")),
            [(UNKNOWN, "DOM/TS-02")],
        ),
        (
            "by exception, no such set",
            BEFORE,
            by_exception("DOM/P1", transfer_set=scoped("", "TS-02")),
            [(UNKNOWN, "TS-02")],
        ),
        ("offered, and not started", [*ICCP, *CREATED], REPORT, [(UNKNOWN, "DOM/TS-01")]),
        ("nothing was started", OPENING, by_name(POINT, POINT), [(UNKNOWN, "DOM/TS-01")]),
        ("no opening was seen", (), by_name(POINT, POINT), []),
        (
            "the name of the VMD, with its domain",
            BEFORE,
            by_name(POINT, POINT, transfer_set=tlv(0xA2, integer(0, 0x86), tlv(0x8A, "DOM"), tlv(0x8A, "TS-01"))),
            [],
        ),
    ],
)
def test_reports_come_from_transfer_sets(
    what: str, before: list[Message], messages: list[Message], expected: list[tuple[str, str]]
) -> None:
    assert odd(messages, UNKNOWN, before=before) == expected, what


def test_transfer_sets_of_the_vmd() -> None:
    started = exchange(902, write(variables("TS-01"), v.transfer_set(status=True)), WRITTEN)
    whole = tlv(0xA2, integer(0, 0x86), tlv(0x8A, "DOM"), tlv(0x8A, "TS-01"))
    before = [*OPENING, *started]
    assert odd(by_name(transfer_set=whole), UNKNOWN, before=before) == []
    assert odd(by_name(transfer_set=scoped("", "TS-01")), UNKNOWN, before=before) == []


UNNAMED_SET = exchange(901, tlv(0xAB, name("DOM/DS1"), variables("DOM/P1")), tlv(0x8B))


@pytest.mark.parametrize(
    ("what", "message", "expected"),
    [
        ("a data set in use", say(report(variable_list("DOM/DS1"), POINT)), []),
        ("a data set not in use", say(report(variable_list("DOM/DS2"), POINT)), [(UNKNOWN, "DOM/DS2")]),
        ("variables", say(report(variables("DOM/P1"), POINT)), []),
        ("a data set of the other's", say(report(variable_list("DOM/DS1"), POINT), by=C2S), [(WRONG, "DOM/DS1")]),
        ("variables of the other's", say(report(variables("DOM/P1"), POINT), by=C2S), [(WRONG, "a list of variables")]),
    ],
)
def test_reports_that_do_not_name_their_transfer_set(
    what: str, message: Message, expected: list[tuple[str, str]]
) -> None:
    assert odd([message], UNKNOWN, WRONG, before=[*ICCP, *UNNAMED_SET, *STARTED]) == expected, what


def test_a_full_memory_accuses_nobody() -> None:
    messages = by_name(POINT, POINT, transfer_set=scoped("DOM", "TS-02"))
    assert odd(messages, UNKNOWN, before=BEFORE, limits=Limits(names=2)) == []


BY_SERVER = exchange(902, write(variables("DOM/TS-01"), v.transfer_set(status=True)), WRITTEN, by=S2C)


@pytest.mark.parametrize(
    ("what", "before", "by", "expected"),
    [
        ("the client started, the server reports", BEFORE, S2C, []),
        ("the client started and reports", BEFORE, C2S, [(WRONG, "DOM/TS-01")]),
        ("the server started, the client reports", [*OPENING, *BY_SERVER], C2S, []),
        ("the server started and reports", [*OPENING, *BY_SERVER], S2C, [(WRONG, "DOM/TS-01")]),
        ("seen from the start on alone", STARTED, C2S, [(WRONG, "DOM/TS-01")]),
    ],
)
def test_reports_come_from_the_side_that_was_asked(
    what: str, before: list[Message], by: v.Direction, expected: list[tuple[str, str]]
) -> None:
    assert odd(by_name(POINT, POINT, by=by), UNKNOWN, WRONG, before=before) == expected, what
    assert odd(by_exception("DOM/P1", by=by), UNKNOWN, WRONG, before=before) == expected, what


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("as many values as members", REPORT, []),
        ("one too few", by_name(POINT), [(COUNT, "DOM/DS1")]),
        ("one too many", by_name(POINT, POINT, POINT), [(COUNT, "DOM/DS1")]),
        ("a long value", by_name(POINT, tlv(0x8A, "x" * 200)), []),
        ("a long value, one too many", by_name(POINT, POINT, tlv(0x8A, "x" * 200)), [(COUNT, "DOM/DS1")]),
        ("members not known", by_name(POINT, data_set="DOM/DS7"), []),
        ("as many values as variables", by_exception("DOM/P1", "DOM/P2"), []),
        (
            "fewer values than variables",
            [say(report(variables(NAME, "DOM/P1"), scoped("DOM", "TS-01")))],
            [(COUNT, "a list")],
        ),
        ("a variable that is no member", by_exception("DOM/P1", "DOM/P9"), [(COUNT, "DOM/DS1")]),
        ("what TASE.2 puts before the values", by_exception("DOM/Transfer_Set_Time_Stamp", "DOM/P1"), []),
    ],
)
def test_reports_have_the_members_of_their_data_set(
    what: str, messages: list[Message], expected: list[tuple[str, str]]
) -> None:
    assert odd(messages, COUNT, before=BEFORE) == expected, what


def test_members_may_be_asked_for_instead() -> None:
    members = [tlv(0x30, tlv(0xA0, name(it))) for it in MEMBERS]
    asked = exchange(904, tlv(0xAC, name("DOM/DS1")), tlv(0xAC, tlv(0x80, b"\x00"), tlv(0xA1, *members)))
    before = [*ICCP, *asked, *STARTED]
    assert odd(REPORT, *CODES, before=before) == []
    assert odd(by_name(POINT), *CODES, before=before) == [(COUNT, "DOM/DS1")]


def answer(kind: str, transfer_set: str = "TS-01", by: v.Direction = C2S) -> Message:
    return say(report(variables(f"DOM/Transfer_Report_{kind}"), scoped("DOM", transfer_set)), by=by)


@pytest.mark.parametrize(
    ("what", "message", "expected"),
    [
        ("an ACK", answer("ACK"), []),
        ("a NACK", answer("NACK"), [("report-nack", "DOM/TS-01")]),
        ("an ACK by who reports", answer("ACK", by=S2C), [(WRONG, "DOM/TS-01")]),
        ("a NACK by who reports", answer("NACK", by=S2C), [(WRONG, "DOM/TS-01"), ("report-nack", "DOM/TS-01")]),
        ("an ACK of nothing", answer("ACK", "TS-09"), [(UNKNOWN, "DOM/TS-09")]),
        ("an ACK without a name", say(report(variables("DOM/Transfer_Report_ACK"), POINT), by=C2S), []),
    ],
)
def test_acknowledgements(what: str, message: Message, expected: list[tuple[str, str]]) -> None:
    assert odd([message], *CODES, "report-nack", before=BEFORE) == expected, what


def test_an_orderly_transfer_raises_nothing() -> None:
    messages = [*BEFORE, *REPORT, *by_exception("DOM/P2"), answer("ACK"), *STOPPED]
    assert [it.code for it in events(messages)] == ["connection"]
