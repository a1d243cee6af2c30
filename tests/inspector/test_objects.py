"""Which objects a request or report touches, service by service."""

import pytest

from inspector import Limits, mms, objects
from inspector.errors import DecodeError
from tests.inspector import vectors as v
from tests.inspector.vectors import integer, name, octets, request, tlv

LIMITS = Limits()


def access(wire: bytes) -> objects.Access:
    return objects.access(wire, mms.decode(wire, 0, len(wire)), LIMITS)


def file(tag: int, *parts: str) -> bytes:
    return tlv(tag, *(tlv(0x19, it) for it in parts))


DOM_A = name("DOM/A")


@pytest.mark.parametrize(
    ("service", "touched"),
    [
        (tlv(0xA3, tlv(0xA0, integer(0, 0x80)), tlv(0xA1, DOM_A), tlv(0x82, "B")), ("DOM/A", "DOM/B")),
        (tlv(0xA3, tlv(0xA1, name("A")), tlv(0x82, "B")), ("A", "B")),
        (v.read(v.variables("DOM/A", "B", "@/C")), ("DOM/A", "B", "@/C")),
        (tlv(0xA7, tlv(0xA0, DOM_A), tlv(0xA1, tlv(0x80, b"\x01"))), ("DOM/A",)),
        (tlv(0xA9, DOM_A), ("DOM/A",)),
        (tlv(0xAA, integer(0, 0x80), tlv(0xA1, DOM_A, name("B")), tlv(0x82, "DOM")), ("DOM/A", "B", "DOM/")),
        (tlv(0xAD, integer(2, 0x80), tlv(0x82, "DOM")), ("DOM/",)),
        (tlv(0xB3, tlv(0xA0, tlv(0x80, "reserved")), integer(1, 0x83), integer(1, 0x86)), ("reserved",)),
        (tlv(0xB4, tlv(0xA0, tlv(0x80, "reserved"))), ("reserved",)),
        (tlv(0xB7, name("S")), ("S",)),
        (tlv(0xBA, tlv(0x80, "DOM"), tlv(0xA1, tlv(0x1A, "cap")), tlv(0x82, b"\x00")), ("DOM/",)),
        (tlv(0x9B, "DOM"), ("DOM/",)),
        (tlv(0xBC, tlv(0x80, "DOM")), ("DOM/",)),
        (tlv(0x9D, "DOM"), ("DOM/",)),
        (tlv(0x9E, b"\x01"), ()),
        (tlv(0x9F1F, b"\x00\x00"), ()),
        (tlv(0xBF20, tlv(0x80, "DOM"), file(0xA4, "f")), ("DOM/", "file:f")),
        (tlv(0xBF21, tlv(0x80, "DOM"), file(0xA1, "f")), ("DOM/", "file:f")),
        (tlv(0x9F24, "DOM"), ("DOM/",)),
        (tlv(0x9F25, "DOM"), ("DOM/",)),
        (tlv(0xBF26, tlv(0x80, "PI"), tlv(0xA1, tlv(0x1A, "D1"), tlv(0x1A, "D2"))), ("PI", "D1/", "D2/")),
        (tlv(0x9F27, "PI"), ("PI",)),
        (tlv(0xBF28, tlv(0x80, "PI"), tlv(0x81)), ("PI",)),
        (tlv(0xBF2C, tlv(0x80, "PI")), ("PI",)),
        (tlv(0x9F2D, "PI"), ("PI",)),
        (tlv(0xBF2E, file(0xA1, "from"), file(0xA2, "to")), ("file:from", "file:to")),
        (tlv(0xBF2F, tlv(0xA0, DOM_A), integer(0, 0x81)), ("DOM/A",)),
        (tlv(0xBF30, tlv(0xA0, DOM_A, name("B"))), ("DOM/A", "B")),
        (tlv(0xBF31, name("B")), ("B",)),
        (tlv(0xBF39, tlv(0xA0, DOM_A), tlv(0xA1, name("EC"))), ("DOM/A", "EC")),
        (tlv(0xBF3A, tlv(0xA0, DOM_A)), ("DOM/A",)),
        (tlv(0xBF3D, integer(0, 0x80), tlv(0xA3, name("EC"))), ("EC",)),
        (tlv(0xBF3F, tlv(0x80, b"\x00"), tlv(0x81, b"\x00")), ()),
        (tlv(0xBF41, tlv(0xA0, name("J"))), ("J",)),
        (tlv(0xBF44, name("J")), ("J",)),
        (tlv(0xBF48, file(0xA0, "dir", "f"), integer(0, 0x81)), ("file:dir/f",)),
        (tlv(0x9F49, b"\x01"), ()),
        (tlv(0xBF4B, file(0xA0, "old"), file(0xA1, "new")), ("file:old", "file:new")),
        (file(0xBF4C, "f"), ("file:f",)),
        (tlv(0xBF4D), ()),
        (tlv(0xBF4D, file(0xA0, "dir"), file(0xA1, "f")), ("file:dir",)),
        (tlv(0xBF4E, tlv(0x80)), ()),
    ],
)
def test_requests(service: bytes, touched: tuple[str, ...]) -> None:
    assert access(request(service, 1)).objects == touched


def test_reports_name_every_variable() -> None:
    """Whole variables, components of one, and variables that have no name."""
    alternate = tlv(0xA5, tlv(0x81, "Value"))
    listed = tlv(
        0xA0,
        tlv(0x30, tlv(0xA0, DOM_A)),
        tlv(0x30, tlv(0xA0, name("DOM/B")), alternate),
        tlv(0x30, tlv(0xA1, tlv(0x81, "MW100"))),
        tlv(0x30, tlv(0xA2, tlv(0x30))),
        tlv(0x30, tlv(0x84)),
    )
    report = v.report(listed, *(v.real(),) * 5)
    assert access(report).objects == ("DOM/A", "DOM/B", *(objects.UNNAMED,) * 3)


def test_many_variables() -> None:
    names = tuple(f"DOM/P{n}" for n in range(2000))
    assert access(v.report(v.variables(*names), v.real())).objects == names


def test_event_notifications() -> None:
    wire = tlv(0xA3, tlv(0xA2, tlv(0xA0, DOM_A), tlv(0xA1, name("EC")), integer(1, 0x83)))
    assert access(wire).objects == ("DOM/A", "EC")
    assert access(tlv(0xA3, tlv(0xA1, integer(0, 0x80), integer(0, 0x81)))).objects == ()


@pytest.mark.parametrize(
    ("service", "code"),
    [
        (tlv(0xB3, tlv(0xA0, tlv(0x83, "x"))), "mms-object-name"),
        (tlv(0xBF48, file(0xA0, "f" * 2000)), "name-too-long"),
        (tlv(0x9F24, "D" * 200), "name-too-long"),
        (octets("93 02 A0 05"), "ber-overrun"),
        (tlv(0x97), "ber-truncated"),
    ],
)
def test_refuses(service: bytes, code: str) -> None:
    with pytest.raises(DecodeError, match=code):
        access(request(service, 1))
