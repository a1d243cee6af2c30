"""Reading captures for the tests: the payload of each TCP connection in order, without repeats."""

from collections.abc import Iterator
from pathlib import Path

import dpkt
import pytest

from inspector import Direction

FOLDER = Path(__file__).parents[3] / "shared" / "pcaps"
PCAPNG = b"\x0a\x0d\x0d\x0a"
SERVER_PORTS = (102, 3389)

needs_captures = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs the public captures in ../shared/pcaps beside the repository"
)

Flow = tuple[bytes, int, bytes, int]


def segments(path: Path) -> Iterator[tuple[Flow, Direction, bytes]]:
    """The new octets of every TCP segment: its connection (client first), direction, payload."""
    expected: dict[Flow, int] = {}
    for packet in packets(path):
        tcp = packet.data
        flow = (packet.src, tcp.sport, packet.dst, tcp.dport)
        if tcp.flags & dpkt.tcp.TH_SYN:
            expected[flow] = tcp.seq + 1
        fresh = tcp.data[max(0, expected.get(flow, tcp.seq) - tcp.seq) :]
        if not fresh:
            continue
        expected[flow] = tcp.seq + len(tcp.data)
        if tcp.dport in SERVER_PORTS:
            yield flow, Direction.CLIENT_TO_SERVER, fresh
        else:
            yield (flow[2], flow[3], flow[0], flow[1]), Direction.SERVER_TO_CLIENT, fresh


def packets(path: Path) -> Iterator[dpkt.ip.IP]:
    """Every TCP packet over IPv4."""
    with path.open("rb") as file:
        is_pcapng = file.read(4) == PCAPNG  # the name does not always tell
        file.seek(0)
        reader = dpkt.pcapng.Reader(file) if is_pcapng else dpkt.pcap.Reader(file)
        ethernet = reader.datalink() == dpkt.pcap.DLT_EN10MB
        for _, octets in reader:
            packet = dpkt.ethernet.Ethernet(octets).data if ethernet else dpkt.ip.IP(octets[4:])
            if isinstance(packet, dpkt.ip.IP) and isinstance(packet.data, dpkt.tcp.TCP):
                yield packet
