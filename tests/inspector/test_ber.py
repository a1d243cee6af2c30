import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import ber
from inspector.errors import DecodeError
from tests.inspector.vectors import octets, tlv


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("02 01 05", (0x02, 2, 3)),
        ("8B 00", (0x8B, 2, 2)),
        ("02 81 01 05", (0x02, 3, 4)),
        ("02 82 00 01 05", (0x02, 4, 5)),  # longer than need be, and seen in the field
        ("BF 28 01 FF", (0xBF28, 3, 4)),
        ("9F 81 00 00", (0x9F8100, 4, 4)),
    ],
)
def test_header(text: str, expected: tuple[int, int, int]) -> None:
    vector = octets(text)
    assert ber.header(vector, 0, len(vector)) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("02", "ber-truncated"),
        ("02 02 05", "ber-overrun"),
        ("02 81", "ber-length"),
        ("02 81 02 00", "ber-overrun"),
        ("02 85 00 00 00 00 01 05", "ber-length"),
        ("30 80 00 00", "ber-indefinite"),
        ("BF", "ber-truncated"),
        ("BF 28", "ber-truncated"),
        ("BF FF FF 01 00", "ber-tag"),
        ("BF 81", "ber-tag"),
    ],
)
def test_header_refuses(text: str, code: str) -> None:
    vector = octets(text)
    with pytest.raises(DecodeError) as caught:
        ber.header(vector, 0, len(vector))
    assert caught.value.code == code


def test_header_never_reads_behind_its_end() -> None:
    vector = octets("02 05 01 02 03 04 05")
    with pytest.raises(DecodeError, match="ber-overrun"):
        ber.header(vector, 0, 4)


def test_check_walks_into_every_constructed_value() -> None:
    ber.check(octets("30 05 30 03 02 01 05  02 01 05"), 0, 10, 3, 10)
    with pytest.raises(DecodeError, match="ber-overrun"):
        ber.check(octets("30 05 30 03 02 02 05"), 0, 7, 3, 10)


def test_check_bounds_depth_and_number() -> None:
    nested = b""
    for _ in range(5):
        nested = tlv(0x30, nested)
    ber.check(nested, 0, len(nested), 5, 5)
    with pytest.raises(DecodeError, match="ber-depth"):
        ber.check(nested, 0, len(nested), 4, 5)
    with pytest.raises(DecodeError, match="ber-elements"):
        ber.check(b"\x05\x00" * 6, 0, 12, 4, 5)


values = st.recursive(
    st.builds(lambda body: tlv(0x85, body), st.binary(max_size=300)),
    lambda inner: st.builds(lambda items: tlv(0x30, *items), st.lists(inner, max_size=4)),
    max_leaves=20,
)


@given(values)
def test_whatever_was_built_passes_and_reads_back(value: bytes) -> None:
    ber.check(value, 0, len(value), 24, 1000)
    assert ber.header(value, 0, len(value))[2] == len(value)


@given(st.binary(max_size=60))
def test_garbage_is_refused_or_walked(garbage: bytes) -> None:
    try:
        ber.check(garbage, 0, len(garbage), 24, 1000)
    except DecodeError as error:
        assert 0 <= error.offset <= len(garbage)


def test_unsigned_takes_32_bits() -> None:
    assert ber.unsigned(b"\x11\x50", 0, 2) == 0x1150
    assert ber.unsigned(b"\x00\xff\xff\xff\xff", 0, 5) == 0xFFFF_FFFF
    for wrong in (b"", b"\x01\x00\x00\x00\x00", bytes(6)):
        with pytest.raises(DecodeError, match="ber-integer"):
            ber.unsigned(wrong, 0, len(wrong))


def test_text_is_bounded_and_never_fails() -> None:
    assert ber.text(b"A\xff\x00", 0, 3, 10) == "A\\xff\x00"
    with pytest.raises(DecodeError, match="name-too-long"):
        ber.text(b"AAAA", 0, 4, 3)


@pytest.mark.parametrize(
    ("text", "dotted"),
    [
        ("28 CA 22 02 01", "1.0.9506.2.1"),
        ("52 01 00 01", "2.2.1.0.1"),
        ("88 37 03", "2.999.3"),
        ("2B", "1.3"),
        ("00", "0.0"),
    ],
)
def test_oid(text: str, dotted: str) -> None:
    vector = octets(text)
    assert ber.oid(vector, 0, len(vector)) == dotted


def test_oid_is_bounded_and_ends() -> None:
    for wrong in (b"", b"\x28\xca", b"\x01" * 65):
        with pytest.raises(DecodeError, match="ber-oid"):
            ber.oid(wrong, 0, len(wrong))


def test_signed() -> None:
    assert ber.signed(b"\xff\xfe", 0, 2) == -2
    assert ber.signed(b"\x00" + b"\xff" * 8, 0, 9) == (1 << 64) - 1
    for wrong in (b"", b"\x01" * 9, bytes(10)):
        with pytest.raises(DecodeError, match="ber-integer"):
            ber.signed(wrong, 0, len(wrong))


def test_bits() -> None:
    assert ber.bits(b"\x03\xe0", 0, 2) == (b"\xe0", 5)
    assert ber.bits(b"\x00", 0, 1) == (b"", 0)
    for wrong in (b"", b"\x08\x00", b"\x01"):
        with pytest.raises(DecodeError, match="ber-bits"):
            ber.bits(wrong, 0, len(wrong))
