"""What the answers of MMS say."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import Limits, answers, mms
from inspector.answers import File, Results, ServiceError
from inspector.errors import DecodeError
from inspector.mms import MmsPdu
from tests.inspector.vectors import integer, octets, read_result, real, response, tlv, variables

LIMITS = Limits()


def read(function: Callable[..., Any], wire: bytes, *more: Any) -> Any:
    return function(wire, mms.decode(wire, 0, len(wire)), *more)


DENIED = octets("80 01 03")


def test_results() -> None:
    mixed = response(read_result(real(), DENIED, octets("80 01 63")), 1)
    assert read(answers.results, mixed) == Results(3, 2, ((1, "object-access-denied"), (2, "99")))
    with_specification = response(tlv(0xA4, tlv(0xA0, variables("A")), tlv(0xA1, real())), 1)
    assert read(answers.results, with_specification) == Results(1)
    assert read(answers.specification, with_specification, LIMITS) == ("A",)
    assert read(answers.specification, mixed, LIMITS) == ()
    written = response(tlv(0xA5, tlv(0x81), DENIED), 1)
    assert read(answers.results, written) == Results(2, 1, ((1, "object-access-denied"),))
    assert read(answers.results, response(tlv(0xA2), 1)) == Results()


def test_errors_kept_are_bounded() -> None:
    found = read(answers.results, response(read_result(*(DENIED,) * 1000), 1))
    assert (found.total, found.failed, len(found.errors)) == (1000, 1000, answers.ERRORS_MAX)


@pytest.mark.parametrize(
    ("wire", "granted"),
    [
        (response(read_result(real()), 1), True),
        (response(read_result(real(), DENIED), 1), False),
        (response(read_result(), 1), False),
        (response(tlv(0xA4), 1), False),
        (response(tlv(0xA5, tlv(0x81)), 1), True),
        (tlv(0xA2, integer(1, 0x80), tlv(0xA2)), False),
    ],
)
def test_all_succeeded(wire: bytes, granted: bool) -> None:
    assert read(answers.all_succeeded, wire) is granted


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        (tlv(0xA2, integer(1, 0x80), tlv(0xA2, tlv(0xA0, integer(3, 0x87)))), "access: object-access-denied"),
        (tlv(0xA2, integer(1, 0x80), tlv(0xA2, tlv(0xA0, integer(1, 0x8C)))), "others: 1"),
        (tlv(0xA2, integer(1, 0x80), tlv(0xA2, tlv(0xA0, integer(1, 0x8F)))), "15: 1"),
        (tlv(0xA7, integer(1, 0x80), tlv(0xA1, tlv(0xA0, integer(2, 0x8A)))), "cancel: cancel-not-possible"),
        (tlv(0xAA, tlv(0xA0, integer(1, 0x88))), "initiate: version-incompatible"),
        (tlv(0xAD, tlv(0xA0, integer(1, 0x89))), "conclude: further-communication-required"),
        (tlv(0xA4, integer(1, 0x80), integer(1, 0x81)), "confirmed-requestPDU: unrecognized-service"),
        (tlv(0xA4, integer(2, 0x85)), "pdu-error: illegal-acse-mapping"),
        (tlv(0xA4, integer(9, 0x8B)), "conclude-errorPDU: 9"),
        (tlv(0xA2, integer(1, 0x80), tlv(0xA2, tlv(0xA0))), None),
        (tlv(0xA2, integer(1, 0x80)), None),
        (response(tlv(0xA2), 1), None),
    ],
)
def test_why(wire: bytes, why: str | None) -> None:
    assert read(answers.why, wire) == why


def test_error_with_all_fields() -> None:
    wire = tlv(0xA2, integer(1, 0x80), tlv(0xA2, tlv(0xA0, integer(2, 0x82)), integer(7, 0x81), tlv(0x82, "no")))
    assert read(answers.error, wire) == ServiceError("definition", "invalid-address", 7, "no")


def test_names() -> None:
    wire = response(tlv(0xA1, tlv(0xA0, *(tlv(0x1A, f"N{n}") for n in range(300))), tlv(0x81, b"\x00")), 1)
    found = read(answers.names, wire)
    assert (found.total, found.identifiers[:2], len(found.identifiers)) == (300, ("N0", "N1"), 256)
    assert not found.more_follows
    assert read(answers.names, response(tlv(0xA1, tlv(0xA0)), 1)).more_follows  # as it is by default


def test_members() -> None:
    listed = variables("DOM/A", "B")
    wire = response(tlv(0xAC, tlv(0x80, b"\x01"), b"\xa1" + listed[1:]), 1)
    assert read(answers.members, wire, LIMITS) == ["DOM/A", "B"]
    assert read(answers.deletable, wire) is True


def test_deletions() -> None:
    assert read(answers.counts, response(tlv(0xAD, integer(3, 0x80), integer(2, 0x81)), 1)) == (3, 2)


def test_identity_and_status() -> None:
    wire = response(tlv(0xA2, tlv(0x80, "V" * 999), tlv(0x81, "M"), tlv(0x82, "R")), 1)
    found = read(answers.identity, wire)
    assert (len(found.vendor), found.model, found.revision) == (257, "M", "R")
    wire = response(tlv(0xA0, integer(0, 0x80), integer(2, 0x81)), 1)
    assert read(answers.status, wire) == ("state-changes-allowed", "inoperable")
    assert read(answers.status, response(tlv(0xA0), 1)) is None


def test_version_and_features() -> None:
    wire = response(read_result(tlv(0xA2, integer(2000, 0x85), integer(8, 0x85))), 1)
    assert read(answers.version, wire) == (2000, 8)
    assert read(answers.version, response(read_result(real()), 1)) is None
    assert read(answers.version, response(read_result(), 1)) is None
    wire = response(read_result(octets("84 03 04 C8 00")), 1)
    assert read(answers.features, wire) == (1, 2, 5)


def test_files() -> None:
    entry = tlv(
        0x30,
        tlv(0xA0, tlv(0x19, "a"), tlv(0x19, "b.txt")),
        tlv(0xA1, integer(77, 0x80), tlv(0x81, "20250102030405Z")),
    )
    expected = (2, (File("a/b.txt", 77, "20250102030405Z"),) * 2, True)
    for listed in (tlv(0xA0, tlv(0x30, entry, entry)), tlv(0xA0, entry, entry)):
        assert read(answers.files, response(tlv(0xBF4D, listed, tlv(0x81, b"\xff")), 1)) == expected
    wire = response(tlv(0xBF48, integer(5, 0x80), tlv(0xA1, integer(77, 0x80))), 1)
    assert read(answers.opened, wire) == (5, 77, None)


def test_types() -> None:
    component = tlv(0x30, tlv(0x80, "Value"), tlv(0xA1, tlv(0xA7, integer(32), integer(8))))
    flags = tlv(0x30, tlv(0x80, "Flags"), tlv(0xA1, octets("84 01 08")))
    structure = tlv(0xA2, tlv(0xA1, component, flags))
    wire = response(tlv(0xA6, tlv(0x80, b"\x00"), tlv(0xA2, structure)), 1)
    assert read(answers.type_of, wire) == {"Value": "floating-point 32", "Flags": "bit-string 8"}
    array = tlv(0xA1, integer(10, 0x81), tlv(0xA2, octets("8A 01 E0")))
    wire = response(tlv(0xA6, tlv(0x80, b"\x00"), tlv(0xA2, array)), 1)
    assert read(answers.type_of, wire) == {"elements": 10, "of": "visible-string 32"}


READERS: list[Callable[[bytes, MmsPdu], object]] = [
    *(answers.results, answers.all_succeeded, answers.error, answers.rejection, answers.why, answers.names),
    *(answers.deletable, answers.counts, answers.identity, answers.status, answers.version, answers.features),
    *(answers.files, answers.opened, answers.type_of, lambda wire, pdu: answers.members(wire, pdu, LIMITS)),
]


@given(st.binary(max_size=80), st.sampled_from(["confirmed-response", "confirmed-error", "reject", "initiate-error"]))
def test_garbage_raises_only_what_it_may(wire: bytes, kind: str) -> None:
    for service in (0, 1, 4, 5, 77):
        pdu = MmsPdu(kind, service, 1, 0, len(wire))
        for reader in READERS:
            with suppress(DecodeError):
                reader(wire, pdu)
