"""Traffic as a capture file: one connection, a report a segment."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import dpkt

from inspector import Direction
from scripts.lab import association
from scripts.lab.bench.traffic import Message

_ADDRESSES: Final = (b"\x0a\x01\x64\x0a", b"\xac\x10\xc8\xb1")
_PORTS: Final = (40_000, association.PORT)
_STARTED_S: Final = 1_700_000_000.0
_INTERVAL_S: Final = 0.001
_SYN, _ACK, _PUSH = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK, dpkt.tcp.TH_PUSH


class _Connection:
    """Writes the segments of one connection."""

    def __init__(self, writer: dpkt.pcap.Writer) -> None:
        self._writer = writer
        self._next = [1000, 2000]
        self._count = 0

    def send(self, direction: int, octets: bytes, flags: int = _ACK | _PUSH) -> None:
        """One segment from the client (0) or from the server (1)."""
        other = 1 - direction
        segment = dpkt.tcp.TCP(
            sport=_PORTS[direction],
            dport=_PORTS[other],
            seq=self._next[direction],
            ack=self._next[other] if flags & _ACK else 0,
            flags=flags,
            data=octets,
        )
        packet = dpkt.ip.IP(src=_ADDRESSES[direction], dst=_ADDRESSES[other], p=dpkt.ip.IP_PROTO_TCP, data=segment)
        packet.len = len(packet)
        self._writer.writepkt(bytes(dpkt.ethernet.Ethernet(data=packet)), _STARTED_S + self._count * _INTERVAL_S)
        self._next[direction] = (self._next[direction] + len(octets) + bool(flags & _SYN)) & 0xFFFFFFFF
        self._count += 1


def write(path: Path, messages: Iterable[Message]) -> None:
    """A capture of a connection that opens and then carries `messages`, each in a segment of its own."""
    with path.open("wb") as file:
        connection = _Connection(dpkt.pcap.Writer(file))
        connection.send(Direction.CLIENT_TO_SERVER, b"", _SYN)
        connection.send(Direction.SERVER_TO_CLIENT, b"", _SYN | _ACK)
        connection.send(Direction.CLIENT_TO_SERVER, b"", _ACK)
        for direction, octets in messages:
            connection.send(direction, octets)


def write_one_packet(path: Path) -> None:
    """A capture with next to nothing in it: what a program needs for it, it needs to start."""
    with path.open("wb") as file:
        _Connection(dpkt.pcap.Writer(file)).send(Direction.CLIENT_TO_SERVER, b"", _SYN)
