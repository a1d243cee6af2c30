"""Endless valid MMS traffic that both ends can foretell.

A stream is a block of information reports with pseudo-random contents, repeated for ever. Caller number, direction
and TPDU size decide the block, so that a receiver knows every byte, and bytes that stray to another connection or
direction are seen. (A loss of exactly one block shows in the count.)
"""

import random
import struct
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from scripts.lab.association import tpkt

BLOCK_BYTES: Final = 160 * 1024
_DT_HEADER: Final = 3
_LAST: Final = b"\x02\xf0\x80"
_MORE: Final = b"\x02\xf0\x00"
_SESSION_DATA: Final = b"\x01\x00\x01\x00"
_MMS_CONTEXT: Final = b"\x02\x01\x03"
_SIZES: Final = ((60, 300, 12), (300, 1400, 5), (1400, 9000, 3))  # octets of payload from, to; weight
_SHORT_FORM_MAX: Final = 0x7F


@dataclass(frozen=True)
class Stream:
    """One direction of one connection."""

    block: bytes  # twice over, so that any slice of up to a block is contiguous
    length: int  # of the block, once
    edges: tuple[int, ...]  # where TPKTs that end an MMS PDU end, ascending, within the block

    def next_edge(self, position: int) -> int:
        """The first place at or after `position` (counted from the stream's start) where a PDU ends."""
        whole, within = divmod(position, self.length)
        if within == 0:
            return position
        return whole * self.length + next(edge for edge in self.edges if edge >= within)


def build(number: int, direction: int, tpdu_size_exponent: int) -> Stream:
    """The stream of caller `number` in `direction` (0 from the caller, 1 to it)."""
    source = random.Random(f"{number}/{direction}/{tpdu_size_exponent}")
    packets: list[bytes] = []
    total = 0
    while total < BLOCK_BYTES:
        packet = _transport(_report(source, len(packets)), 1 << tpdu_size_exponent)
        packets.append(packet)
        total += len(packet)
    block = b"".join(packets)
    return Stream(block + block, len(block), tuple(accumulate(len(packet) for packet in packets)))


def _report(source: random.Random, count: int) -> bytes:
    """A transfer report: an information report on a data set, from session header to its last octet."""
    (low, high, _), *_ = source.choices(_SIZES, [weight for *_, weight in _SIZES])
    payload = source.randbytes(source.randint(low, high))
    name = _tlv(0x1A, b"ICC1") + _tlv(0x1A, b"DS_load")
    identity = _tlv(0x86, b"\x01") + _tlv(0x8A, b"ICC1") + _tlv(0x8A, b"TS_load")
    values = _tlv(0xA2, identity) + _tlv(0x85, struct.pack("!i", count)) + _tlv(0x84, b"\x03\x80") + _tlv(0x89, payload)
    report = _tlv(0xA3, _tlv(0xA0, _tlv(0xA1, _tlv(0xA1, name)) + _tlv(0xA0, values)))
    return _SESSION_DATA + _tlv(0x61, _tlv(0x30, _MMS_CONTEXT + _tlv(0xA0, report)))


def _transport(unit: bytes, tpdu_size: int) -> bytes:
    """A transport service data unit, cut into as many DT TPDUs as it takes."""
    step = tpdu_size - _DT_HEADER
    pieces = [unit[place : place + step] for place in range(0, len(unit), step)]
    return b"".join(tpkt(_MORE + piece) for piece in pieces[:-1]) + tpkt(_LAST + pieces[-1])


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length <= _SHORT_FORM_MAX:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content
