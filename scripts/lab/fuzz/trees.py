"""A message taken apart into its length-prefixed nodes, so that one can be changed with all lengths outside it right.

Changed octets that the outer layers refuse teach nothing about the inner ones. `Tree.replaced` puts new octets in the
place of a node and writes the lengths of all that hold it anew, from BER through session parameters up to the length
indicator of a TPDU.
"""

from typing import Final, NamedTuple

from scripts.lab.fuzz import octets as o

BER: Final = 0
SESSION: Final = 1
TPDU: Final = 2
"""How a node writes its length: as X.690, as X.225 (one octet or FF and two), or as a TPDU's length indicator."""

_DEPTH_MAX: Final = 30
_NODES_MAX: Final = 400
_SESSION_GROUPS: Final = (0x05, 0x21)
_SESSION_USER_DATA: Final = (0xC1, 0xC2)


class Node(NamedTuple):
    """One value: `octets[start:length_at]` is its tag, `octets[body:stop]` its contents."""

    start: int
    length_at: int
    body: int
    stop: int
    parent: int
    """The node that holds it, -1 for none."""
    form: int


class Tree(NamedTuple):
    """Octets and their nodes, every node after the one that holds it."""

    octets: bytes
    nodes: tuple[Node, ...]

    def tag(self, node: Node) -> bytes:
        """Everything before the length."""
        return self.octets[node.start : node.length_at]

    def contents(self, node: Node) -> bytes:
        """Everything behind the length."""
        return self.octets[node.body : node.stop]

    def replaced(self, node: Node, new: bytes) -> bytes:
        """The octets with `new` in the place of `node`, and right lengths all around it."""
        octets, nodes = self.octets, self.nodes
        start, stop = node.start, node.stop
        while node.parent >= 0:
            node = nodes[node.parent]
            body = octets[node.body : start] + new + octets[stop : node.stop]
            new = octets[node.start : node.length_at] + encoded(len(body), node.form) + body
            start, stop = node.start, node.stop
        return octets[:start] + new + octets[stop:]


def encoded(size: int, form: int) -> bytes:
    """A length in one of the three forms; of a TPDU too long for its indicator, what remains in it."""
    if form == BER:
        return o.length(size)
    if form == TPDU:
        return bytes((size & 0xFF,))
    return bytes((size,)) if size < 0xFF else b"\xff" + (size & 0xFFFF).to_bytes(2, "big")


def of_data(octets: bytes) -> Tree:
    """The tree of a TSDU: session data, another SPDU, or bare MMS."""
    nodes: list[Node] = []
    if octets.startswith(o.DATA_PREFIX):
        _ber(octets, 4, len(octets), -1, nodes, 0)
    elif octets and octets[0] & 0x80:
        _ber(octets, 0, len(octets), -1, nodes, 0)
    elif octets:
        _session(octets, 0, len(octets), -1, nodes)
    return Tree(octets, tuple(nodes))


def of_connection(octets: bytes) -> Tree:
    """The tree of a TPDU that is no DT."""
    nodes = [Node(0, 0, 1, len(octets), -1, TPDU)] if octets else []
    pos = 7
    while pos + 2 <= len(octets) and pos + 2 + octets[pos + 1] <= len(octets):
        stop = pos + 2 + octets[pos + 1]
        nodes.append(Node(pos, pos + 1, pos + 2, stop, 0, SESSION))
        pos = stop
    return Tree(octets, tuple(nodes))


def _session(octets: bytes, pos: int, end: int, parent: int, nodes: list[Node]) -> None:
    """SPDUs, parameter groups and parameters have one form; which hold others is known by their codes."""
    while pos + 2 <= end and len(nodes) < _NODES_MAX:
        body, size = pos + 2, octets[pos + 1]
        if size == 0xFF:
            body, size = pos + 4, int.from_bytes(octets[pos + 2 : pos + 4], "big")
        stop = body + size
        if stop > end:
            return
        nodes.append(Node(pos, pos + 1, body, stop, parent, SESSION))
        index, code = len(nodes) - 1, octets[pos]
        if parent < 0 or code in _SESSION_GROUPS:
            _session(octets, body, stop, index, nodes)
        elif code in _SESSION_USER_DATA:
            _ber(octets, body, stop, index, nodes, 0)
        pos = stop


def _ber(octets: bytes, pos: int, end: int, parent: int, nodes: list[Node], depth: int) -> None:
    while pos + 2 <= end and len(nodes) < _NODES_MAX and depth < _DEPTH_MAX:
        at = pos + 1
        if octets[pos] & 0x1F == 0x1F:
            while at + 1 < end and octets[at] & 0x80:
                at += 1
            at += 1
        if at >= end:
            return
        body, size = at + 1, octets[at]
        if size & 0x80:
            body, size = body + (size & 0x7F), int.from_bytes(octets[body : body + (size & 0x7F)], "big")
        stop = body + size
        if stop > end:
            return
        nodes.append(Node(pos, at, body, stop, parent, BER))
        if octets[pos] & 0x20:
            _ber(octets, body, stop, len(nodes) - 1, nodes, depth + 1)
        pos = stop
