"""Looking around, and failing at it."""

import pytest

from tests.inspector import vectors as v
from tests.inspector.checking import ICCP, OPENING, REFUSED, WRITTEN, answer, ask, odd, say
from tests.inspector.vectors import (
    S2C,
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


def names(scope: bytes, object_class: int = 0) -> bytes:
    return tlv(0xA1, tlv(0xA0, integer(object_class, 0x80)), tlv(0xA1, scope))


Expected = list[str]


@pytest.mark.parametrize(
    ("what", "service", "expected"),
    [
        ("names of a domain", names(tlv(0x81, "DOM")), ["DOM/"]),
        ("names of the VMD", names(tlv(0x80)), ["(vmd)"]),
        ("data sets of a domain", names(tlv(0x81, "DOM"), 2), ["DOM/"]),
        ("a type", tlv(0xA6, tlv(0xA0, name("DOM/P1"))), ["DOM/P1"]),
        ("the members of a data set", tlv(0xAC, name("DOM/DS1")), ["DOM/DS1"]),
        ("capabilities", tlv(0xBF47), ["(vmd)"]),
        ("a point", read(variables("DOM/P1")), ["DOM/P1"]),
        ("points", read(variables("DOM/P1", "DOM/P2")), ["DOM/P1", "DOM/P2"]),
        ("an unknown data set", read(variable_list("DOM/DS9")), ["DOM/DS9"]),
        ("behind what is asked at start-up", read(variables("DOM/Bilateral_Table_ID", "DOM/P1")), ["DOM/P1"]),
        ("more than is told of", read(variables(*(f"P{n}" for n in range(65)))), [f"P{n}" for n in range(64)]),
        ("the bilateral table, a keepalive for some", read(variables("DOM/Bilateral_Table_ID")), []),
        ("the version", read(variables("TASE2_Version", "Supported_Features")), []),
        ("the next transfer set", read(variables("DOM/Next_DSTransfer_Set")), []),
        ("a transfer set that is known", read(variables("DOM/TS-01")), []),
        ("a device that is selected", read(variables("DOM/BRK1_SBO")), []),
        ("identify, the usual keepalive", tlv(0x82), []),
        ("a write", write(variables("DOM/SP"), v.real()), []),
    ],
)
def test_enumeration(what: str, service: bytes, expected: Expected) -> None:
    assert odd([ask(service)], "enumeration", before=ICCP) == [("enumeration", it) for it in expected], what
    assert odd([ask(service, by=S2C)], "enumeration") == [("enumeration", it) for it in expected], "by the server"


def test_a_data_set_that_was_created_is_known() -> None:
    created = exchange(1, tlv(0xAB, name("DOM/DS1"), variables("DOM/P1")), tlv(0x8B))
    assert odd([*created, ask(read(variable_list("DOM/DS1")))], "enumeration") == []


def test_plain_mms_is_enumerated_alike() -> None:
    assert odd([ask(read(variables("LD/X")))], "enumeration", before=OPENING) == [("enumeration", "LD/X")]


def error(error_class: int, code: int, invoke_id: int = 1) -> Message:
    return say(tlv(0xA2, integer(invoke_id, 0x80), tlv(0xA2, tlv(0xA0, integer(code, 0x80 | error_class)))))


DENIED, UNDEFINED, NON_EXISTENT, UNAVAILABLE = (integer(it, 0x80) for it in (3, 4, 10, 2))
READ = ask(read(variables("DOM/P1")))
WRITE = ask(write(variables("DOM/P1"), v.real()))
ATTRIBUTES = ask(tlv(0xAC, name("DOM/DS9")))


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("a read that succeeds", [READ, answer(read_result(v.real()))], 0),
        ("a read of what is not there", [READ, answer(read_result(NON_EXISTENT))], 1),
        ("a read denied", [READ, answer(read_result(DENIED))], 1),
        ("a read of what is undefined", [READ, answer(read_result(UNDEFINED))], 1),
        ("a read of what is not available now", [READ, answer(read_result(UNAVAILABLE))], 0),
        ("some of many", [READ, answer(read_result(v.real(), DENIED, NON_EXISTENT))], 2),
        ("all of very many", [READ, answer(read_result(*(DENIED,) * 65))], 64),
        ("with what was asked for", [READ, answer(tlv(0xA4, tlv(0xA0, variables("DOM/P1")), tlv(0xA1, DENIED)))], 1),
        ("a write denied", [WRITE, answer(REFUSED)], 1),
        ("a write done", [WRITE, answer(WRITTEN)], 0),
        ("an error of access", [ATTRIBUTES, error(7, 2)], 1),
        ("an undefined object", [ATTRIBUTES, error(2, 1)], 1),
        ("an object that exists already", [ATTRIBUTES, error(2, 5)], 0),
        ("an error of resources", [ATTRIBUTES, error(3, 1)], 0),
        ("to no request", [error(7, 3, 99)], 1),
        ("a failure of no number", [READ, answer(read_result(tlv(0x80)))], 0),
        ("no error at all", [READ, say(tlv(0xA2, integer(1, 0x80)))], 0),
    ],
)
def test_access_errors(what: str, messages: list[Message], expected: int) -> None:
    assert len(odd(messages, "access-error")) == expected, what


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([WRITE, answer(REFUSED)], "DOM/P1"),
        ([ATTRIBUTES, error(7, 2)], "DOM/DS9"),
        ([WRITE, answer(tlv(0xA5, tlv(0x81), DENIED))], "object 2"),
        ([error(7, 3, 99)], ""),
    ],
)
def test_access_errors_tell_the_object_if_it_is_known(messages: list[Message], expected: str) -> None:
    assert odd(messages, "access-error") == [("access-error", expected)]
