"""What two peers agree on in initiate."""

import pytest

from inspector import initiate
from inspector.errors import DecodeError
from inspector.initiate import Initiate
from tests.inspector.vectors import associate, integer, octets, tlv


def decode(wire: bytes) -> Initiate:
    return initiate.decode(wire, 0, len(wire))


def test_all_parameters() -> None:
    wire = associate(0x60, 0xA8)
    contents = wire[wire.index(b"\xa8") + 2 :]
    assert decode(contents) == Initiate(32000, 20, 20, 4, 1, b"\xfb\x00", b"\x6e\x1d" + bytes(8))


def test_what_is_optional() -> None:
    assert decode(integer(5, 0x81) + integer(6, 0x82)) == Initiate(None, 5, 6)
    assert decode(b"") == Initiate()


def test_a_length_without_its_leading_zero_is_no_negative_number() -> None:
    assert decode(octets("80 02 FF 00")).local_detail == 65280


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (octets("80 06 00 00 00 00 00 01"), "ber-integer"),
        (tlv(0xA4, tlv(0x82, bytes(40))), "mms-initiate"),
        (tlv(0xA4, tlv(0x81, b"\x09\x00")), "ber-bits"),
        (octets("A4 02 82 05"), "ber-overrun"),
    ],
)
def test_refuses(wire: bytes, code: str) -> None:
    with pytest.raises(DecodeError, match=code):
        decode(wire)


def test_services_supported() -> None:
    services = bytes.fromhex("6e1d000000000064000198")  # between two control centres
    assert [number for number in range(100) if initiate.supports(services, number)] == [
        *(1, 2, 4, 5, 6, 11, 12, 13, 15, 57, 58, 61)
    ]
    assert not initiate.supports(b"", 0)
