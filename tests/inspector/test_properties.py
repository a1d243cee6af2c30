"""The same octets, however they are cut and whoever goes on in the middle, give the same answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import Checkpoint, Direction, Finding, Limits, OnUndecodable, Pdu, Stack
from scripts.lab.fuzz import mutations, trial
from scripts.lab.fuzz.grammar import EXCHANGES, SEGMENTS, Said, Talk
from scripts.lab.fuzz.inputs import Input
from scripts.lab.fuzz.material import ASSOCIATED, BARE, BUSY, FRESH
from scripts.lab.fuzz.material import Message as Taken
from scripts.lab.fuzz.setups import Setup, setups
from tests.inspector import vectors as v
from tests.inspector.captures import FOLDER, needs_captures, segments
from tests.inspector.vectors import C2S, IDENTIFY, REPORT, S2C, Message, data, osi, request, tlv

LIMITS = Limits()
SETUPS = {it.name: it for it in setups()}
every_setup = pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
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
contents = pieces | spoilt() | st.binary(min_size=1, max_size=30)
sessions = st.lists(st.tuples(directions, contents), min_size=1, max_size=8)
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


# --- under every kind of policing: captures

AREVA = "iccp_areva_2005_genuine.pcap"
DINA = "iccp_dina_2025_open_read_write_close.pcap"
SHORT = ("mms_session_refuse_acse_abort.pcapng", "iec61850_malformed_ac_spdu.pcap", "piccolo.pcap")
HEAD_BYTES = 20_000
"""Of the long capture: its opening, its name lists and some two hundred of its thousand reads."""


@cache
def captured(name: str, octets_max: int = 1 << 30) -> tuple[tuple[int, bytes], ...]:
    """The first connection of a capture, segment by segment."""
    sent: list[tuple[int, bytes]] = []
    first = None
    for flow, direction, octets in segments(FOLDER / name):
        first = first or flow
        octets_max -= len(octets)
        if flow == first and octets_max > 0:
            sent.append((int(direction), octets))
    return tuple(sent)


@needs_captures
@every_setup
@pytest.mark.parametrize("name", [AREVA, DINA, *SHORT])
def test_captures_give_the_same_however_cut(setup: Setup, name: str) -> None:
    rng = Random(name)
    for step_ms in (0, 700):
        stream = Input(name, 0, FRESH, captured(name, HEAD_BYTES), 0, step_ms)
        trial.compare(setup, stream, rng.randrange(20, 400))


@needs_captures
@pytest.mark.parametrize("name", ["no policing", "stock rules", "enforcing"])
def test_a_capture_cut_at_every_octet_goes_on_elsewhere(name: str) -> None:
    """Another inspector after every octet of a conversation between two control centres."""
    setup = SETUPS[name]
    stream = Input(AREVA, 0, FRESH, captured(AREVA, 9_000), 0, 40)
    expected = trial.whole(setup, stream)
    assert len(expected.pdus) > 40
    assert trial.restored(setup, stream, 1) == expected
    assert trial.resumed(setup, stream, 1) == expected


# --- and generated streams

exchanges = st.lists(st.sampled_from(EXCHANGES), min_size=1, max_size=6)
seeds = st.integers(0, 1 << 16)
steps = st.sampled_from([0, 40, 900, 70_000])


def told(exchanges: list[Callable[[Talk], list[Said]]], seed: int, start: int) -> list[Said]:
    """A conversation, or what may follow an opening."""
    talk = Talk(Random(seed), bare=start == BARE)
    said = talk.opening() + talk.start_up() if start == FRESH else []
    return said + [it for exchange in exchanges for it in exchange(talk)]


def stream_of(said: list[Said], rng: Random, start: int, step_ms: int) -> Input:
    """On the wire; some TSDUs in several segments, some messages in one go."""
    sent: list[tuple[int, bytes]] = []
    for it in said:
        wire = it.wire(rng.choice(SEGMENTS) if rng.random() < 0.3 else 65_000)
        if sent and sent[-1][0] == it.direction and rng.random() < 0.5:
            wire = sent.pop()[1] + wire
        sent.append((it.direction, wire))
    return Input("generated", 0, start, tuple(sent), 0, step_ms)


@every_setup
@settings(max_examples=20, deadline=None)
@given(exchanges, seeds, st.sampled_from([FRESH, ASSOCIATED, BUSY, BARE]), steps, st.integers(2, 90))
def test_conversations_give_the_same_however_fed(
    setup: Setup, exchanges: list[Callable[[Talk], list[Said]]], seed: int, start: int, step_ms: int, piece: int
) -> None:
    stream = stream_of(told(exchanges, seed, start), Random(seed), start, step_ms)
    trial.run(setup, stream)
    trial.compare(setup, stream, piece)


@every_setup
@settings(max_examples=30, deadline=None)
@given(exchanges, seeds, steps, st.integers(2, 90))
def test_spoilt_conversations_give_the_same_however_fed(
    setup: Setup, exchanges: list[Callable[[Talk], list[Said]]], seed: int, step_ms: int, piece: int
) -> None:
    """One message is wrong somewhere inside, with the lengths around it right."""
    said, rng = told(exchanges, seed, BUSY), Random(seed)
    at = rng.randrange(len(said))
    tree = Taken.of(said[at]).tree
    said[at] = said[at]._replace(octets=mutations.one_node(rng, tree, [tree]))
    stream = stream_of(said, rng, BUSY, step_ms)
    trial.run(setup, stream)
    trial.compare(setup, stream, piece)


@pytest.mark.parametrize("name", ["stock rules, narrow", "own rules", "enforcing, narrow", "strict", "patient"])
@settings(max_examples=4, deadline=None)
@given(exchanges, seeds, steps)
def test_another_inspector_after_every_octet(
    name: str, exchanges: list[Callable[[Talk], list[Said]]], seed: int, step_ms: int
) -> None:
    setup = SETUPS[name]
    stream = stream_of(told(exchanges[:3], seed, BUSY), Random(seed), BUSY, step_ms)
    expected = trial.whole(setup, stream, 1)
    assert trial.restored(setup, stream, 1) == expected
    assert trial.resumed(setup, stream, 1) == expected


@every_setup
def test_reports_of_several_shapes_interleaved(setup: Setup) -> None:
    """Long enough for shapes to be learned, with pauses after which rate windows begin anew."""
    for seed in range(4):
        talk = Talk(Random(seed))
        said = [*talk.create_data_set(), *talk.transfer(), *talk.transfer()]
        for _ in range(6):
            said += talk.reports()
        for step_ms in (0, 900, 30_000):
            trial.compare(setup, stream_of(said, Random(seed), BUSY, step_ms), 50 + seed)
