"""Values of MMS to look at, and what those of TASE.2 mean."""

import json
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import ber, values
from inspector.errors import DecodeError
from tests.inspector.vectors import integer, octets, real, tlv


def show(wire: bytes) -> Any:
    return values.show(wire, 0, len(wire))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("83 01 FF", True),
        ("83 01 00", False),
        ("84 02 03 E0", "11100"),
        ("84 01 00", ""),
        ("85 01 FE", -2),
        ("86 01 FE", 254),
        ("87 05 08 3F 80 00 00", 1.0),
        ("87 09 0B 3F F0 00 00 00 00 00 00", 1.0),
        ("87 05 08 7F 80 00 00", "inf"),
        ("87 05 08 7F C0 00 00", "nan"),
        ("87 02 08 00", "0800"),  # of no known size: as it is
        ("89 02 AB CD", "abcd"),
        ("8A 02 41 FF", "A\\xff"),
        ("8B 0F 32 30 32 35 30 31 30 32 30 33 30 34 30 35 5A", "20250102030405Z"),
        ("8C 04 00 00 03 E8", "00:00:01.000Z"),
        ("8C 06 00 00 03 E8 00 00", "1984-01-01T00:00:01.000Z"),
        ("91 08 65 92 00 80 80 00 00 0A", "2024-01-01T00:00:00.500Z"),
        ("91 02 00 00", "0000"),
        ("8F 03 28 CA 22", "1.0.9506"),
        ("90 01 41", "A"),
        ("8D 01 12", "12"),
        ("A2 05 85 01 01 A1 00", [1, []]),
        ("84 00", ""),
    ],
)
def test_show(text: str, shown: Any) -> None:
    assert show(octets(text)) == [shown]


def test_what_is_shown_is_bounded() -> None:
    many = show(octets("85 01 01") * 1000)
    assert (len(many), many[-1]) == (values.MEMBERS_MAX + 1, values.CUT)
    nested = tlv(0x85, b"\x01")
    for _ in range(20):
        nested = tlv(0xA2, nested)
    assert json.dumps(show(nested)).count("[") == values.DEPTH_MAX + 1
    for tag in (0x84, 0x89, 0x8A):
        (shown,) = show(tlv(tag, bytes(5000)))
        assert len(shown) < 1500 and shown.endswith(values.CUT)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("85 02 00 01", 1.0),
        ("85 01 FF", -1.0),
        ("86 01 FF", 255.0),
        ("87 05 08 41 20 00 00", 10.0),
        ("A2 0B 84 02 00 00 87 05 08 41 20 00 00", 10.0),
        ("8A 01 41 A2 00 A2 05 A2 03 85 01 07 85 01 08", 7.0),
        ("83 01 FF", None),
        ("", None),
    ],
)
def test_number(text: str, number: float | None) -> None:
    wire = octets(text)
    assert values.number(wire, 0, len(wire)) == number


def test_number_looks_no_further_than_its_bounds() -> None:
    wire = octets("83 01 00") * 1000 + octets("85 01 01")
    assert values.number(wire, 0, len(wire)) is None
    deep = octets("85 01 01")
    for _ in range(20):
        deep = tlv(0xA2, deep)
    assert values.number(deep, 0, len(deep)) is None
    with pytest.raises(DecodeError, match="mms-float"):
        values.number(octets("87 01 08"), 0, 3)


TIME = integer(1_700_000_000, 0x85)
EXTENDED = tlv(0xA2, TIME, integer(250, 0x85))
FLAGS = octets("84 02 00 9A")  # state 2, held, entered, abnormal, time valid
COV = integer(3, 0x86)


@pytest.mark.parametrize(
    ("wire", "point"),
    [
        # as the types of IEC 60870-6-802 are named
        (real("41200000"), (10.0, None, None, None)),  # Real
        (integer(7, 0x85), (7.0, None, None, None)),  # Discrete
        (FLAGS, (2.0, "held", 0x9A, None)),  # State, StateQ
        (tlv(0xA2, real("41200000"), FLAGS), (10.0, "held", 0x9A, None)),  # RealQ
        (tlv(0xA2, integer(7, 0x85), FLAGS), (7.0, "held", 0x9A, None)),  # DiscreteQ
        (tlv(0xA2, real("41200000"), TIME, FLAGS), (10.0, "held", 0x9A, 1_700_000_000)),  # RealQTimeTag
        (tlv(0xA2, integer(7, 0x85), TIME, FLAGS), (7.0, "held", 0x9A, 1_700_000_000)),
        (tlv(0xA2, real("41200000"), EXTENDED, FLAGS), (10.0, "held", 0x9A, 1_700_000_000)),
        (tlv(0xA2, real("41200000"), TIME, FLAGS, COV), (10.0, "held", 0x9A, 1_700_000_000)),  # RealExtended
        (tlv(0xA2, TIME, FLAGS), (2.0, "held", 0x9A, 1_700_000_000)),  # StateQTimeTag
        (tlv(0xA2, EXTENDED, FLAGS), (2.0, "held", 0x9A, 1_700_000_000)),  # StateQTimeTagExtended
        (tlv(0xA2, integer(9, 0x85), FLAGS, COV), (2.0, "held", 0x9A, 9)),  # StateExtended
        (tlv(0xA2, FLAGS), (2.0, "held", 0x9A, None)),
    ],
)
def test_point(wire: bytes, point: tuple[Any, ...]) -> None:
    assert values.point(wire, ber.header(wire, 0, len(wire))) == point


@pytest.mark.parametrize(
    "wire", [tlv(0x8A, "text"), tlv(0xA2), tlv(0xA2, tlv(0x8A, "x"), FLAGS), octets("84 02 03 80"), tlv(0x80, b"\x03")]
)
def test_no_point(wire: bytes) -> None:
    assert values.point(wire, ber.header(wire, 0, len(wire))) is None


def test_flags_by_name() -> None:
    assert values.describe_flags(0x9A) == {
        "state": 2,
        "quality": "held",
        "source": "entered",
        "normal": False,
        "time_valid": True,
    }


def test_tag_and_conditions() -> None:
    wire = tlv(0xA2, octets("84 02 06 40"), tlv(0x8A, "on repair"))
    assert values.tag(wire, 0, len(wire)) == ("01", "on repair")
    for other in (b"", tlv(0x85, b"\x01"), tlv(0xA2, tlv(0x85, b"\x01"))):
        assert values.tag(other, 0, len(other)) is None
    wire = octets("84 02 03 A0")
    assert values.conditions(wire, (0x84, 2, 4)) == ("interval", "change")
    assert values.conditions(wire, (0x85, 2, 4)) == ()


def test_times() -> None:
    assert values.iso_time(0) == "1970-01-01T00:00:00.000Z"
    assert values.iso_time(951_782_400_123) == "2000-02-29T00:00:00.123Z"
    assert values.iso_time(-1) == "1969-12-31T23:59:59.999Z"


@given(st.floats(width=32))
def test_floats_are_those_of_the_machine(number: float) -> None:
    wire = tlv(0x87, b"\x08" + struct.pack(">f", number))
    found = values.number(wire, 0, len(wire))
    assert found == number or number != number


@given(st.binary(max_size=80))
def test_garbage_raises_only_what_it_may(wire: bytes) -> None:
    for read in (values.show, values.number, values.tag):
        with suppress(DecodeError):
            json.dumps(read(wire, 0, len(wire)), allow_nan=read is not values.show)
    with suppress(DecodeError):
        values.point(wire, ber.header(wire, 0, len(wire)))
