"""The frames of a capture file: pcap (every byte order, micro- and nanoseconds) and pcapng.

The formats' numbers and headers are dpkt's. Its readers are not used: they keep silent about a truncated record,
know one interface a file, and count time in floating point.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import dpkt

from node.captures.errors import CaptureError
from node.captures.notes import Notes

FRAME_BYTES_MAX = 16 << 20
"""A record longer than this is damage, not a frame."""
NS_PER_S = 1_000_000_000
_NS_MAGICS = (dpkt.pcap.TCPDUMP_MAGIC_NANO, dpkt.pcap.PMUDPCT_MAGIC_NANO)
_LINK_TYPE_MASK = 0xFFFF  # above it: how long the frame check sequence is
_COMPRESSED = {b"\x1f\x8b": "gunzip", b"\x28\xb5": "unzstd", b"\x04\x22": "unlz4", b"BZ": "bunzip2", b"\xfd7": "unxz"}


class Frame(NamedTuple):
    """One frame as captured; numbered from 1 like other programs do."""

    number: int
    time_ns: int
    """Since 1970."""
    link: int
    """The link type (LINKTYPE_… of tcpdump.org)."""
    octets: bytes


class Capture:
    """One open capture file. Use: `with Capture(path, notes) as it: for frame in it.frames(): ...`.

    Raises CaptureError when there is nothing to read; what is damaged further in is a note, and everything
    before the damage is read.
    """

    def __init__(self, path: Path, notes: Notes) -> None:
        self.path = path
        self._notes = notes
        self._number = 0
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise CaptureError(f"{path}: {error.strerror}", "name a capture file: pcap or pcapng") from None

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """The file's octets; 0 when unknown."""
        return self.path.stat().st_size

    @property
    def position(self) -> int:
        """How many octets of it have been read."""
        return self._file.tell()

    def frames(self) -> Iterator[Frame]:
        """Every frame, in the order of the file. Raises CaptureError."""
        try:
            magic = self._file.read(4)
            yield from self._reader(magic)
        except OSError as error:
            raise CaptureError(f"{self.path}: {error.strerror}", "see whether the file can be read") from None

    def _reader(self, magic: bytes) -> Iterator[Frame]:
        if magic == _SECTION:
            return self._pcapng()
        number = int.from_bytes(magic, "big")
        if len(magic) == 4 and number in dpkt.pcap.MAGIC_TO_PKT_HDR:
            return self._pcap(number)
        raise self._unknown(magic)

    def _unknown(self, magic: bytes) -> CaptureError:
        if not magic:
            return CaptureError(f"{self.path} is empty", "see whether the capture was taken at all")
        unpack = _COMPRESSED.get(magic[:2])
        if unpack:
            return CaptureError(f"{self.path} is compressed", f"unpack it first, with {unpack}")
        return CaptureError(
            f"{self.path} is no capture: it starts with {magic.hex(' ')}, which is neither pcap nor pcapng",
            f"if Wireshark opens it: editcap -F pcapng {self.path} FILE",
        )

    def _damage(self, what: str) -> None:
        self._notes.add("damaged", f"{self.path.name}: {what} after frame {self._number}; nothing behind it is read")

    def _pcap(self, magic: int) -> Iterator[Frame]:
        record = dpkt.pcap.MAGIC_TO_PKT_HDR[magic]
        order = record.__hdr_fmt__[0]
        rest = self._file.read(20)
        if len(rest) < 20:
            raise CaptureError(f"{self.path} ends within its first header", "take the capture anew")
        link = struct.unpack(f"{order}HHIIII", rest)[5] & _LINK_TYPE_MASK
        unit = 1 if magic in _NS_MAGICS else 1000
        size = record.__hdr_len__
        unpack = struct.Struct(f"{order}IIII").unpack_from
        read = self._file.read
        while head := read(size):
            if len(head) < size:
                return self._damage("the file ends within a record's header")
            seconds, fraction, length, _ = unpack(head)
            if length > FRAME_BYTES_MAX:
                return self._damage(f"a record of {length} octets")
            octets = read(length)
            if len(octets) < length:
                return self._damage("the file ends within a frame")
            self._number += 1
            yield Frame(self._number, seconds * NS_PER_S + fraction * unit, link, octets)
        return None

    def _pcapng(self) -> Iterator[Frame]:
        section = _Section("<")
        kind, head = dpkt.pcapng.PCAPNG_BT_SHB, _SECTION + self._file.read(4)
        while head:
            if kind == dpkt.pcapng.PCAPNG_BT_SHB:
                mark = self._file.read(4)
                head += mark
                section = _Section(">" if mark == _BIG_ENDIAN else "<")
            block = self._block(section.order, head)
            if block is None:
                return
            handle = _BLOCKS.get(kind)
            try:
                found = None if handle is None else handle(section, block)
            except (struct.error, LookupError, ValueError, dpkt.UnpackError):
                return self._damage(f"a block of type {kind} that cannot be read")
            if found is not None:
                self._number += 1
                yield Frame(self._number, *found)
            head = self._file.read(8)
            if head:
                if len(head) < 8:
                    return self._damage("the file ends within a block's header")
                kind = struct.unpack(f"{section.order}I", head[:4])[0]

    def _block(self, order: str, head: bytes) -> bytes | None:
        """The whole block that begins with `head`."""
        if len(head) < 8:
            self._damage("the file ends within a block's header")
            return None
        length = struct.unpack(f"{order}I", head[4:8])[0]
        if length % 4 or not max(12, len(head)) <= length <= FRAME_BYTES_MAX:
            self._damage(f"a block of {length} octets")
            return None
        block = head + self._file.read(length - len(head))
        if len(block) < length:
            self._damage("the file ends within a block")
            return None
        return block


