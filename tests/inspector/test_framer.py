"""TPKT and COTP: framing, reassembly, bounds."""

import pytest

from inspector import Limits
from inspector.errors import DecodeError
from inspector.framer import Framer
from tests.inspector.vectors import CC, CR, DR, data, octets, tpkt


def units(framer: Framer, *chunks: bytes) -> list[tuple[int, bytes, int, int]]:
    """Kind, octets, length on the wire and segments of every unit."""
    seen = []
    for chunk in chunks:
        if framer.add(chunk):
            while framer.advance():
                body = bytes(framer.octets[framer.start : framer.stop])
                seen.append((framer.kind, body, framer.length, framer.segments))
            framer.settle()
    return seen


def test_one_whole() -> None:
    assert units(Framer(Limits()), data(b"abc")) == [(0xF0, b"abc", 10, 1)]


def test_header_in_a_segment_of_its_own() -> None:
    framer = Framer(Limits())
    assert units(framer, data(b"abc")[:4]) == []
    assert framer.held == data(b"abc")[:4]
    assert units(framer, data(b"abc")[4:]) == [(0xF0, b"abc", 10, 1)]
    assert framer.held == b""


def test_several_in_one_and_the_start_of_another() -> None:
    framer = Framer(Limits())
    assert units(framer, CR + data(b"abc") + data(b"d") + CC[:5]) == [
        (0xE0, CR[4:], 22, 0),
        (0xF0, b"abc", 10, 1),
        (0xF0, b"d", 8, 1),
    ]
    assert framer.held == CC[:5]


def test_one_over_many() -> None:
    wire = data(b"abcdefg", segment=3)
    assert len(wire) == 3 * 7 + 7
    assert units(Framer(Limits()), wire) == [(0xF0, b"abcdefg", 28, 3)]
    assert units(Framer(Limits()), *(wire[n : n + 1] for n in range(28))) == [(0xF0, b"abcdefg", 28, 3)]


def test_empty_fragments_count_too() -> None:
    wire = octets("03 00 00 07 02 F0 00") + data(b"abc")
    assert units(Framer(Limits()), wire) == [(0xF0, b"abc", 17, 2)]


def test_connection_tpdus() -> None:
    kinds = [kind for kind, *_ in units(Framer(Limits()), CR + CC + DR)]
    assert kinds == [0xE0, 0xD0, 0x80]


@pytest.mark.parametrize(
    ("wire", "code", "offset"),
    [
        (b"\x16", "tpkt-version", 0),
        (octets("03 00 00 06 02 F0"), "tpkt-length", 2),
        (octets("03 00 00 07 03 F0 80"), "cotp-header", 4),
        (data(b"abc")[:5] + b"\xf0\x00" + b"abc" + CR, "cotp-interleaved", 14),
    ],
)
def test_refused(wire: bytes, code: str, offset: int) -> None:
    framer = Framer(Limits())
    with pytest.raises(DecodeError) as caught:
        units(framer, wire)
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_held_octets_are_bounded_before_they_come() -> None:
    framer = Framer(Limits(held_bytes=100))
    fragment = tpkt(b"\x02\xf0\x00" + bytes(43))
    assert units(framer, fragment, fragment) == []
    assert len(framer.held) == 100
    with pytest.raises(DecodeError, match="held-overflow"):
        units(framer, fragment[:4])


def test_tpkt_length_is_bounded() -> None:
    with pytest.raises(DecodeError, match="tpkt-length"):
        units(Framer(Limits(tpkt_bytes=100)), octets("03 00 00 65"))


def test_release_gives_all_up() -> None:
    framer = Framer(Limits())
    framer.add(b"\x03\x00")
    while framer.advance():
        pass
    framer.settle()
    assert framer.release(b"abc") == 5
    assert framer.held == b""
