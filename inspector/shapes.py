"""Transfer reports by their shape: the second report of a data set need not be taken apart again.

Reports of one data set differ in their values alone: tags, lengths and names stand where they stood. What a report
means, and whether it is in order, depends on those and on what the association remembers. So, once a report has gone
the long way without teaching or moving anything, its structure is kept as a mask over the whole TPKT; as long as the
association's memory stays as it was, octets that agree under the mask are the same PDU. That is a comparison of two
integers. Nothing here is part of the state: without it everything comes out the same, more slowly.
"""

from typing import NamedTuple

from inspector import ber
from inspector.ber import CONSTRUCTED, Octets
from inspector.results import Pdu
from inspector.tase2 import STRUCTURE

TPKT_BYTES_MAX = 8192
LENGTHS_MAX = 64
SHAPES_MAX = 8
"""Of one length; data sets whose reports are as long as one another's are few."""


class Shape(NamedTuple):
    """One report's structure: octets that agree with `want` under `mask` are `pdu` again."""

    mask: int
    want: int
    pdu: Pdu


class Shapes:
    """The shapes of one direction, valid for one generation of the association's memory."""

    __slots__ = ("by_length", "generation")

    def __init__(self) -> None:
        self.by_length: dict[int, tuple[Shape, ...]] = {}
        self.generation = -1

    def learn(self, octets: Octets, head: int, stop: int, data: tuple[int, int], pdu: Pdu, generation: int) -> None:
        """Keep the TPKT `octets[head:stop]`, whose list of values is the span `data`."""
        length = stop - head
        if length > TPKT_BYTES_MAX:
            return
        if generation != self.generation:
            self.by_length.clear()
            self.generation = generation
        if length not in self.by_length and len(self.by_length) >= LENGTHS_MAX:
            del self.by_length[next(iter(self.by_length))]
        mask = int.from_bytes(_mask(octets, head, stop, data), "big")
        shape = Shape(mask, int.from_bytes(octets[head:stop], "big") & mask, pdu)
        self.by_length[length] = (shape, *self.by_length.get(length, ())[: SHAPES_MAX - 1])


def _mask(octets: Octets, head: int, stop: int, data: tuple[int, int]) -> bytes:
    """FF where the octets are structure, 00 where they are the contents of a value.

    Structures that could be a name with its scope stay as they are: Transfer_Set_Name says whose report it is.
    """
    mask = bytearray(b"\xff") * (stop - head)
    pos, end = data
    while pos < end:
        tag, first, last = ber.header(octets, pos, end)
        if tag == STRUCTURE and _holds_text(octets, first, last):
            pos = last
        elif tag & CONSTRUCTED:
            pos = first
        else:
            mask[first - head : last - head] = bytes(last - first)
            pos = last
    return bytes(mask)


VISIBLE_STRING = 0x8A


def _holds_text(octets: Octets, pos: int, end: int) -> bool:
    return any(tag == VISIBLE_STRING for tag, _, _ in ber.children(octets, pos, end))