class _Section:
    """One section of a pcapng file: its byte order and interfaces."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.interfaces: list[_Interface] = []
        self.enhanced = struct.Struct(f"{order}IIIII").unpack_from
        self.obsolete = struct.Struct(f"{order}HHIIII").unpack_from


class _Interface(NamedTuple):
    link: int
    snap_length: int
    units_per_s: int
    offset_s: int

    def time_ns(self, high: int, low: int) -> int:
        return (high << 32 | low) * NS_PER_S // self.units_per_s + self.offset_s * NS_PER_S


_Found = tuple[int, int, bytes]


def _interface(section: _Section, block: bytes) -> None:
    little = section.order == "<"
    idb: Any = (dpkt.pcapng.InterfaceDescriptionBlockLE if little else dpkt.pcapng.InterfaceDescriptionBlock)(block)
    options = {option.code: bytes(option.data) for option in idb.opts}
    resolution = options.get(dpkt.pcapng.PCAPNG_OPT_IF_TSRESOL, b"\x06")[0]
    units = (2 if resolution & 0x80 else 10) ** (resolution & 0x7F)
    offset = options.get(dpkt.pcapng.PCAPNG_OPT_IF_TSOFFSET, bytes(8))
    offset_s = int.from_bytes(offset, "little" if little else "big", signed=True)
    section.interfaces.append(_Interface(idb.linktype, idb.snaplen, units, offset_s))


def _enhanced(section: _Section, block: bytes) -> _Found:
    number, high, low, length, _ = section.enhanced(block, 8)
    interface = section.interfaces[number]
    return interface.time_ns(high, low), interface.link, _inside(block, 28, length)


def _obsolete(section: _Section, block: bytes) -> _Found:
    number, _, high, low, length, _ = section.obsolete(block, 8)
    interface = section.interfaces[number]
    return interface.time_ns(high, low), interface.link, _inside(block, 28, length)


def _simple(section: _Section, block: bytes) -> _Found:
    """A packet without a time: of the section's first interface, and as long as that allows."""
    interface = section.interfaces[0]
    (length,) = struct.unpack_from(f"{section.order}I", block, 8)
    if interface.snap_length:
        length = min(length, interface.snap_length)
    return 0, interface.link, _inside(block, 12, length)


def _inside(block: bytes, start: int, length: int) -> bytes:
    if start + length > len(block) - 4:
        raise ValueError(length)
    return block[start : start + length]


_SECTION = b"\x0a\x0d\x0d\x0a"
_BIG_ENDIAN = b"\x1a\x2b\x3c\x4d"
_BLOCKS: dict[int, Callable[[_Section, bytes], _Found | None]] = {
    dpkt.pcapng.PCAPNG_BT_IDB: _interface,
    dpkt.pcapng.PCAPNG_BT_EPB: _enhanced,
    dpkt.pcapng.PCAPNG_BT_PB: _obsolete,
    dpkt.pcapng.PCAPNG_BT_SPB: _simple,
}
