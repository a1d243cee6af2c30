"""TCP segments, and the arithmetic of their numbers."""

from __future__ import annotations

from typing import NamedTuple

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
MASK = 0xFFFFFFFF

Endpoint = tuple[str, int]


def after(a: int, b: int) -> bool:
    """Whether `a` lies after `b` (RFC 9293, 3.4)."""
    return 0 < (a - b) & MASK < 0x80000000


def ahead(origin: int, number: int) -> int:
    """How far `number` lies ahead of `origin`; negative if behind."""
    return ((number - origin + 0x80000000) & MASK) - 0x80000000


class Segment(NamedTuple):
    """One TCP segment on its way."""

    source: Endpoint
    target: Endpoint
    flags: int
    seq: int
    ack: int
    data: bytes
    window: int
    stamp: int

    @property
    def end(self) -> int:
        """One past its last sequence number."""
        return (self.seq + len(self.data) + bool(self.flags & SYN) + bool(self.flags & FIN)) & MASK

    def __str__(self) -> str:
        names = "".join(name for bit, name in ((SYN, "S"), (FIN, "F"), (RST, "R"), (ACK, ".")) if self.flags & bit)
        return f"{self.source[1]}>{self.target[1]} {names} seq {self.seq} ack {self.ack} len {len(self.data)}"
