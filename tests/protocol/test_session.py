"""A session's bookkeeping: both nodes run the same transitions and end up with the same state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages
from protocol.cache import SessionCache
from protocol.errors import MessageError
from protocol.sequence import advance, distance
from protocol.session import Leg, Session


class Decoder:
    """Decoder state that is the sum of its deltas."""

    def __init__(self, packed: bytes) -> None:
        if packed == b"unreadable":
            raise ValueError("unknown version")
        self.packed = packed

    def apply(self, delta: bytes) -> None:
        if delta == b"!":
            raise ValueError("does not fit")
        self.packed += delta

    def pack(self) -> bytes:
        return self.packed


def new_session(id_: int = 7) -> Session:
    legs: list[Leg | None] = [Leg(["client"], 0xFFFFFFF0, 1000), Leg(["server"], 2000, 3000)]
    return Session(id_, "iccp", "10.1.100.10:40000", "172.16.200.177:102", 1.0, legs, Decoder(b"s"))


def test_sequence_numbers_wrap() -> None:
    assert advance(0xFFFFFFFF, 2) == 1
    assert advance(5, 1 << 33) == 5
    assert distance(0xFFFFFFFE, 3) == 5
    assert distance(3, 0xFFFFFFFE) == -5


def test_whole_pdus_go_straight_to_the_other_legs_tail() -> None:
    session = new_session()
    assert session.receive(0, b"abcd", 4) == b"abcd"
    assert (session.leg(0).received, bytes(session.leg(0).held), bytes(session.leg(1).tail)) == (4, b"", b"abcd")


def test_a_part_of_a_pdu_is_held_until_the_rest_is_decided_on() -> None:
    session = new_session()
    assert session.receive(0, b"ab", 0) == b""
    assert session.receive(0, b"cdX", 4) == b"abcd"
    assert bytes(session.leg(0).held) == b"X"
    assert session.leg(0).receive_sequence == advance(0xFFFFFFF0, 5)


def test_an_acknowledgement_trims_the_tail_and_older_news_changes_nothing() -> None:
    session = new_session()
    session.receive(0, b"abcdef", 6)
    leg = session.leg(1)
    leg.acknowledge(4)
    leg.acknowledge(2)
    assert (leg.acknowledged, bytes(leg.tail), leg.sent, leg.send_sequence) == (4, b"ef", 6, 3004)
    leg.acknowledge(99)  # more than was ever sent: at most all of it
    assert (leg.acknowledged, leg.sent) == (6, 6)


def test_a_fin_is_one_more_position_and_drops_what_will_never_be_decided() -> None:
    session = new_session()
    session.receive(1, b"half", 0)
    session.end(1)
    leg = session.leg(1)
    assert (leg.position, leg.receive_sequence, bytes(leg.held)) == (5, 2005, b"")


@pytest.mark.parametrize("forward", [-1, 5])
def test_forwarding_what_is_not_held_is_refused(forward: int) -> None:
    with pytest.raises(MessageError, match="bad-forward"):
        new_session().receive(0, b"abcd", forward)


def test_what_the_peer_has_already_is_made_again_and_not_sent() -> None:
    session = new_session()
    session.receive(0, b"ab", 2)
    leg = session.leg(1)
    leg.leap(5)
    assert (leg.sent, leg.acknowledged, leg.ahead, leg.send_sequence) == (5, 5, 3, 3005)
    assert session.receive(0, b"cd", 2) == b""
    assert session.receive(0, b"efg", 3) == b"fg"
    assert (leg.ahead, leg.sent, bytes(leg.tail)) == (0, 7, b"fg")


def test_a_record_survives_the_wire() -> None:
    session = new_session()
    session.receive(0, b"abcdef", 4)
    session.end(1)
    copy = Session.from_wire(session.to_wire(), Decoder)
    assert copy.to_wire() == session.to_wire()


@pytest.mark.parametrize(
    "spoil", [lambda r: r[:-1], lambda r: [*r[:-1], b"unreadable"], lambda r: [*r[:6], [[], None], r[7]]]
)
def test_a_damaged_record_is_refused(spoil: object) -> None:
    with pytest.raises(MessageError):
        Session.from_wire(spoil(new_session().to_wire()), Decoder)  # type: ignore[operator]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.integers(0, 1), st.binary(max_size=40), st.floats(0, 1)),
        st.tuples(st.just("ack"), st.integers(0, 1), st.floats(0, 1)),
        st.tuples(st.just("leap"), st.integers(0, 1), st.integers(0, 50)),
        st.tuples(st.just("dump")),
    ),
    max_size=60,
)


@given(STEPS)
def test_the_passives_copy_equals_the_primarys_session_after_every_message(steps: list[tuple[object, ...]]) -> None:
    primary, cache = new_session(), SessionCache(Decoder, 10)
    cache.apply([messages.Opened(primary.to_wire())])
    for step in steps:
        cache.apply(messages.unpack(messages.pack([_perform(primary, step)])))
        assert cache.sessions[7].to_wire() == primary.to_wire()
        for leg in (primary.leg(0), primary.leg(1)):
            assert leg.sent - leg.acknowledged == len(leg.tail)


def _perform(session: Session, step: tuple[object, ...]) -> messages.Message:
    match step:
        case ("data", int(number), bytes(data), float(share)):
            other = session.leg(1 - number)
            forward = int(share * (len(session.leg(number).held) + len(data)))
            session.receive(number, data, forward)
            session.decoder.apply(b"d")
            return messages.Data(7, number, data, forward, other.acknowledged, b"d")
        case ("leap", int(number), int(count)):
            leg = session.leg(number)
            leg.leap(leg.sent + count)
            return messages.Opened(session.to_wire())
        case ("ack", int(number), float(share)):
            leg = session.leg(number)
            leg.acknowledge(leg.acknowledged + int(share * len(leg.tail)))
            leg.packets = (leg.packets[0] + 1, leg.packets[1])
            return messages.Progress(7, number, leg.acknowledged, *leg.packets)
        case _:
            return messages.Opened(session.to_wire())
