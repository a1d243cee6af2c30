"""TCP segments out of frames: IPv4 and IPv6, with extension headers and fragments.

A light walk over the headers instead of dpkt's objects, which cost more than all the rest of reading.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import NamedTuple

from node.captures.files import Frame
from node.captures.links import LINKS, NOT_IP
from node.captures.notes import Notes

DATAGRAMS_MAX = 256
"""Fragmented datagrams under way; the oldest is given up."""
DATAGRAM_BYTES_MAX = 65_535
FRAGMENTS_MAX = 512
"""Of one datagram."""

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_TCP = 6
_FRAGMENT = 44
_AUTHENTICATION = 51
_EXTENSIONS = (0, 43, 60, 135, _AUTHENTICATION)
_V4_HEADER = 20
_V6_HEADER = 40
_TCP_HEADER = 20
_V4_FRAGMENTED = 0x3FFF  # more fragments, and the offset
_unpack_tcp = struct.Struct(">HHIIBB").unpack_from


class Segment(NamedTuple):
    """A TCP segment. `addresses` are those of sender and receiver, one behind the other."""

    addresses: bytes
    ports: bytes
    sequence: int
    acknowledged: int
    flags: int
    octets: bytes
    cut: int
    """Octets that the packet had and the capture has not."""


def endpoint(addresses: bytes, ports: bytes, receiver: bool = False) -> tuple[str, int]:
    """The sender's address and port, or the receiver's."""
    half = len(addresses) // 2
    address = addresses[half:] if receiver else addresses[:half]
    port = ports[2:] if receiver else ports[:2]
    return str(ip_address(address)), int.from_bytes(port, "big")


class Packets:
    """Takes frames, gives their TCP segments."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._fragments = _Fragments(notes)
        self._unknown_links: set[int] = set()

    def segment(self, frame: Frame) -> Segment | None:
        """The segment in the frame; None when it holds none, or not yet a whole one."""
        octets = frame.octets
        find = LINKS.get(frame.link)
        if find is None:
            self._unknown_link(frame)
            return None
        at = find(octets)
        if at == NOT_IP or at >= len(octets):
            return None
        return self._v4(frame, octets, at) if octets[at] >> 4 == 4 else self._v6(frame, octets, at)

    def finish(self) -> None:
        """The capture ends: tell of datagrams whose fragments never came."""
        self._fragments.finish()

    def _unknown_link(self, frame: Frame) -> None:
        if frame.link not in self._unknown_links:
            self._unknown_links.add(frame.link)
            what = f"frame {frame.number}: frames of link type {frame.link} are not read"
            self._notes.add("link type", what + "; those known are Ethernet, raw IP, Linux cooked and loopback")

    def _v4(self, frame: Frame, octets: bytes, at: int) -> Segment | None:
        size = len(octets)
        if size < at + _V4_HEADER:
            return None
        start = at + (octets[at] & 15) * 4
        length = octets[at + 2] << 8 | octets[at + 3]
        stop = at + length if length else size  # 0: the network card was to cut it up
        addresses = octets[at + 12 : at + 20]
        fragment = octets[at + 6] << 8 | octets[at + 7]
        if not fragment & _V4_FRAGMENTED:
            return _tcp(octets, start, stop, addresses) if octets[at + 9] == _TCP else None
        key = addresses + octets[at + 4 : at + 6] + octets[at + 9 : at + 10]
        offset, more = (fragment & 0x1FFF) * 8, bool(fragment & 0x2000)
        whole = self._fragments.add(frame, key, offset, octets[start:stop], more)
        return _tcp(whole, 0, len(whole), addresses) if whole is not None and octets[at + 9] == _TCP else None

    def _v6(self, frame: Frame, octets: bytes, at: int) -> Segment | None:
        if len(octets) < at + _V6_HEADER:
            return None
        addresses = octets[at + 8 : at + 40]
        length = octets[at + 4] << 8 | octets[at + 5]
        start = at + _V6_HEADER
        stop = start + length if length else len(octets)
        kind, start = _extensions(octets, octets[at + 6], start)
        if kind == _TCP:
            return _tcp(octets, start, stop, addresses)
        if kind != _FRAGMENT or len(octets) < start + 8:
            return None
        offset = octets[start + 2] << 8 | octets[start + 3]
        key = addresses + octets[start + 4 : start + 8]
        whole = self._fragments.add(frame, key, offset & 0xFFF8, octets[start + 8 : stop], bool(offset & 1))
        if whole is None:
            return None
        kind, first = _extensions(whole, octets[start], 0)
        return _tcp(whole, first, len(whole), addresses) if kind == _TCP else None


def _extensions(octets: bytes, kind: int, at: int) -> tuple[int, int]:
    """Past the extension headers that can stand before TCP: what follows them, and where."""
    while kind in _EXTENSIONS and len(octets) >= at + 2:
        length = (octets[at + 1] + 2) * 4 if kind == _AUTHENTICATION else (octets[at + 1] + 1) * 8
        kind, at = octets[at], at + length
    return kind, at


def _tcp(octets: bytes, at: int, stop: int, addresses: bytes) -> Segment | None:
    if len(octets) < at + _TCP_HEADER:
        return None
    _, _, sequence, acknowledged, offset, flags = _unpack_tcp(octets, at)
    start = at + (offset >> 4) * 4
    cut = max(stop - max(len(octets), start), 0)
    return Segment(addresses, octets[at : at + 4], sequence, acknowledged, flags, octets[start:stop], cut)


class _Fragments:
    """IP datagrams that came in pieces. Of overlapping pieces the first octets win, as everywhere here."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._open: dict[bytes, _Datagram] = {}

    def add(self, frame: Frame, key: bytes, offset: int, octets: bytes, more: bool) -> bytes | None:
        """One more piece; the datagram's payload once it is whole."""
        datagram = self._open.get(key)
        if datagram is None:
            if len(self._open) >= DATAGRAMS_MAX:
                self._give_up(next(iter(self._open)))
            datagram = self._open[key] = _Datagram(frame.number)
        whole = datagram.add(offset, octets, more)
        if whole is not None or datagram.hopeless:
            del self._open[key]
        return whole

    def finish(self) -> None:
        for key in list(self._open):
            self._give_up(key)

    def _give_up(self, key: bytes) -> None:
        first = self._open.pop(key).first
        self._notes.add("fragments", f"frame {first}: an IP datagram whose other fragments are not in the capture")


class _Datagram:
    def __init__(self, first: int) -> None:
        self.first = first
        self.hopeless = False
        self._pieces: list[tuple[int, bytes]] = []
        self._size: int | None = None

    def add(self, offset: int, octets: bytes, more: bool) -> bytes | None:
        if not more:
            self._size = offset + len(octets)
        self._pieces.append((offset, octets))
        self.hopeless = offset + len(octets) > DATAGRAM_BYTES_MAX or len(self._pieces) > FRAGMENTS_MAX
        return None if self._size is None or self.hopeless else self._join(self._size)

    def _join(self, size: int) -> bytes | None:
        payload = bytearray(size)
        covered = bytearray(size)
        for offset, octets in reversed(self._pieces):  # what came first is laid over what came later
            part = octets[: max(size - offset, 0)]
            payload[offset : offset + len(part)] = part
            covered[offset : offset + len(part)] = b"\1" * len(part)
        return bytes(payload) if covered.count(1) == size else None
