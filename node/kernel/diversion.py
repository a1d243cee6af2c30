"""Frames that still arrive for an address that has gone to another host: kept, and sent on to it once it is known.

A planned switchover loses none of them so, and no peer waits for its retransmission timer (200 ms and more). They go
out as they came, with the peer as their source: nothing is said in the name of the address.
"""

import socket
from collections import deque
from collections.abc import Iterable

from node.kernel import interfaces as nic
from node.kernel.errors import KernelError

HELD_FRAMES_MAX = 4096
BURST_FRAMES_MAX = 256
"""Frames taken in one call, so that a flood does not keep the event loop."""
_BUFFER_OCTETS = 4 << 20
_FRAME_OCTETS = 1 << 17

_ETH_P_IP, _ETH_P_ARP = 0x0800, 0x0806
_SOL_PACKET, _PACKET_VNET_HDR = 263, 15  # linux/if_packet.h
_SO_RCVBUFFORCE = 33
# struct virtio_net_hdr stands before the frame: what the sender's network card was to do, ours does in its place.
_OFFLOAD_OCTETS, _MAC_OCTETS, _ETHERNET_OCTETS = 10, 6, 14
_FRAME_AT = _OFFLOAD_OCTETS
_SOURCE_AT = _FRAME_AT + _MAC_OCTETS
_TYPE_AT = _SOURCE_AT + _MAC_OCTETS
_IP_DESTINATION = slice(_FRAME_AT + _ETHERNET_OCTETS + 16, _FRAME_AT + _ETHERNET_OCTETS + 20)  # RFC 791, 3.1
_ARP_SENDER_MAC = slice(_FRAME_AT + _ETHERNET_OCTETS + 8, _FRAME_AT + _ETHERNET_OCTETS + 14)  # RFC 826
_ARP_SENDER = slice(_FRAME_AT + _ETHERNET_OCTETS + 14, _FRAME_AT + _ETHERNET_OCTETS + 18)


class Diversion:
    """The frames for some addresses on one interface. `filenos()` are for an event loop's add_reader()."""

    def __init__(self, interface: str, addresses: Iterable[str]) -> None:
        """Frames that arrive from now on are kept. Raises KernelError without CAP_NET_RAW."""
        self.sent = 0
        self.lost = 0
        """Frames that there was no room for, or that the interface would not take: their senders repeat them."""
        self._addresses = {socket.inet_aton(address) for address in addresses}
        self._own_mac = nic.hardware_address(interface)
        self._successor: bytes | None = None
        self._held: deque[bytes] = deque()
        self._traffic = _packet_socket(interface, _ETH_P_IP)
        self._announcements = _packet_socket(interface, _ETH_P_ARP)

    def filenos(self) -> tuple[int, int]:
        """Readable when there is something to do."""
        return self._traffic.fileno(), self._announcements.fileno()

    def work(self) -> None:
        """Take what has come: keep it, or send it on if the host that announced the address is known."""
        for frame in _frames(self._announcements):
            if frame[_ARP_SENDER] in self._addresses and frame[_ARP_SENDER_MAC] != self._own_mac:
                self._successor = frame[_ARP_SENDER_MAC]
        for frame in _frames(self._traffic):
            if frame[_IP_DESTINATION] in self._addresses:
                self._keep(frame)
        while self._successor is not None and self._held:
            self._send(self._held.popleft(), self._successor)

    def close(self) -> None:
        """Whatever comes now is lost."""
        self._traffic.close()
        self._announcements.close()

    def _keep(self, frame: bytes) -> None:
        if len(self._held) < HELD_FRAMES_MAX:
            self._held.append(frame)
        else:
            self.lost += 1

    def _send(self, frame: bytes, successor: bytes) -> None:
        try:
            self._traffic.send(frame[:_FRAME_AT] + successor + self._own_mac + frame[_TYPE_AT:])
            self.sent += 1
        except OSError:
            self.lost += 1


def _packet_socket(interface: str, protocol: int) -> socket.socket:
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_OCTETS)
        sock.bind((interface, protocol))
    except OSError as error:
        raise KernelError(f"cannot take frames from {interface}: {error}", "the node needs CAP_NET_RAW") from error
    sock.setblocking(False)
    return sock


def _frames(sock: socket.socket) -> list[bytes]:
    frames: list[bytes] = []
    try:
        while len(frames) < BURST_FRAMES_MAX:
            frames.append(sock.recv(_FRAME_OCTETS))
    except OSError:
        pass  # no more, or the interface has gone down
    return frames
