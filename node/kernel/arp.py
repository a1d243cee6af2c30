"""ARP for IPv4 address moves (RFC 826, RFC 5227): announcements, and probes for another owner."""

import errno
import ipaddress
import select
import socket
import struct
import time

from node.kernel import interfaces as nic
from node.kernel.errors import KernelError

ETH_P_ARP = 0x0806
_BROADCAST, _NO_MAC = b"\xff" * 6, bytes(6)
_NO_ADDRESS = bytes(4)
_ARP = struct.Struct("!6s6sHHHBBH6s4s6s4s")  # an Ethernet frame with RFC 826's packet
_ARP_KIND = (ETH_P_ARP, 1, 0x0800, 6, 4)  # Ethernet type, hardware, protocol, lengths
_REQUEST, _REPLY = 1, 2
_PROBES = 3  # RFC 5227, 1.1: PROBE_NUM
_FRAME_OCTETS = 128

_REMEDY = "the node needs CAP_NET_RAW, or root, and the interface up"


class Announcer:
    """Announces addresses. Closing its socket can take milliseconds, so one is kept."""

    def __init__(self) -> None:
        """Open the socket. Raises KernelError."""
        try:
            self._packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except OSError as error:
            raise KernelError(f"cannot open a packet socket: {error}", _REMEDY) from error
        self._packet.setblocking(False)

    def announce(self, address: str, interface: str) -> None:
        """Tell every host and switch of the network where the address is now (RFC 5227, 3).

        Once as a request and once as a reply, since hosts differ in which they heed. Repeat it: frames get
        lost. Raises KernelError.
        """
        ip, mac = ipaddress.IPv4Address(address).packed, nic.hardware_address(interface)
        try:
            for frame in (_arp(_REQUEST, mac, ip, _NO_MAC, ip), _arp(_REPLY, mac, ip, mac, ip)):
                self._packet.sendto(frame, (interface, 0))
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # dropped on its way out
                raise KernelError(f"cannot announce {address} on {interface}: {error}", _REMEDY) from error

    def close(self) -> None:
        """Close the socket."""
        self._packet.close()


def probe(address: str, interface: str, timeout_ms: int) -> str | None:
    """The MAC of another host that has the address, or is about to take it; None if none answers in time.

    RFC 5227, 2.1.1, with its three probes spread over the timeout. Blocks: for a thread. Raises KernelError.
    """
    wanted, mac = ipaddress.IPv4Address(address).packed, nic.hardware_address(interface)
    question = _arp(_REQUEST, mac, _NO_ADDRESS, _NO_MAC, wanted)
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP)) as packet:
            packet.bind((interface, ETH_P_ARP))
            for _ in range(_PROBES):
                packet.send(question)
                owner = _listen(packet, wanted, mac, time.monotonic() + timeout_ms / 1000 / _PROBES)
                if owner is not None:
                    return owner.hex(":")
    except OSError as error:
        raise KernelError(f"cannot probe for {address} on {interface}: {error}", _REMEDY) from error
    return None


def request(mac: bytes, sender_ip: bytes, target_ip: bytes) -> bytes:
    """The frame that asks who has an address."""
    return _arp(_REQUEST, mac, sender_ip, _NO_MAC, target_ip)


def replier(frame: bytes) -> bytes | None:
    """The address whose owner this frame says it is; None of anything but a reply."""
    if len(frame) < _ARP.size:
        return None
    *_, operation, _sender, sender_ip, _target, _target_ip = _ARP.unpack_from(frame)
    return bytes(sender_ip) if operation == _REPLY else None


def _listen(packet: socket.socket, wanted: bytes, own_mac: bytes, deadline_s: float) -> bytes | None:
    """Who claims the address, or probes for it as we do (RFC 5227, 2.1.1)."""
    while (left_s := deadline_s - time.monotonic()) > 0:
        if not select.select([packet], [], [], left_s)[0]:
            return None
        frame = packet.recv(_FRAME_OCTETS)
        if len(frame) < _ARP.size:
            continue
        *_, sender, sender_ip, _target, target_ip = _ARP.unpack_from(frame)
        probes_too = sender_ip == _NO_ADDRESS and target_ip == wanted
        if sender != own_mac and (sender_ip == wanted or probes_too):
            return bytes(sender)
    return None


def _arp(operation: int, mac: bytes, sender_ip: bytes, target_mac: bytes, target_ip: bytes) -> bytes:
    """A broadcast ARP frame."""
    return _ARP.pack(_BROADCAST, mac, *_ARP_KIND, operation, mac, sender_ip, target_mac, target_ip)
