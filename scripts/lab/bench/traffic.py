"""What the inspector and tshark are given: an association's opening, then transfer reports, a great many of them.

Recorded between two control centres where the public captures lie beside the repository; made up here otherwise.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import dpkt

from inspector import Direction, Stack
from scripts.lab import association
from scripts.lab.programs import REPOSITORY

RECORDED: Final = REPOSITORY.parent / "shared" / "pcaps" / "iccp_areva_2005_genuine.pcap"
PIECE_BYTES: Final = 16 * 1024
_MADE_UP: Final = 115
_REPORT: Final = "informationReport"
_TPKT_LENGTH_AT: Final = 2

Message = tuple[Direction, bytes]
"""A whole packet (TPKT), or several of one direction, and which way it goes."""


@dataclass(frozen=True)
class Traffic:
    """One association: how it opens, and its reports, to be sent over and over."""

    origin: str
    opening: tuple[Message, ...]
    """All that is said beside the reports, up to the start of the last transfer set."""
    reports: tuple[Message, ...]

    def repeated(self, count: int) -> Iterator[Message]:
        """`count` reports, one at a time."""
        return islice(cycle(self.reports), count)

    def pieces(self, count: int) -> list[Message]:
        """`count` reports as each direction's stream, cut where a reader of 16 KiB at a time cuts it."""
        waiting = {direction: bytearray() for direction in Direction}
        pieces: list[Message] = []
        for direction, octets in self.repeated(count):
            stream = waiting[direction]
            stream += octets
            if len(stream) >= PIECE_BYTES:
                pieces.append((direction, bytes(stream[:PIECE_BYTES])))
                del stream[:PIECE_BYTES]
        return pieces + [(direction, bytes(stream)) for direction, stream in waiting.items() if stream]


def load(path: Path = RECORDED) -> Traffic:
    """The recorded association, or one made up where the capture is not there."""
    return _recorded(path) if path.exists() else _made_up()


# --- recorded


def _recorded(path: Path) -> Traffic:
    stack = Stack()
    opening: list[Message] = []
    reports: list[Message] = []
    for direction, packet in _packets(path):
        services = [pdu.mms_service for pdu in stack.feed(direction, packet).pdus]
        (reports if services == [_REPORT] else opening).append((direction, packet))
    return Traffic(f"{len(reports)} recorded in {path.name}", tuple(opening), tuple(reports))


def _packets(path: Path) -> Iterator[Message]:
    """The TPKTs of a capture of one connection, in which no segment is lost or out of order."""
    streams = {direction: bytearray() for direction in Direction}
    expected: dict[Direction, int] = {}
    for tcp in _segments(path):
        direction = Direction.CLIENT_TO_SERVER if tcp.dport == association.PORT else Direction.SERVER_TO_CLIENT
        stream = streams[direction]
        stream += tcp.data[max(0, expected.get(direction, tcp.seq) - tcp.seq) :]
        expected[direction] = tcp.seq + len(tcp.data)
        while len(stream) >= association.TPKT_HEADER:
            length = struct.unpack_from("!H", stream, _TPKT_LENGTH_AT)[0]
            if len(stream) < length:
                break
            yield direction, bytes(stream[:length])
            del stream[:length]


def _segments(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for _, octets in dpkt.pcap.Reader(file):
            tcp = dpkt.ethernet.Ethernet(octets).data.data
            if tcp.data:
                yield tcp


# --- made up


def _made_up() -> Traffic:
    there, back = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
    opening = tuple(zip((there, back) * 2, association.opening(0, 10), strict=True))
    reports = tuple((back, _report(number)) for number in range(_MADE_UP))
    return Traffic(f"{len(reports)} made up (no {RECORDED.name} beside the repository)", opening, reports)


def _report(number: int) -> bytes:
    """A report of 3 to 10 points, each a real and its flags (IEC 60870-6-802, Data_RealQ)."""
    points = (_point(number * 10 + place) for place in range(3 + number % 8))
    name = _value(0xA1, _value(0x1A, b"ICC1"), _value(0x1A, b"DS1"))
    transfer_set = _value(0xA2, _value(0x86, b"\x01"), _value(0x8A, b"ICC1"), _value(0x8A, b"TS-01"))
    conditions = _value(0x84, b"\x03\x80")
    report = _value(0xA0, _value(0xA1, name), _value(0xA0, transfer_set, conditions, *points))
    mms = _value(0xA0, _value(0xA3, report))
    return association.tpkt(b"\x02\xf0\x80\x01\x00\x01\x00" + _value(0x61, _value(0x30, b"\x02\x01\x03", mms)))


def _point(number: int) -> bytes:
    return _value(0xA2, _value(0x87, b"\x08" + struct.pack("!f", number / 8)), _value(0x84, b"\x00\x30"))


def _value(tag: int, *contents: bytes) -> bytes:
    body = b"".join(contents)
    length = bytes((len(body),)) if len(body) < 0x80 else b"\x81" + bytes((len(body),))
    return bytes((tag,)) + length + body
