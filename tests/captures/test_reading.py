"""Files and frames: every format gives the same segments, and damage is told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from node.captures.errors import CaptureError
from node.captures.files import Capture, Frame
from node.captures.notes import TEXTS_MAX, Notes
from node.captures.packets import Packets, Segment, endpoint
from tests.captures import frames as made

PACKETS = made.packets()


def read(data: bytes, folder: Path, notes: Notes | None = None) -> list[Frame]:
    path = folder / "it.pcap"
    path.write_bytes(data)
    with Capture(path, notes or Notes()) as capture:
        return list(capture.frames())


def segments(frames: list[Frame], notes: Notes | None = None) -> list[Segment]:
    packets = Packets(notes or Notes())
    found = [packets.segment(frame) for frame in frames]
    packets.finish()
    return [it for it in found if it is not None]


def one(packet: bytes, link: int = 101) -> Frame:
    return Frame(1, 0, link, packet)


EXPECTED = segments([one(it) for it in PACKETS])


@pytest.mark.parametrize("nanoseconds", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", [made.pcap, made.pcapng])
def test_every_format(form: object, order: str, nanoseconds: bool, tmp_path: Path) -> None:
    stamped = made.stamped(map(made.ethernet, PACKETS))
    assert callable(form)
    frames = read(form(stamped, order=order, nanoseconds=nanoseconds), tmp_path)
    assert [(it.time_ns, it.octets) for it in frames] == stamped
    assert [it.number for it in frames] == list(range(1, len(stamped) + 1))
    assert segments(frames) == EXPECTED


@pytest.mark.parametrize("name", made.LINKS)
def test_every_link_type(name: str, tmp_path: Path) -> None:
    link, wrap = made.LINKS[name]
    assert segments(read(made.pcap(made.stamped(map(wrap, PACKETS)), link=link), tmp_path)) == EXPECTED


def test_segments_of_both_versions_of_ip() -> None:
    (found,) = segments([one(made.tcp(("10.0.0.1", 7), ("10.0.0.2", 102), 5, b"abc", acknowledged=9))])
    assert (found.sequence, found.acknowledged, found.octets, found.cut) == (5, 9, b"abc", 0)
    assert endpoint(found.addresses, found.ports) == ("10.0.0.1", 7)
    (found,) = segments([one(made.tcp(("fd00::1", 7), ("fd00::2", 102), 5, b"abc"))])
    assert found.octets == b"abc"
    assert endpoint(found.addresses, found.ports, receiver=True) == ("fd00::2", 102)


def test_padding_is_not_payload() -> None:
    (found,) = segments([one(made.ethernet(made.tcp(made.CLIENT, made.SERVER, 5, b"a")) + bytes(20), 1)])
    assert found.octets == b"a"


def test_a_segment_that_the_network_card_was_to_cut_has_no_length() -> None:
    packet = bytearray(made.tcp(made.CLIENT, made.SERVER, 5, b"a" * 3000))
    packet[2:4] = b"\0\0"
    (found,) = segments([one(bytes(packet))])
    assert len(found.octets) == 3000


def test_a_snapshot_length_cuts_and_is_noticed() -> None:
    packet = made.tcp(made.CLIENT, made.SERVER, 5, b"a" * 100)
    (found,) = segments([one(packet[:-30])])
    assert (len(found.octets), found.cut) == (70, 30)


def test_extension_headers() -> None:
    options = b"\x06\x00\x01\x04\0\0\0\0"  # what follows, 8 octets: padding
    inner = made.tcp(("fd00::1", 7), ("fd00::2", 102), 5, b"abc")[40:]
    (found,) = segments([one(made.ip("fd00::1", "fd00::2", b"\x3c\x00\x01\x04\0\0\0\0" + options + inner, protocol=0))])
    assert found.octets == b"abc"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("version", [4, 6])
def test_fragments_in_any_order(version: int, seed: int) -> None:
    client, server = (("10.0.0.1", 7), ("10.0.0.2", 102)) if version == 4 else (("fd00::1", 7), ("fd00::2", 102))
    whole = made.tcp(client, server, 5, bytes(range(200)))
    payload = whole[20 if version == 4 else 40 :]
    cuts = [(at, payload[at : at + 80], at + 80 < len(payload)) for at in range(0, len(payload), 80)]
    pieces = [_fragment(version, client[0], server[0], *cut) for cut in cuts]
    random.Random(seed).shuffle(pieces)
    notes = Notes()
    (found,) = segments([one(it) for it in [*pieces, pieces[0]]], notes)
    assert found.octets == bytes(range(200))
    assert notes.counts == {"fragments": 1}  # of the one that came twice


def _fragment(version: int, source: str, target: str, offset: int, octets: bytes, more: bool) -> bytes:
    if version == 4:
        return made.ip(source, target, octets, fragment=offset // 8 | (0x2000 if more else 0))
    head = b"\x06\x00" + (offset | more).to_bytes(2, "big") + b"\0\0\0\x07"
    return made.ip(source, target, head + octets, protocol=44)


@pytest.mark.parametrize("link", [1, 0, 12, 101, 113, 276, 9999])
def test_frames_of_anything_else_are_passed_over(link: int) -> None:
    odd = random.Random(link)
    frames = [Frame(1, 0, link, odd.randbytes(odd.randrange(60))) for _ in range(500)]
    frames += [Frame(1, 0, link, packet[:size]) for packet in PACKETS[:4] for size in range(60)]
    frames += [one(made.ip("10.0.0.1", "10.0.0.2", b"x" * 30, protocol=17))]
    segments(frames)


def test_an_unknown_link_type_is_told_once() -> None:
    notes = Notes()
    assert segments([Frame(n, 0, 147, b"x") for n in range(1, 9)], notes) == []
    (text,) = notes.told()
    assert "frame 1: frames of link type 147 are not read" in text


# Damage


@pytest.mark.parametrize("form", [made.pcap, made.pcapng])
def test_whatever_is_cut_off_all_before_it_is_read(form: object, tmp_path: Path) -> None:
    assert callable(form)
    data = form(made.stamped(map(made.ethernet, PACKETS[:5])))
    sizes = [len(form(made.stamped(map(made.ethernet, PACKETS[:n])))) for n in range(6)]
    for size in range(sizes[0], len(data)):
        notes = Notes()
        frames = read(data[:size], tmp_path, notes)
        assert len(frames) == max(n for n in range(6) if sizes[n] <= size)
        assert bool(notes.told()) == (size not in sizes)
        assert all("nothing behind it is read" in text for text in notes.told())


@pytest.mark.parametrize("form", [made.pcap, made.pcapng])
def test_a_length_that_cannot_be_is_damage(form: object, tmp_path: Path) -> None:
    assert callable(form)
    stamped = made.stamped(map(made.ethernet, PACKETS[:3]))
    notes = Notes()
    assert len(read(form(stamped) + b"\x06\0\0\0" + b"\xff" * 60, tmp_path, notes)) == 3
    assert notes.counts == {"damaged": 1}
    assert "after frame 3" in notes.told()[0]


def test_pcapng_of_several_sections_and_interfaces(tmp_path: Path) -> None:
    frame = b"\x45" + bytes(40)
    file = made.section("<") + made.interface(101) + made.interface(113, resolution=0x80 | 10)
    file += made.enhanced(frame, 5_000_000) + made.enhanced(frame, 5 * 1024 + 512, number=1)
    file += made.block(5, b"statistics..")
    file += made.block(2, bytes(4) + (0).to_bytes(4, "little") + (7).to_bytes(4, "little") + b"\x29\0\0\0" * 2 + frame)
    file += made.block(3, (41).to_bytes(4, "little") + frame)
    file += made.section(">") + made.interface(1, ">", 9) + made.enhanced(frame, 6, ">")
    notes = Notes()
    found = read(file, tmp_path, notes)
    times = [5_000_000_000, 5_500_000_000, 7_000, 0, 6]
    assert [(it.time_ns, it.link) for it in found] == list(zip(times, [101, 113, 101, 101, 1], strict=True))
    assert {it.octets for it in found} == {frame}
    assert notes.told() == []


def test_a_packet_of_an_interface_that_was_not_described(tmp_path: Path) -> None:
    notes = Notes()
    assert read(made.section() + made.enhanced(b"x", 0), tmp_path, notes) == []
    assert notes.counts == {"damaged": 1}


@pytest.mark.parametrize(
    ("data", "what", "remedy"),
    [
        (b"", "is empty", "taken at all"),
        (b"hello world", "is no capture: it starts with 68 65 6c 6c", "editcap -F pcapng"),
        (b"\x1f\x8b\x08\x00", "is compressed", "gunzip"),
        (b"\xd4\xc3\xb2\xa1\x02", "ends within its first header", "anew"),
    ],
)
def test_no_capture(data: bytes, what: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(CaptureError) as raised:
        read(data, tmp_path)
    assert what in raised.value.what
    assert remedy in raised.value.remedy


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(CaptureError), Capture(path, Notes()) as capture:
            list(capture.frames())


def test_notes_are_bounded() -> None:
    notes = Notes()
    for number in range(TEXTS_MAX + 3):
        notes.add("gap", str(number))
    assert notes.counts == {"gap": TEXTS_MAX + 3}
    assert notes.told()[-2:] == [str(TEXTS_MAX - 1), "gap: 3 more"]
