"""What arrives at a host, frame by frame."""

import socket
from typing import Any, NamedTuple

import dpkt

from tests.kernel.hosts import INTERFACE, VIRTUAL, Host

_ETH_P_ALL, _PACKET_OUTGOING, _SO_RCVBUFFORCE = 3, 4, 33
_FRAME_OCTETS = 1 << 17

FIN, SYN, RST, ACK = dpkt.tcp.TH_FIN, dpkt.tcp.TH_SYN, dpkt.tcp.TH_RST, dpkt.tcp.TH_ACK


class Segment(NamedTuple):
    """A TCP segment from the virtual address."""

    source_port: int
    seq: int
    ack: int
    flags: int
    window: int
    data: bytes


class Capture:
    """A packet socket on a host's interface; frames wait in its buffer."""

    def __init__(self, host: Host) -> None:
        with host.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self._socket.bind((INTERFACE, _ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 26)
        self._socket.setblocking(False)

    def frames(self) -> list[dpkt.ethernet.Ethernet]:
        """What has arrived since last asked."""
        found: list[dpkt.ethernet.Ethernet] = []
        while True:
            try:
                frame, address = self._socket.recvfrom(_FRAME_OCTETS)
            except BlockingIOError:
                return found
            if address[2] != _PACKET_OUTGOING:
                found.append(dpkt.ethernet.Ethernet(frame))

    def virtual(self) -> list[Any]:
        """The ARP and IP packets that arrived from the virtual address."""
        address = socket.inet_aton(VIRTUAL)
        packets = (frame.data for frame in self.frames())
        return [packet for packet in packets if address in (getattr(packet, "src", b""), getattr(packet, "spa", b""))]

    def segments(self) -> list[Segment]:
        """The TCP segments that arrived from the virtual address."""
        found = [packet.data for packet in self.virtual() if isinstance(packet.data, dpkt.tcp.TCP)]
        return [Segment(tcp.sport, tcp.seq, tcp.ack, tcp.flags, tcp.win, bytes(tcp.data)) for tcp in found]

    def close(self) -> None:
        self._socket.close()
