"""What is done to a valid message: to its octets, with no regard for what they mean, or to one node of its tree."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from scripts.lab.fuzz import octets as o
from scripts.lab.fuzz.trees import BER, Node, Tree, encoded

TAGS: Final = (
    *(b"\x02", b"\x06", b"\x0a", b"\x16", b"\x1a", b"\x28", b"\x30", b"\x31", b"\x60", b"\x61", b"\x62", b"\x64"),
    *(b"\x80", b"\x81", b"\x82", b"\x83", b"\x84", b"\x85", b"\x86", b"\x87", b"\x89", b"\x8a", b"\x8b", b"\x8c"),
    *(b"\xa0", b"\xa1", b"\xa2", b"\xa3", b"\xa4", b"\xa5", b"\xa6", b"\xa7", b"\xa8", b"\xa9", b"\xaa", b"\xab"),
    *(b"\xac", b"\xad", b"\xae", b"\xbe", b"\xbf\x28", b"\xbf\x39", b"\xbf\x4f", b"\x9f\x20", b"\xbf\x81\x01"),
)
NUMBERS: Final = (
    *(b"", b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\x7f\xff", b"\x80\x00", b"\xff\xff", b"\x00\xff\xff"),
    *(b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\xff\xff\xff\xff", b"\x01\x00\x00\x00\x00"),
    *(b"\x08\x7f\xc0\x00\x00", b"\x08\x7f\x80\x00\x00", b"\x08\xff\x80\x00\x00", b"\x0b" + bytes(8), bytes(12)),
)
NAMES: Final = (
    *(b"", b"/", b"@", b"@/", b"..", b"\x00", b"\xff\xfe", b"*", b"[", b"[!", b"A/B/C", b"%s%n", b"\n", b"'\""),
    *(b"_SBO", b"_TAG", b"BRK1_SBO", b"BRK1_TAG", b"BRK1", b"PT_A", b"ICC1", b"Transfer_Set_Name", b"IM_Transfer_Set"),
    *(b"Next_DSTransfer_Set", b"Bilateral_Table_ID", b"Transfer_Report_NACK", b"Info_Mess_Header", b"TASE2_Version"),
)
LENGTHS: Final = (
    *(b"\x00", b"\x01", b"\x7f", b"\x80", b"\x81\x00", b"\x81\x7f", b"\x81\xff", b"\x82\x00\x00", b"\x82\xff\xff"),
    *(
        b"\x83\x00\x00\x01",
        b"\x84\x7f\xff\xff\xff",
        b"\x84\xff\xff\xff\xff",
        b"\x85\x00\x00\x00\x00\x01",
        b"\xff",
        b"\xfe",
    ),
)

Grafts = Sequence[Tree]
"""Trees whose nodes may be put into others."""


def below(rng: Random, number: int) -> int:
    """A number from 0 up to, but not including, `number`. (`randrange` costs ten times as much.)"""
    return int(rng.random() * number)


# --- octets

Blind = Callable[[Random, bytearray], None]


def flip(rng: Random, octets: bytearray) -> None:
    octets[below(rng, len(octets))] ^= 1 << below(rng, 8)


def overwrite(rng: Random, octets: bytearray) -> None:
    octets[below(rng, len(octets))] = below(rng, 256)


def step(rng: Random, octets: bytearray) -> None:
    """One more or less, which is what an error of one in a length looks like."""
    at = below(rng, len(octets))
    octets[at] = (octets[at] + (1 if rng.random() < 0.5 else -1)) & 0xFF


def remove(rng: Random, octets: bytearray) -> None:
    at = below(rng, len(octets))
    del octets[at : at + 1 + below(rng, 8)]


def insert(rng: Random, octets: bytearray) -> None:
    at = below(rng, len(octets) + 1)
    octets[at:at] = rng.randbytes(1 + below(rng, 6))


def repeat(rng: Random, octets: bytearray) -> None:
    at = below(rng, len(octets))
    octets[at:at] = octets[at : at + 1 + below(rng, 24)]


def truncate(rng: Random, octets: bytearray) -> None:
    del octets[below(rng, len(octets)) :]


def lie_about_tpkt(rng: Random, octets: bytearray) -> None:
    if len(octets) > 3:
        size = (octets[2] << 8 | octets[3]) + below(rng, 9) - 4 if rng.random() < 0.7 else below(rng, 0x10000)
        octets[2:4] = (size & 0xFFFF).to_bytes(2, "big")


def lie_about_tpdu(rng: Random, octets: bytearray) -> None:
    """The length indicator, the code, or the end of the TSDU."""
    if len(octets) > 6:
        octets[4 + below(rng, 3)] = (0, 1, 2, 3, 0x80, 0xF0, 0xE0, 0xD0, 0x70, 0xC0, 0xFF)[below(rng, 11)]


BLIND: Final[tuple[Blind, ...]] = (
    *(flip, flip, overwrite, step, remove, insert, repeat, truncate),
    *(lie_about_tpkt, lie_about_tpdu),
)


def blindly(rng: Random, octets: bytes) -> bytes:
    """A few changes anywhere."""
    changed = bytearray(octets)
    for _ in range(1 + below(rng, 3)):
        if changed:
            BLIND[below(rng, len(BLIND))](rng, changed)
    return bytes(changed)


# --- nodes

Change = Callable[[Random, Tree, Node, Grafts], bytes]
"""The octets that take a node's place."""


