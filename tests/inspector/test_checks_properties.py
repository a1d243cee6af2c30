"""Whatever decodes, checks look at it without raising and without changing anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import Action, Stack, checks, judge, services
from inspector.checks.base import count, inside
from inspector.judge import Policing
from inspector.policy import PointLimit, PointRow, Policy, Rate, Span
from inspector.watch import Watch
from tests.inspector import vectors as v
from tests.inspector.checking import ICCP, NOW, Recorder
from tests.inspector.vectors import C2S, S2C, Message, data, integer, osi, request, response, tlv, variables

EVERYTHING_LIMITED = Policy(
    1,
    points=[
        PointRow("*", ("*",), PointLimit(Span(0, 1), frozenset(("valid",)), Rate(1, 9))),
        PointRow(None, ("*",), PointLimit(Span(0, 1))),
    ],
)


@pytest.fixture(autouse=True)
def nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever checks are called, what they are given stays as it was."""
    really = checks.check

    def check(seen, association, limits, watch, *ends):  # type: ignore[no-untyped-def]
        before = association.pack(), watch.pack(), association.touched
        events = really(seen, association, limits, watch, *ends)
        assert (association.pack(), watch.pack(), association.touched) == before
        assert all(isinstance(it.detail, str) and isinstance(it.key, str) for it in events)
        return events

    monkeypatch.setattr(judge.checks, "check", check)


def look(messages: list[Message]) -> None:
    recorder = Recorder(lambda _: Action.PASS)
    watch = Watch()
    watch.connected("west", NOW)
    policing = Policing(rules=recorder, policy=EVERYTHING_LIMITED, watch=watch, client="east")  # type: ignore[arg-type]
    stack = Stack(policing=policing, on_undecodable="continue")
    for direction, octets in messages:
        stack.feed(direction, octets, NOW)


directions = st.sampled_from([C2S, S2C])
tags = st.sampled_from([0x02, 0x06, 0x19, 0x1A, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8A])
holders = st.sampled_from([0x30, 0xA0, 0xA1, 0xA2, 0xA3, 0xA7])
values = st.recursive(
    st.builds(tlv, tags, st.binary(max_size=9)),
    lambda inner: st.builds(lambda tag, items: tlv(tag, *items), holders, st.lists(inner, max_size=4)),
    max_leaves=20,
)
contents = st.lists(values, max_size=4).map(b"".join)


def service(number: int, constructed: bool, body: bytes) -> bytes:
    first = 0xA0 if constructed else 0x80
    return tlv(first | number, body) if number < 31 else tlv((first | 0x1F) << 8 | number, body)


numbers = st.integers(0, len(services.CONFIRMED_SERVICES) - 1)
bodies = contents | st.binary(max_size=20)
names = st.sampled_from(
    ["DOM/TS-01", "DOM/P1", "DOM/BRK_SBO", "DOM/BRK", "DOM/BRK_TAG", "DOM/Transfer_Report_NACK", "P"]
)
written = st.builds(lambda these, body: v.write(variables(*these), body), st.lists(names, max_size=3), contents)
requests = st.builds(request, st.builds(service, numbers, st.booleans(), bodies) | written, st.integers(0, 3))
responses = st.builds(response, st.builds(service, numbers, st.booleans(), bodies), st.integers(0, 3))
errors = st.builds(lambda n, body: tlv(0xA2, integer(n, 0x80), body), st.integers(0, 3), contents)
reports = st.builds(
    lambda these, by_list, body: v.report(v.variable_list(these[0]) if by_list else variables(*these), body),
    st.lists(names, min_size=1, max_size=3),
    st.booleans(),
    contents,
)
others = st.builds(tlv, st.sampled_from(sorted(services.PDUS)), bodies)
pdus = st.one_of(requests, responses, errors, reports, others)
messages = st.tuples(directions, pdus.map(lambda it: data(osi(it))))


@settings(max_examples=400, deadline=None)
@given(st.lists(messages, min_size=1, max_size=8), st.booleans())
def test_nonsense_in_good_order_never_raises(said: list[Message], opened: bool) -> None:
    look([*ICCP, *said] if opened else said)


pieces = st.sampled_from([*v.conversation(), *ICCP])


@st.composite
def spoilt(draw: st.DrawFn) -> Message:
    """A message with some octets changed."""
    direction, octets = draw(pieces)
    changed = bytearray(octets)
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return direction, bytes(changed)


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces | spoilt(), min_size=1, max_size=12))
def test_spoilt_conversations_never_raise(said: list[Message]) -> None:
    look([*ICCP, *said])


def test_a_whole_conversation_changes_nothing() -> None:
    look(v.conversation())


@given(st.lists(values, max_size=6), st.binary(max_size=4))
def test_values_are_counted_as_they_are_walked(items: list[bytes], rest: bytes) -> None:
    octets = b"".join(items)
    assert count(octets, 0, len(octets)) == len(inside(octets, 0, len(octets))) == len(items)
    spoilt_ = octets + rest
    counted = count(spoilt_, 0, len(spoilt_))
    assert counted is None or counted == len(inside(spoilt_, 0, len(spoilt_)))
