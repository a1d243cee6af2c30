"""The pure ACK that the gate held, rebuilt from the header that it kept, and the raw socket it leaves by."""

import socket
import struct

from node.kernel.errors import KernelError
from node.kernel.layout import KEY

_IP = struct.Struct("!BBHHHBBH4s4s")  # RFC 791, 3.1
_PSEUDO = struct.Struct("!4s4sBBH")  # RFC 9293, 3.1
_TCP_NUMBERS = struct.Struct("!II")  # sequence and acknowledgment number, at octet 4
_DONT_FRAGMENT = 0x4000
_TTL = 64
_ACK, _ECE = 0x10, 0x40
_MIN_HEADER = 20
_END, _NOP, _SACK = 0, 1, 5  # option kinds: RFC 9293, 3.1; RFC 2018, 3


def pure_ack(key: bytes, header: bytes, sequence: int, acknowledgment: int) -> bytes:
    """A whole IPv4 packet that acknowledges up to `acknowledgment`.

    `header` is the TCP header of a segment of this flow: its ports, window and timestamps are kept. SACK
    blocks become NOPs, since the holes that they tell of may have been filled.
    """
    local, remote, _, _ = KEY.unpack(key)
    source, destination = local[12:], remote[12:]
    tcp = bytearray(header)
    _TCP_NUMBERS.pack_into(tcp, 4, sequence, acknowledgment)
    tcp[13] = _ACK | (tcp[13] & _ECE)
    tcp[16:20] = bytes(4)  # checksum, urgent pointer
    _blank_sack(tcp)
    pseudo = _PSEUDO.pack(source, destination, 0, socket.IPPROTO_TCP, len(tcp))
    struct.pack_into("!H", tcp, 16, checksum(pseudo + tcp))
    return _ip_header(source, destination, len(tcp)) + bytes(tcp)


def checksum(octets: bytes) -> int:
    """RFC 1071, over an even number of octets."""
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total & 0xFFFF) + (total >> 16)
    folded: int = (total & 0xFFFF) + (total >> 16)
    return ~folded & 0xFFFF


def _ip_header(source: bytes, destination: bytes, payload_octets: int) -> bytes:
    length = _IP.size + payload_octets
    fields = (0x45, 0, length, 0, _DONT_FRAGMENT, _TTL, socket.IPPROTO_TCP)
    return _IP.pack(*fields, checksum(_IP.pack(*fields, 0, source, destination)), source, destination)


def _blank_sack(tcp: bytearray) -> None:
    """Overwrite SACK options with NOPs; a list that makes no sense is left as the kernel wrote it."""
    at = _MIN_HEADER
    while at < len(tcp) and tcp[at] != _END:
        if tcp[at] == _NOP:
            at += 1
            continue
        if at + 1 >= len(tcp) or tcp[at + 1] < 2 or at + tcp[at + 1] > len(tcp):
            return
        length = tcp[at + 1]
        if tcp[at] == _SACK:
            tcp[at : at + length] = bytes([_NOP]) * length
        at += length


class AckSender:
    """A raw socket for whole IPv4 packets."""

    def __init__(self) -> None:
        """Open it. Raises KernelError without CAP_NET_RAW."""
        try:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        except PermissionError as error:
            raise KernelError("cannot open a raw socket", "the node needs CAP_NET_RAW, or root") from error
        self._socket.setblocking(False)
        self.failed = 0  # packets that the host would not take; the peer then sends again and is answered

    def send(self, packet: bytes, destination: str) -> None:
        """Send to the packet's destination. A full queue or a missing route loses it, which is counted."""
        try:
            self._socket.sendto(packet, (destination, 0))
        except OSError:
            self.failed += 1

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
