"""Where the IP header lies in a frame, by the link type. VLAN tags are stepped over."""

from __future__ import annotations

from collections.abc import Callable

NOT_IP = -1

_VLANS = (b"\x81\x00", b"\x88\xa8", b"\x91\x00", b"\x92\x00")
_IP = (b"\x08\x00", b"\x86\xdd")


def _ethertype(octets: bytes, at: int) -> int:
    """The IP header behind the type at `at`."""
    kind = octets[at : at + 2]
    while kind in _VLANS:
        at += 4
        kind = octets[at : at + 2]
    return at + 2 if kind in _IP else NOT_IP


def _ethernet(octets: bytes) -> int:
    return 14 if octets[12:14] == b"\x08\x00" else _ethertype(octets, 12)


def _cooked(octets: bytes) -> int:
    """Linux SLL: the type is the header's last field, and a VLAN tag follows it."""
    return _ethertype(octets, 14)


def _cooked_2(octets: bytes) -> int:
    """Linux SLL2: the type comes first, in a header of 20 octets."""
    if octets[:2] in _IP:
        return 20
    return _ethertype(octets, 22) if octets[:2] in _VLANS else NOT_IP


def _loopback(octets: bytes) -> int:
    """A protocol family of four octets, whose number differs from system to system: the version tells."""
    return 4 if len(octets) > 4 and octets[4] >> 4 in (4, 6) else NOT_IP


def _raw(octets: bytes) -> int:
    return 0 if octets and octets[0] >> 4 in (4, 6) else NOT_IP


LINKS: dict[int, Callable[[bytes], int]] = {
    0: _loopback,  # NULL
    1: _ethernet,
    12: _raw,  # as libpcap numbers it inside
    14: _raw,  # likewise, on OpenBSD
    101: _raw,
    108: _loopback,  # LOOP
    113: _cooked,
    228: _raw,  # IPv4 alone
    229: _raw,  # IPv6 alone
    276: _cooked_2,
}
"""By link type: the offset of a frame's IP header, or NOT_IP."""
