"""The gate's programs in Python, over maps of the same layout: node/kernel/gate.bpf.c line by line.

The node's own side of it, node/kernel/gate.py and flow.py, is the real one: it finds these maps behind what it takes
for file descriptors.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from node.kernel import layout
from tests.simulation.segment import ACK, FIN, MASK, RST, SYN, Endpoint, Segment, after

ALLOW_FIN, ALLOW_RESET = layout.ALLOW_FIN, layout.ALLOW_RESET
EMBRYO, CLOSING = layout.EMBRYO, layout.CLOSING
UNKNOWN, SEEN, SURE = range(3)

_WORDS = layout.FLOW_STATE.size // 4
_LONGS = layout.FLOW_STATE.size // 8
_SND_END, _HELD_BEGIN, _HELD_END, _HELD_ACK = layout.SND_END, layout.HELD_BEGIN, layout.HELD_END, layout.HELD_ACK
_HEADER_LENGTH, _PEER_ACK = layout.HEADER_LENGTH, layout.PEER_ACK
_HEADER_AT = 64
_HEADER = struct.Struct("!HHIIBBHHHBBBBII")
"""A TCP header with timestamps (RFC 7323, 3)."""
WINDOW_UNIT = 16
LOOSE_MAX = 1024


@lru_cache(4096)
def key_of(local: Endpoint, remote: Endpoint) -> bytes:
    return layout.flow_key(local, remote)


class Array:
    """An array map, as node.kernel.layout.MappedArray shows it."""

    def __init__(self, octets: int) -> None:
        self.octets = memoryview(bytearray(octets))
        self.u32 = self.octets.cast("I")
        self.u64: Any = self.octets.cast("Q")

    def close(self) -> None:
        return


class Told(list[int]):
    """Words that tell when they are written."""

    def __init__(self, size: int, on_write: Callable[[], None]) -> None:
        super().__init__([0] * size)
        self._on_write = on_write

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, value)
        self._on_write()


class Loose:
    """A connection that has no slot yet, or none any more: one flow's state of its own."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.peer = UNKNOWN
        self.states = Array(layout.FLOW_STATE.size)

    def pack(self) -> bytes:
        return layout.LOOSE.pack(self.kind, self.peer, bytes(self.states.octets))