def _rebuilt(tree: Tree, node: Node, contents: bytes) -> bytes:
    return tree.tag(node) + encoded(len(contents), node.form) + contents


def retag(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    tag = TAGS[below(rng, len(TAGS))] if node.form == BER else bytes((below(rng, 256),))
    return tag + tree.octets[node.length_at : node.stop]


def number(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    return _rebuilt(tree, node, NUMBERS[below(rng, len(NUMBERS))])


def rename(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    return _rebuilt(tree, node, NAMES[below(rng, len(NAMES))])


def lengthen(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    """A name or number of a size around the limits."""
    size = (31, 32, 33, 64, 65, 127, 128, 129, 130, 200, 255, 256, 300)[below(rng, 13)]
    return _rebuilt(tree, node, bytes((below(rng, 256),)) * size)


def scramble(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    return _rebuilt(tree, node, rng.randbytes(below(rng, 12)))


def drop(_rng: Random, _tree: Tree, _node: Node, _grafts: Grafts) -> bytes:
    return b""


def double(_rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    return tree.octets[node.start : node.stop] * 2


def shorten(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    contents = tree.contents(node)
    return _rebuilt(tree, node, contents[: below(rng, len(contents) + 1)])


def extend(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    return _rebuilt(tree, node, tree.contents(node) + rng.randbytes(1 + below(rng, 4)))


def lie(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    """A length that is not so, inside lengths that are."""
    return tree.tag(node) + LENGTHS[below(rng, len(LENGTHS))] + tree.contents(node)


def misjudge(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    """A length that is nearly so."""
    contents = tree.contents(node)
    return tree.tag(node) + encoded(max(0, len(contents) + below(rng, 7) - 3), node.form) + contents


def widen(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    """The right length in more octets than it needs."""
    contents = tree.contents(node)
    octets = 1 + below(rng, 4)
    if node.form != BER or len(contents) >= 1 << 8 * octets:
        return tree.tag(node) + b"\xff" + (len(contents) & 0xFFFF).to_bytes(2, "big") + contents
    return tree.tag(node) + bytes((0x80 | octets,)) + len(contents).to_bytes(octets, "big") + contents


def graft(rng: Random, _tree: Tree, _node: Node, grafts: Grafts) -> bytes:
    other = grafts[below(rng, len(grafts))]
    if not other.nodes:
        return b""
    node = other.nodes[below(rng, len(other.nodes))]
    return other.octets[node.start : node.stop][:400]


def graft_beside(rng: Random, tree: Tree, node: Node, grafts: Grafts) -> bytes:
    return tree.octets[node.start : node.stop] + graft(rng, tree, node, grafts)


def swap(rng: Random, tree: Tree, _node: Node, _grafts: Grafts) -> bytes:
    """Another node of the same message."""
    other = tree.nodes[below(rng, len(tree.nodes))]
    return tree.octets[other.start : other.stop][:400]


def bury(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    """Inside as many values as the limit allows, or some more."""
    new = tree.octets[node.start : node.stop]
    tag = (0x30, 0xA0, 0xA2, 0xA1)[below(rng, 4)]
    for _ in range(1 + below(rng, 40)):
        new = o.tlv(tag, new)
    return new


def multiply(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    """Many of one kind."""
    one = tree.octets[node.start : node.stop]
    return one * min(2 + below(rng, 60), 1 + 2000 // len(one))


def grow(rng: Random, tree: Tree, node: Node, _grafts: Grafts) -> bytes:
    """A random tree in its place, or as its contents."""
    new = random_tree(rng, 3 + below(rng, 3))
    return new if rng.random() < 0.5 else _rebuilt(tree, node, new)


def random_tree(rng: Random, depth: int) -> bytes:
    """Good BER that means nothing."""
    tag = TAGS[below(rng, len(TAGS))]
    if not tag[0] & 0x20 or depth == 0:
        contents = NAMES[below(rng, len(NAMES))] if rng.random() < 0.3 else NUMBERS[below(rng, len(NUMBERS))]
    else:
        contents = b"".join(random_tree(rng, depth - 1) for _ in range(below(rng, 4)))
    return tag + o.length(len(contents)) + contents


CHANGES: Final[tuple[Change, ...]] = (
    *(retag, retag, number, number, rename, rename, lengthen, scramble, drop, drop, double, shorten, extend),
    *(lie, lie, misjudge, misjudge, widen, graft, graft, graft_beside, swap, bury, multiply, grow, grow),
)


def one_node(rng: Random, tree: Tree, grafts: Grafts) -> bytes:
    """The tree's octets with one of its nodes changed; the root is left alone more often than not."""
    nodes = tree.nodes
    if not nodes:
        return blindly(rng, tree.octets)
    node = nodes[below(rng, len(nodes))]
    if node.parent < 0:
        node = nodes[below(rng, len(nodes))]
    return tree.replaced(node, CHANGES[below(rng, len(CHANGES))](rng, tree, node, grafts))


def revalued(rng: Random, tree: Tree) -> bytes:
    """The tree's octets with other numbers and flags in the last of its values, lengths and names as they were."""
    octets = bytearray(tree.octets)
    for node in tree.nodes[-1 - below(rng, 12) :]:
        size = node.stop - node.body
        if octets[node.start] in _VALUES and size:
            octets[node.stop - 1] = below(rng, 256)
            octets[node.body + size // 2] = below(rng, 256)
    return bytes(octets)


_VALUES: Final = (0x83, 0x84, 0x85, 0x86, 0x87)
