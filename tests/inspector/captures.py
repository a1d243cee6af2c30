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
    for _, flow, direction, octets in numbered_segments(path):
        yield flow, direction, octets


def numbered_segments(path: Path) -> Iterator[tuple[int, Flow, Direction, bytes]]:
    """As `segments`, with the number of the frame, as tshark counts them."""
    expected: dict[Flow, int] = {}
    for number, packet in numbered_packets(path):
        tcp = packet.data
        flow = (packet.src, tcp.sport, packet.dst, tcp.dport)
        if tcp.flags & dpkt.tcp.TH_SYN:
            expected[flow] = tcp.seq + 1
        fresh = tcp.data[max(0, expected.get(flow, tcp.seq) - tcp.seq) :]
        if not fresh:
            continue
        expected[flow] = tcp.seq + len(tcp.data)
        if tcp.dport in SERVER_PORTS:
            yield number, flow, Direction.CLIENT_TO_SERVER, fresh
        else:
            yield number, (flow[2], flow[3], flow[0], flow[1]), Direction.SERVER_TO_CLIENT, fresh


def packets(path: Path) -> Iterator[dpkt.ip.IP]:
    """Every TCP packet over IPv4."""
    return (packet for _, packet in numbered_packets(path))


def numbered_packets(path: Path) -> Iterator[tuple[int, dpkt.ip.IP]]:
    """Every TCP packet over IPv4, with the number of its frame; the first frame is 1."""
    with path.open("rb") as file:
        is_pcapng = file.read(4) == PCAPNG  # the name does not always tell
        file.seek(0)
        reader = dpkt.pcapng.Reader(file) if is_pcapng else dpkt.pcap.Reader(file)
        ethernet = reader.datalink() == dpkt.pcap.DLT_EN10MB
        for number, (_, octets) in enumerate(reader, 1):
            packet = dpkt.ethernet.Ethernet(octets).data if ethernet else dpkt.ip.IP(octets[4:])
            if isinstance(packet, dpkt.ip.IP) and isinstance(packet.data, dpkt.tcp.TCP):
                yield number, packet