class GateProgram:
    """The maps and what the programs do with a segment."""

    def __init__(self, slots: int, clock_ns: Callable[[], int], on_lease: Callable[[], None]) -> None:
        self.virtual: set[str] = set()
        self.flows: dict[bytes, int] = {}
        self.loose: dict[bytes, Loose] = {}
        self.words = Array(slots * layout.NODE_WORD.size)
        self.states = Array(slots * layout.FLOW_STATE.size)
        self.control = Array(layout.CONTROL.size)
        self.control.u64 = Told(2, on_lease)
        self.stats = Array(len(layout.STATISTICS) * 8)
        self.fence = False
        self._clock_ns = clock_ns

    def may_speak(self) -> bool:
        return self.fence and self._clock_ns() <= self.control.u64[0]

    # --- leaving

    def leave(self, segment: Segment) -> Segment | None:
        """What becomes of a segment from a virtual address."""
        if not self.may_speak():
            return None
        key = key_of(segment.source, segment.target)
        if segment.flags & SYN:
            return self._open_embryo(key, segment)
        slot = self.flows.get(key)
        if slot is not None:
            word = self.words.u32
            return self._guard(segment, self.states, slot, word[2 * slot], word[2 * slot + 1])
        loose = self.loose.get(key)
        return self._leave_unknown(segment) if loose is None else self._leave_loose(segment, loose)

    def _open_embryo(self, key: bytes, segment: Segment) -> Segment:
        known = self.loose.get(key)
        if known is not None and known.kind == EMBRYO and known.states.u32[layout.OUR_ISN] == segment.seq:
            return segment
        embryo = Loose(EMBRYO)
        embryo.states.u32[layout.OUR_ISN] = segment.seq
        embryo.states.u32[_SND_END] = (segment.seq + 1) & MASK
        if segment.flags & ACK:
            embryo.peer = SURE
            embryo.states.u32[layout.PEER_ISN] = (segment.ack - 1) & MASK
        self._set_loose(key, embryo)
        return segment

    def _set_loose(self, key: bytes, flow: Loose) -> None:
        self.loose.pop(key, None)
        if len(self.loose) >= LOOSE_MAX:
            del self.loose[next(iter(self.loose))]
        self.loose[key] = flow

    def _leave_loose(self, segment: Segment, flow: Loose) -> Segment | None:
        if flow.kind == CLOSING:
            return segment
        words = flow.states.u32
        if segment.flags & ACK and flow.peer != SURE:
            if flow.peer == UNKNOWN:
                words[layout.PEER_ISN] = (segment.ack - 1) & MASK
            flow.peer = SURE
        return self._guard(segment, flow.states, 0, (words[layout.PEER_ISN] + 1) & MASK, 0)

    def _leave_unknown(self, segment: Segment) -> Segment | None:
        reset_after = self.control.u64[1]
        allowed = segment.flags & RST and reset_after and self._clock_ns() >= reset_after
        return segment if allowed else None

    def _guard(self, segment: Segment, states: Array, slot: int, limit: int, allowed: int) -> Segment | None:
        flags = segment.flags
        if (flags & RST and not allowed & ALLOW_RESET) or (flags & FIN and not allowed & ALLOW_FIN):
            return None
        at = slot * _WORDS
        words = states.u32
        if after(segment.end, words[at + _SND_END]):
            words[at + _SND_END] = segment.end
        if flags & ACK and after(segment.ack, limit):
            self._remember(segment, states, slot)
            if not segment.data and not flags & (FIN | RST):
                return None
            segment = segment._replace(ack=limit)
        longs = slot * _LONGS
        states.u64[longs + layout.PACKETS_OUT] += 1
        states.u64[longs + layout.BYTES_OUT] += len(segment.data)
        return segment

    def _remember(self, segment: Segment, states: Array, slot: int) -> None:
        at, words = slot * _WORDS, states.u32
        words[at + _HELD_BEGIN] += 1
        words[at + _HELD_ACK] = segment.ack
        window = min(segment.window // WINDOW_UNIT, 0xFFFF)
        header = _HEADER.pack(
            *(segment.source[1], segment.target[1], segment.seq, segment.ack, 0x80, segment.flags, window),
            *(0, 0, 1, 1, 8, 10, segment.stamp, 0),
        )
        start = slot * layout.FLOW_STATE.size + _HEADER_AT
        states.octets[start : start + len(header)] = header
        words[at + _HEADER_LENGTH] = len(header)
        words[at + _HELD_END] += 1

    # --- arriving

    def arrive(self, segment: Segment) -> Segment:
        """What a segment for a virtual address becomes."""
        key = key_of(segment.target, segment.source)
        slot = self.flows.get(key)
        if slot is None:
            loose = self.loose.get(key)
            if loose is not None:
                self._arrive_loose(segment, loose)
            return segment
        self._count_in(segment, self.states, slot)
        at, words = slot * _WORDS, self.states.u32
        end = words[at + _SND_END]
        if segment.flags & (SYN | RST) or not segment.flags & ACK or not after(segment.ack, end):
            return segment
        if not after(words[at + _PEER_ACK], end) or after(segment.ack, words[at + _PEER_ACK]):
            words[at + _PEER_ACK] = segment.ack
        return segment._replace(ack=end)

    def _arrive_loose(self, segment: Segment, flow: Loose) -> None:
        if flow.kind != EMBRYO:
            return
        self._count_in(segment, flow.states, 0)
        if segment.flags & (SYN | ACK) != SYN | ACK or flow.peer == SURE:
            return
        words = flow.states.u32
        if segment.ack == (words[layout.OUR_ISN] + 1) & MASK:
            words[layout.PEER_ISN] = segment.seq
            flow.peer = SEEN

    def _count_in(self, segment: Segment, states: Array, slot: int) -> None:
        longs = slot * _LONGS
        states.u64[longs + layout.PACKETS_IN] += 1
        states.u64[longs + layout.BYTES_IN] += len(segment.data)


def read_packet(packet: bytes) -> Segment:
    """The whole IPv4 packet that node.kernel.acks.pure_ack makes."""
    source, target = (".".join(map(str, packet[at : at + 4])) for at in (12, 16))
    fields = _HEADER.unpack_from(packet, 20)
    port, other, seq, ack, _, flags, window = fields[:7]
    return Segment((source, port), (target, other), flags, seq, ack, b"", window * WINDOW_UNIT, fields[13])


class Maps:
    """What stands in for node.kernel.libbpf: calls on maps by what looks like file descriptors."""

    def __init__(self) -> None:
        self._gates: list[GateProgram] = []

    def offer(self, gate: GateProgram) -> dict[str, int]:
        """The descriptors that a worker is given."""
        base = 8 * len(self._gates)
        self._gates.append(gate)
        names = ("virtual", "flows", "loose", "node_words", "flow_states", "control", "stats")
        return {name: base + place for place, name in enumerate(names)}

    def array(self, fd: int, _octets: int) -> Array:
        gate = self._gates[fd // 8]
        return {3: gate.words, 4: gate.states, 5: gate.control, 6: gate.stats}[fd % 8]

    def lookup(self, fd: int, key: bytes, _size: int) -> bytes | None:
        found = self._gates[fd // 8].loose.get(key)
        return None if found is None else found.pack()

    def update(self, fd: int, key: bytes, value: bytes) -> None:
        gate = self._gates[fd // 8]
        if fd % 8 == 1:
            gate.flows[key] = layout.SLOT.unpack(value)[0]
        else:
            gate._set_loose(key, Loose(layout.LOOSE.unpack(value)[0]))

    def delete(self, fd: int, key: bytes) -> None:
        self._table(fd).pop(key, None)

    def keys(self, fd: int, _size: int) -> Iterator[bytes]:
        return iter(tuple(self._table(fd)))

    def clear(self, fd: int, _size: int) -> None:
        self._table(fd).clear()

    def _table(self, fd: int) -> dict[bytes, Any]:
        gate = self._gates[fd // 8]
        return gate.flows if fd % 8 == 1 else gate.loose
