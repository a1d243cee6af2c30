"""Answers unlike what was asked for, or made to overrun a client's buffers."""

import pytest

from inspector import services
from inspector.checks.answers import ASKED
from tests.inspector import vectors as v
from tests.inspector.checking import ICCP, OPENING, WRITTEN, answer, ask, events, odd
from tests.inspector.vectors import (
    Message,
    exchange,
    integer,
    name,
    read,
    read_result,
    tlv,
    variable_list,
    variables,
    write,
)

Expected = list[tuple[str, str]]
IDENTITY = tlv(0xA2, tlv(0x80, "V"), tlv(0x81, "M"), tlv(0x82, "R"))
NAMES = tlv(0xA1, tlv(0xA0, tlv(0x1A, "P")), tlv(0x81, b"\x00"))
MISMATCH = "response-mismatch"


@pytest.mark.parametrize(
    ("what", "asked", "answered", "expected"),
    [
        ("a read", read(variables("DOM/P")), read_result(v.real()), []),
        ("a select", read(variables("DOM/B_SBO")), read_result(integer(1, 0x85)), []),
        ("a write", write(variables("DOM/P"), v.real()), WRITTEN, []),
        ("the start of a transfer", write(variables("DOM/TS-01"), v.transfer_set(status=True)), WRITTEN, []),
        ("data sets", tlv(0xA1, tlv(0xA0, integer(2, 0x80)), tlv(0xA1, tlv(0x81, "DOM"))), NAMES, []),
        ("identify", tlv(0x82), IDENTITY, []),
        ("a read answered as a write", read(variables("DOM/B_SBO")), WRITTEN, [(MISMATCH, "DOM/B_SBO")]),
        ("a select answered by names", read(variables("DOM/B_SBO")), NAMES, [(MISMATCH, "DOM/B_SBO")]),
        ("identify answered by values", tlv(0x82), read_result(v.real()), [(MISMATCH, "")]),
        (
            "a write answered by files",
            write(variables("DOM/P"), v.real()),
            tlv(0xBF4D, tlv(0xA0)),
            [(MISMATCH, "DOM/P")],
        ),
    ],
)
def test_responses_are_of_the_service_asked_for(what: str, asked: bytes, answered: bytes, expected: Expected) -> None:
    assert odd(exchange(1, asked, answered), MISMATCH) == expected, what


def test_mms_that_is_not_iccp_is_held_to_its_answers() -> None:
    messages = exchange(1, read(variables("LD/X")), NAMES)  # the object asked for is not always kept
    assert odd(messages, MISMATCH, before=OPENING) == [(MISMATCH, "")]


def test_every_request_has_a_service() -> None:
    """What a conversation asks for is answered by what the table says; so is each service under its plain name."""
    assert {ASKED[number] for number in range(len(services.CONFIRMED_SERVICES))} == set(range(79))
    assert [it for it in events(v.conversation()) if it.code == MISMATCH] == []


DATA_SET = exchange(905, tlv(0xAB, name("DOM/DS1"), variables("DOM/P1", "DOM/P2")), tlv(0x8B))


@pytest.mark.parametrize(("values", "expected"), [(1, []), (2, []), (3, [(MISMATCH, "DOM/DS1")])])
def test_more_results_than_were_written(values: int, expected: Expected) -> None:
    request = write(variable_list("DOM/DS1"), v.real(), v.real())
    messages = exchange(1, request, tlv(0xA5, *(tlv(0x81),) * values))
    assert odd([*DATA_SET, *messages], MISMATCH) == expected


# --- sizes


def identity(*sizes: int) -> bytes:
    return tlv(0xA2, *(tlv(0x80 + n, "x" * size) for n, size in enumerate(sizes)))


def directory(name_octets: int, time_octets: int = 15, *, implicit: bool = False, tag: int = 0x19) -> bytes:
    entry = tlv(0x30, tlv(0xA0, tlv(tag, "f" * name_octets)), tlv(0xA1, integer(9, 0x80), tlv(0x81, "2" * time_octets)))
    small = tlv(0x30, tlv(0xA0, tlv(0x19, "f")), tlv(0xA1, integer(9, 0x80)))
    entries = small + entry + small
    return tlv(0xBF4D, tlv(0xA0, entries if implicit else tlv(0x30, entries)), tlv(0x81, b"\x00"))


def opened(time_octets: int) -> bytes:
    return tlv(0xBF48, integer(1, 0x80), tlv(0xA1, integer(9, 0x80), tlv(0x81, "2" * time_octets)))


def listed(octets: int) -> bytes:
    return tlv(0xA1, tlv(0xA0, tlv(0x1A, "P"), tlv(0x1A, "x" * octets)), tlv(0x81, b"\x00"))


ASK_FILE = tlv(0xBF48, tlv(0xA0, tlv(0x19, "f")), integer(0, 0x81))
ASK_IDENTITY, ASK_FILES = tlv(0x82), tlv(0xBF4D, tlv(0xA0, tlv(0x19, "/")))
ASK_NAMES = tlv(0xA1, tlv(0xA0, integer(0, 0x80)), tlv(0xA1, tlv(0x81, "DOM")))


@pytest.mark.parametrize(
    ("what", "asked", "answered", "expected"),
    [
        ("an identity", ASK_IDENTITY, identity(99, 99, 99), []),
        ("a vendor", ASK_IDENTITY, identity(100, 1, 1), ["vendor name"]),
        ("a model", ASK_IDENTITY, identity(1, 100, 1), ["model name"]),
        ("a model and a revision", ASK_IDENTITY, identity(1, 100, 100), ["model name", "revision"]),
        ("syntaxes are not copied", ASK_IDENTITY, tlv(0xA2, tlv(0xA3, tlv(0x06, bytes(120)))), []),
        ("a file", ASK_FILES, directory(399, 39), []),
        ("a file's name", ASK_FILES, directory(400), ["file name"]),
        ("a file's name of another type", ASK_FILES, directory(400, tag=0x04), ["file name"]),
        ("a file's name in an implicit list", ASK_FILES, directory(400, implicit=True), ["file name"]),
        ("a file's time", ASK_FILES, directory(1, 40), ["file time"]),
        ("both", ASK_FILES, directory(400, 40, implicit=True), ["file name", "file time"]),
        ("a file opened", ASK_FILE, opened(39), []),
        ("the time of a file opened", ASK_FILE, opened(40), ["file time"]),
        ("names", ASK_NAMES, listed(129), []),
        ("a long name", ASK_NAMES, listed(130), ["name in a list"]),
    ],
)
def test_oversized_fields(what: str, asked: bytes, answered: bytes, expected: list[str]) -> None:
    found = odd(exchange(1, asked, answered), "response-oversized")
    assert found == [("response-oversized", it) for it in expected], what


def test_answers_to_nobody_are_measured_too() -> None:
    """A client that is attacked may not check what it asked for."""
    assert odd([answer(identity(300))], "response-oversized", before=ICCP) == [("response-oversized", "vendor name")]
    assert odd([ask(ASK_IDENTITY), answer(identity(300), 2)], "response-oversized") == [
        ("response-oversized", "vendor name")
    ]


def test_many_oversized_entries_are_told_of_once_in_a_while() -> None:
    entry = tlv(0x30, tlv(0xA0, tlv(0x19, "f" * 400)))
    message: list[Message] = exchange(1, ASK_FILES, tlv(0xBF4D, tlv(0xA0, tlv(0x30, *(entry,) * 70))))
    assert len(odd(message, "response-oversized")) == 64
