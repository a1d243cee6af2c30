"""The same octets, however they are cut and whoever goes on in the middle, give the same answer."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import Checkpoint, Direction, Finding, Limits, OnUndecodable, Pdu, Stack
from tests.inspector import vectors as v
from tests.inspector.vectors import C2S, IDENTIFY, REPORT, S2C, Message, data, osi, request, tlv

LIMITS = Limits()
MODES: tuple[OnUndecodable, OnUndecodable] = ("reset", "pass")


@dataclass
class Outcome:
    """Everything a caller can see of a session."""

    pdus: list[Pdu] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    forward: list[int] = field(default_factory=lambda: [0, 0])
    reset: bool = False

    def feed(self, stack: Stack, direction: Direction, octets: bytes) -> int:
        result = stack.feed(direction, octets)
        self.pdus += result.pdus
        self.findings += result.findings
        self.forward[direction] += result.forward
        self.reset |= result.reset
        return result.forward


def whole(messages: list[Message], mode: OnUndecodable, limits: Limits = LIMITS) -> tuple[Outcome, bytes]:
    stack, outcome = Stack(limits, on_undecodable=mode), Outcome()
    for direction, octets in messages:
        outcome.feed(stack, direction, octets)
    return outcome, stack.snapshot()


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({it % (len(octets) + 1) for it in places}), len(octets)]
    return [octets[a:b] for a, b in pairwise(edges)]


pieces = st.sampled_from([octets for _, octets in v.conversation()])


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A message with some octets changed."""
    octets = bytearray(draw(pieces))
    for _ in range(draw(st.integers(1, 4))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(octets)


directions = st.sampled_from([C2S, S2C])
sessions = st.lists(st.tuples(directions, pieces | spoilt() | st.binary(max_size=30)), min_size=1, max_size=8)
cuts = st.lists(st.integers(0, 10_000), max_size=12)


@settings(max_examples=150, deadline=None)
@given(sessions, cuts, st.sampled_from(MODES))
def test_cuts_change_nothing(messages: list[Message], places: list[int], mode: OnUndecodable) -> None:
    expected = whole(messages, mode)
    for chop in (lambda it: cut(it, places), lambda it: [it[n : n + 1] for n in range(len(it))]):
        assert whole([(way, part) for way, octets in messages for part in chop(octets)], mode) == expected


@settings(max_examples=150, deadline=None)
@given(sessions, cuts, st.sampled_from(MODES))
def test_another_goes_on_after_every_chunk(messages: list[Message], places: list[int], mode: OnUndecodable) -> None:
    """Snapshot and restore; checkpoint, deltas and held octets; both instead of the stack that was."""
    expected = whole(messages, mode)
    restored, resumed = Stack(on_undecodable=mode), Stack(on_undecodable=mode)
    by_snapshot, by_delta = Outcome(), Outcome()
    kept = Checkpoint(resumed.checkpoint())
    held = {C2S: b"", S2C: b""}
    for direction, octets in messages:
        for part in cut(octets, places):
            by_snapshot.feed(restored, direction, part)
            restored = Stack.restore(restored.snapshot(), on_undecodable=mode)

            forward = by_delta.feed(resumed, direction, part)
            held[direction] = b"" if by_delta.reset else (held[direction] + part)[forward:]
            delta = resumed.take_delta()
            if delta is not None:
                kept.apply(delta)
            assert kept.pack() == resumed.checkpoint()
            resumed = Stack.resume(kept.pack(), (held[C2S], held[S2C]), on_undecodable=mode)
    assert (by_snapshot, restored.snapshot()) == expected
    assert by_delta == expected[0]


def test_cut_at_every_octet_of_a_conversation() -> None:
    messages = v.conversation()
    expected, end = whole(messages, "reset")
    assert len(expected.pdus) == len(messages)
    for at, (direction, octets) in enumerate(messages):
        stack, outcome = Stack(), Outcome()
        for way, earlier in messages[:at]:
            outcome.feed(stack, way, earlier)
        start = stack.checkpoint()
        for place in range(1, len(octets)):
            first = Stack.resume(start, (b"", b""))
            forward = first.feed(direction, octets[:place]).forward
            held = octets[forward:place]
            second = Stack.resume(first.checkpoint(), (held, b"") if direction == C2S else (b"", held))
            result = second.feed(direction, octets[place:])
            assert forward == 0
            assert (result.forward, result.pdus, result.findings) == (len(octets), (expected.pdus[at],), ())
    assert Stack.restore(end).snapshot() == end


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(directions, st.binary(max_size=200)), max_size=10), st.sampled_from(MODES))
def test_garbage_never_raises(messages: list[Message], mode: OnUndecodable) -> None:
    outcome, _ = whole(messages, mode)
    fed = [sum(len(octets) for way, octets in messages if way == direction) for direction in (C2S, S2C)]
    assert all(0 <= out <= into for out, into in zip(outcome.forward, fed, strict=True))


prefixes = st.sampled_from([b"", b"\x01\x00\x01\x00", b"\x01\x00\x01\x00\x61", b"\x0d", b"\xa0", b"\xa3"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(directions, prefixes, st.binary(max_size=60)), max_size=6), st.sampled_from(MODES))
def test_garbage_in_good_frames_never_raises(bodies: list[tuple[Direction, bytes, bytes]], mode: OnUndecodable) -> None:
    whole([(way, data(prefix + body)) for way, prefix, body in bodies], mode)


values = st.recursive(
    st.builds(tlv, st.sampled_from([0x02, 0x1A, 0x80, 0x81, 0x82, 0x83, 0x85, 0x86, 0x8A]), st.binary(max_size=6)),
    lambda inner: st.builds(
        lambda tag, items: tlv(tag, *items),
        st.sampled_from([0x30, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xAB, 0xAC, 0xAD]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=25,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(values, min_size=1, max_size=4), st.booleans())
def test_wellformed_nonsense_never_raises(items: list[bytes], confirmed: bool) -> None:
    """Good BER in places where MMS wants something else."""
    proof = data(osi(request(v.read(v.variables("DOM/Next_DSTransfer_Set")), 1)))
    for item in items:
        stack = Stack()
        stack.feed(C2S, proof)
        pdu = request(item, 2) if confirmed else tlv(0xA3, item)
        for direction, octets in ((C2S, pdu), (S2C, tlv(0xA1, b"\x02\x01\x01", item)), (S2C, item)):
            stack.feed(direction, data(osi(octets)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(directions, pieces | spoilt() | st.binary(max_size=300)), max_size=12), cuts)
def test_held_octets_stay_within_the_limit(messages: list[Message], places: list[int]) -> None:
    limits = Limits(held_bytes=400)
    stack = Stack(limits)
    for direction, octets in messages:
        for part in cut(octets, places):
            stack.feed(direction, part)
            assert max(map(len, stack.held)) <= limits.held_bytes


@pytest.mark.parametrize("limits", [Limits(held_bytes=200), Limits(depth=4), Limits(elements=10)])
def test_limits_are_met_alike_however_cut(limits: Limits) -> None:
    messages = [(C2S, IDENTIFY), (S2C, REPORT), (S2C, data(osi(v.report(v.variables("A"), *[v.real()] * 90)), 50))]
    octetwise = [(way, octets[n : n + 1]) for way, octets in messages for n in range(len(octets))]
    expected = whole(messages, "reset", limits)
    assert expected[0].reset
    assert whole(octetwise, "reset", limits) == expected
