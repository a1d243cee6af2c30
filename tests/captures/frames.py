"""Captures for the tests, made by hand: packets of a conversation, in any link type and file format."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from inspector import Direction
from tests.inspector.vectors import Message, conversation

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
CLIENT, SERVER = ("10.0.0.1", 50_000), ("10.0.0.2", 102)
FIRST_NS = 1_700_000_000_123_456_000

End = tuple[str, int]
Stamped = tuple[int, bytes]


def tcp(
    source: End, target: End, sequence: int, octets: bytes = b"", flags: int = ACK | PSH, acknowledged: int = 0
) -> bytes:
    """An IP packet, v4 or v6 as the addresses are."""
    numbers = (source[1], target[1], sequence % (1 << 32), acknowledged % (1 << 32), 5 << 4, flags, 8192, 0, 0)
    return ip(source[0], target[0], struct.pack(">HHIIBBHHH", *numbers) + octets)


def ip(source: str, target: str, payload: bytes, *, fragment: int = 0, number: int = 1, protocol: int = 6) -> bytes:
    addresses = ip_address(source).packed + ip_address(target).packed
    if len(addresses) == 8:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), number, fragment, 64, protocol, 0)
    else:
        head = struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64)
    return head + addresses + payload


def ethernet(packet: bytes, tags: bytes = b"") -> bytes:
    return bytes(12) + tags + _type(packet) + packet


def _type(packet: bytes) -> bytes:
    return b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"


LINKS = {
    "ethernet": (1, ethernet),
    "vlan": (1, lambda packet: ethernet(packet, b"\x81\x00\x00\x05")),
    "two vlans": (1, lambda packet: ethernet(packet, b"\x88\xa8\x00\x05\x81\x00\x00\x06")),
    "null": (0, lambda packet: b"\x02\0\0\0" + packet),
    "loop": (108, lambda packet: b"\0\0\0\x02" + packet),
    "raw": (101, lambda packet: packet),
    "raw of bsd": (12, lambda packet: packet),
    "cooked": (113, lambda packet: bytes(14) + _type(packet) + packet),
    "cooked vlan": (113, lambda packet: bytes(14) + b"\x81\x00\x00\x05" + _type(packet) + packet),
    "cooked 2": (276, lambda packet: _type(packet) + bytes(18) + packet),
    "cooked 2 vlan": (276, lambda packet: b"\x81\x00" + bytes(18) + b"\x00\x05" + _type(packet) + packet),
}
"""Name: the link type's number, and the frame around a packet."""


def stamped(frames: Iterable[bytes]) -> list[Stamped]:
    """Frames a millisecond apart."""
    return [(FIRST_NS + number * 1_000_000, frame) for number, frame in enumerate(frames)]


def pcap(frames: Sequence[Stamped], *, link: int = 1, order: str = "<", nanoseconds: bool = False) -> bytes:
    unit = 1 if nanoseconds else 1000
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    file = struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 262_144, link)
    for time_ns, frame in frames:
        seconds, rest = divmod(time_ns, 1_000_000_000)
        file += struct.pack(f"{order}IIII", seconds, rest // unit, len(frame), len(frame)) + frame
    return file


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, order: str = "<", resolution: int | None = None, snap_length: int = 0) -> bytes:
    options = b"" if resolution is None else struct.pack(f"{order}HHB3xHH", 9, 1, resolution, 0, 0)
    return block(1, struct.pack(f"{order}HHI", link, 0, snap_length) + options, order)


def enhanced(frame: bytes, time: int, order: str = "<", number: int = 0) -> bytes:
    head = struct.pack(f"{order}IIIII", number, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


def pcapng(frames: Sequence[Stamped], *, link: int = 1, order: str = "<", nanoseconds: bool = False) -> bytes:
    unit = 1 if nanoseconds else 1000
    file = section(order) + interface(link, order, 9 if nanoseconds else None)
    return file + b"".join(enhanced(frame, time_ns // unit, order) for time_ns, frame in frames)


def handshake(client: End = CLIENT, server: End = SERVER, first: tuple[int, int] = (1000, 5000)) -> list[bytes]:
    return [
        tcp(client, server, first[0], flags=SYN),
        tcp(server, client, first[1], flags=SYN | ACK, acknowledged=first[0] + 1),
        tcp(client, server, first[0] + 1, flags=ACK, acknowledged=first[1] + 1),
    ]


def packets(
    messages: Iterable[Message] | None = None,
    client: End = CLIENT,
    server: End = SERVER,
    first: tuple[int, int] = (1000, 5000),
) -> list[bytes]:
    """A whole connection that carries the messages, one a segment (a conversation of the inspector's tests)."""
    made = handshake(client, server, first)
    ends = (client, server)
    positions = [first[0] + 1, first[1] + 1]
    for direction, octets in conversation() if messages is None else messages:
        source, target = ends[direction], ends[1 - direction]
        made.append(tcp(source, target, positions[direction], octets, acknowledged=positions[1 - direction]))
        positions[direction] += len(octets)
    for direction in Direction:
        acknowledged = positions[1 - direction]
        source, target = ends[direction], ends[1 - direction]
        made.append(tcp(source, target, positions[direction], flags=FIN | ACK, acknowledged=acknowledged))
    return made
