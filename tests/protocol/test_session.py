"""A session's bookkeeping: both nodes run the same transitions and end up with the same state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages
from protocol.cache import SessionCache
from protocol.errors import MessageError
from protocol.sequence import advance, distance
from protocol.session import Edit, Leg, Session


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
    assert session.receive(0, b"abcd", 4) == (b"abcd", b"")
    assert (session.leg(0).received, bytes(session.leg(0).held), bytes(session.leg(1).tail)) == (4, b"", b"abcd")


def test_a_part_of_a_pdu_is_held_until_the_rest_is_decided_on() -> None:
    session = new_session()
    assert session.receive(0, b"ab", 0) == (b"", b"")
    assert session.receive(0, b"cdX", 4) == (b"abcd", b"")
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
    assert session.receive(0, b"cd", 2) == (b"", b"")
    assert session.receive(0, b"efg", 3) == (b"fg", b"")
    assert (leg.ahead, leg.sent, bytes(leg.tail)) == (0, 7, b"fg")


def test_an_edit_takes_bytes_out_puts_others_in_their_place_and_sends_others_back() -> None:
    session = new_session()
    session.receive(0, b"ab", 0)
    edits = [(1, 3, b"", b"no"), (3, 4, b"instead", b""), (5, 5, b"", b"never")]
    assert session.receive(0, b"cdefg", 5, edits) == (b"ainsteade", b"nonever")
    client, server = session.leg(0), session.leg(1)
    assert (bytes(client.held), bytes(client.tail), bytes(server.tail)) == (b"fg", b"nonever", b"ainsteade")
    assert (client.received, server.received) == (7, 0), "what the node makes up, no peer has sent"


def test_what_goes_back_is_not_sent_twice_either() -> None:
    session = new_session()
    session.leg(0).leap(3)
    assert session.receive(0, b"ab", 2, [(0, 1, b"", b"error")]) == (b"b", b"or")


def test_nothing_goes_back_after_the_fin() -> None:
    session = new_session()
    session.end(1)
    assert session.receive(0, b"ab", 2, [(0, 2, b"", b"error")]) == (b"", b"")
    assert not session.leg(0).tail


@pytest.mark.parametrize(
    "edits",
    [
        [(2, 1, b"", b"")],
        [(3, 5, b"", b"")],
        [(-1, 2, b"", b"")],
        [(0, 2, b"", b""), (1, 3, b"", b"")],
        [(2, 3, b"", b""), (0, 1, b"", b"")],
    ],
)
def test_edits_that_are_not_ordered_spans_of_what_is_decided_are_refused(edits: list[Edit]) -> None:
    session = new_session()
    with pytest.raises(MessageError, match="bad-edits"):
        session.receive(0, b"abcdef", 4, edits)
    assert session.to_wire() == new_session().to_wire(), "and nothing has changed"


def test_a_record_of_the_first_version_is_of_a_session_that_is_not_guarded() -> None:
    session = new_session()
    session.guarded = True
    record = session.to_wire()
    assert Session.from_wire(record, Decoder).guarded
    assert not Session.from_wire(record[:-1], Decoder).guarded


def test_a_record_survives_the_wire() -> None:
    session = new_session()
    session.receive(0, b"abcdef", 4)
    session.end(1)
    copy = Session.from_wire(session.to_wire(), Decoder)
    assert copy.to_wire() == session.to_wire()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r[:-2],
        lambda r: [*r, 1],
        lambda r: [*r[:-1], 2],
        lambda r: [*r[:7], b"unreadable", r[8]],
        lambda r: [*r[:6], [[], None], *r[7:]],
    ],
)
def test_a_damaged_record_is_refused(spoil: object) -> None:
    with pytest.raises(MessageError):
        Session.from_wire(spoil(new_session().to_wire()), Decoder)  # type: ignore[operator]


CUTS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.binary(max_size=9), st.binary(max_size=9)), max_size=3)
DATA = st.tuples(st.just("data"), st.integers(0, 1), st.binary(max_size=40), st.floats(0, 1), CUTS)


def edits_of(cuts: list[tuple[float, float, bytes, bytes]], forward: int) -> tuple[Edit, ...]:
    """Ordered spans of the decided bytes, made from any numbers."""
    places = iter(sorted(round(share * forward) for cut in cuts for share in cut[:2]))
    return tuple((next(places), next(places), instead, back) for _, _, instead, back in cuts)


STEPS = st.lists(
    st.one_of(
        DATA,
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
        case ("data", int(number), bytes(data), float(share), list(cuts)):
            other = session.leg(1 - number)
            forward = int(share * (len(session.leg(number).held) + len(data)))
            edits = edits_of(cuts, forward)
            session.receive(number, data, forward, edits)
            session.decoder.apply(b"d")
            return messages.Data(7, number, data, forward, other.acknowledged, b"d", edits)
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


@given(st.lists(st.one_of(DATA, st.tuples(st.just("commit"), st.floats(0, 1)), st.tuples(st.just("die"))), max_size=60))
def test_what_the_peers_of_a_guarded_session_have_the_passive_would_send(
    steps: list[tuple[object, ...]],
) -> None:
    """Whatever each node decides, at whatever moment it dies."""
    cache, first = SessionCache(Decoder, 10), new_session()
    cache.apply([messages.Opened(first.to_wire())])
    primary, flying, peers = first, list[tuple[messages.Message, tuple[int, ...]]](), [b"", b""]
    for step in steps:
        match step:
            case ("commit", float(share)):
                for _ in range(round(share * len(flying))):
                    message, released = flying.pop(0)
                    cache.apply([message])
                    peers = [bytes(primary.leg(n).tail[: released[n]]) for n in (0, 1)]
            case ("die",):
                primary, flying = cache.sessions[7], []
                peers = [bytes(primary.leg(number).tail) for number in (0, 1)]
                cache.apply([messages.Opened(primary.to_wire())])
            case _:
                message = _perform(primary, step)
                flying.append((message, tuple(primary.leg(number).sent for number in (0, 1))))
        for number in (0, 1):
            assert bytes(cache.sessions[7].leg(number).tail).startswith(peers[number])
