"""Streams out of segments in any order, and the ends of connections."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import Direction
from node.captures import reassembly, streams
from node.captures.files import Frame
from node.captures.notes import Notes
from node.captures.packets import Packets
from node.captures.reassembly import Reassembler
from node.captures.streams import Piece, looks_like_tpkt
from tests.captures.frames import ACK, CLIENT, FIN, RST, SERVER, SYN, End, handshake, packets, tcp
from tests.inspector.vectors import CR, IDENTIFY, REPORT, conversation

C2S, S2C = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
FIRST = 1001
"""The first octet's sequence number behind `handshake`."""


class Run:
    """Packets through a reassembler."""

    def __init__(self, packets: Iterable[bytes], ports: frozenset[int] = reassembly.DEFAULT_PORTS) -> None:
        self.notes = Notes()
        self.reassembler = Reassembler(self.notes, ports)
        self.pieces: list[Piece] = []
        walk = Packets(self.notes)
        for number, packet in enumerate(packets, 1):
            segment = walk.segment(Frame(number, number * 1000, 101, packet))
            assert segment is not None
            self.pieces += self.reassembler.add(segment, number, number * 1000)
        self.before_the_end = len(self.pieces)
        self.pieces += self.reassembler.finish()

    def stream(self, direction: Direction, connection: int = 1) -> bytes:
        return b"".join(
            it.octets for it in self.pieces if it.direction == direction and it.connection.number == connection
        )

    @property
    def ends(self) -> list[tuple[End, End, bool]]:
        found = {it.connection.number: it.connection for it in self.pieces}
        return [(it.client, it.server, it.midstream) for it in found.values()]


def from_client(at: int, octets: bytes, flags: int = ACK) -> bytes:
    return tcp(CLIENT, SERVER, at, octets, flags)


def acknowledge(at: int) -> bytes:
    return tcp(SERVER, CLIENT, 5001, flags=ACK, acknowledged=at)


def test_a_conversation() -> None:
    run = Run(packets())
    assert [(it.direction, it.octets) for it in run.pieces] == conversation()
    assert [it.frame for it in run.pieces] == list(range(4, 4 + len(conversation())))
    assert run.ends == [(CLIENT, SERVER, False)]
    assert run.notes.told() == []
    assert not any(it.anew for it in run.pieces)


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[bytes, int, list[tuple[int, bytes]]]:
    """A stream, its first sequence number, and segments of it: cut, overlapping, repeated, in any order."""
    stream = draw(st.binary(min_size=1, max_size=200))
    cuts = sorted({0, len(stream), *draw(st.lists(st.integers(0, len(stream)), max_size=12))})
    spans = list(itertools.pairwise(cuts))
    extra = st.tuples(st.integers(0, len(stream) - 1), st.integers(1, 60))
    spans += [(at, min(at + size, len(stream))) for at, size in draw(st.lists(extra, max_size=8))]
    first = draw(st.sampled_from((0, 1000, 2**31 - 50, 2**32 - 1, 2**32 - 100)))
    return stream, first, [(at, stream[at:stop]) for at, stop in draw(st.permutations(spans))]


@given(shuffled())
def test_any_order_repeat_and_overlap_give_the_stream(case: tuple[bytes, int, list[tuple[int, bytes]]]) -> None:
    stream, first, segments = case
    run = Run([*handshake(first=(first, 7)), *(from_client(first + 1 + at, octets) for at, octets in segments)])
    assert run.stream(C2S) == stream
    assert run.notes.told() == []
    assert len(run.pieces) == run.before_the_end


@given(shuffled())
def test_any_order_across_both_directions(case: tuple[bytes, int, list[tuple[int, bytes]]]) -> None:
    """The receiver's acknowledgements are never ahead of what was captured, and cost nothing."""
    stream, first, segments = case
    made = handshake(first=(first, 7))
    have: set[int] = set()
    for at, octets in segments:
        have.update(range(at, at + len(octets)))
        reached = next(n for n in range(len(stream) + 1) if n not in have)
        made.append(from_client(first + 1 + at, octets))
        made.append(tcp(SERVER, CLIENT, 8, b"", ACK, acknowledged=first + 1 + reached))
    run = Run(made)
    assert run.stream(C2S) == stream
    assert run.notes.told() == []


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=6), st.data())
def test_of_octets_that_differ_the_first_count(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    at = data.draw(st.integers(0, len(stream) - 1))
    other = bytes(octet ^ 0xFF for octet in stream[at : at + 20])
    run = Run([*handshake(), from_client(FIRST, stream), from_client(FIRST + at, other + b"next")])
    assert run.stream(C2S).startswith(stream)
    assert run.notes.counts["overlap"] == 1


def test_octets_that_differ_while_they_wait() -> None:
    late = [from_client(FIRST + 4, b"efgh"), from_client(FIRST + 2, b"cdEFGHij"), from_client(FIRST, b"ab")]
    run = Run([*handshake(), *late])
    assert run.stream(C2S) == b"abcdefghij"
    assert run.notes.counts == {"overlap": 1}
    assert "frame 5: 10.0.0.1:50000 to 10.0.0.2:102 sends other octets than before" in run.notes.told()[0]


def test_a_keep_alive_is_no_overlap() -> None:
    run = Run([*handshake(), from_client(FIRST, b"abc"), from_client(FIRST + 2, b"\0"), from_client(FIRST + 3, b"d")])
    assert (run.stream(C2S), run.notes.told()) == (b"abcd", [])


def test_pieces_keep_the_frame_they_came_in() -> None:
    run = Run([*handshake(), from_client(FIRST + 1, b"b"), from_client(FIRST, b"a")])
    assert [(it.octets, it.frame, it.time_ns) for it in run.pieces] == [(b"a", 5, 5000), (b"b", 4, 4000)]


# Midstream


def test_midstream_starts_at_a_tpkt_header() -> None:
    run = Run(
        [
            from_client(90, b"the rest of something"),
            from_client(111, IDENTIFY[:4]),
            from_client(115, IDENTIFY[4:]),
            tcp(SERVER, CLIENT, 7, b"\x03\x00\x00\x05"),
            tcp(SERVER, CLIENT, 11, REPORT),
        ]
    )
    assert run.stream(C2S) == IDENTIFY
    assert run.stream(S2C) == REPORT
    assert run.ends == [(CLIENT, SERVER, True)]
    assert not any(it.anew for it in run.pieces)


@pytest.mark.parametrize(
    ("octets", "is_one"),
    [
        (b"\x03\x00\x00\x07", True),
        (b"\x03\x00\x00\x06", False),
        (b"\x03\x00\x00", False),
        (b"\x03\x01\x00\x07", False),
        (b"", False),
        (IDENTIFY, True),
        (IDENTIFY + REPORT, True),
        (IDENTIFY + b"\x03", True),
        (IDENTIFY + b"\x03\x00\x00\x05", False),
        (b"\x03\x00\x00\x07\x02\x10\x80", False),
    ],
)
def test_what_a_tpkt_header_looks_like(octets: bytes, is_one: bool) -> None:
    assert looks_like_tpkt(octets) is is_one


@pytest.mark.parametrize(
    ("source", "target", "flags", "octets", "client"),
    [
        (("10.0.0.1", 9), ("10.0.0.2", 7), SYN, b"", ("10.0.0.1", 9)),
        (("10.0.0.1", 9), ("10.0.0.2", 7), SYN | ACK, b"", ("10.0.0.2", 7)),
        (("10.0.0.1", 102), ("10.0.0.2", 99), ACK, b"", ("10.0.0.2", 99)),
        (("10.0.0.1", 99), ("10.0.0.2", 102), ACK, b"", ("10.0.0.1", 99)),
        (("10.0.0.1", 5000), ("10.0.0.2", 2000), ACK, b"", ("10.0.0.1", 5000)),
        (("10.0.0.1", 2000), ("10.0.0.2", 5000), ACK, b"", ("10.0.0.2", 5000)),
        (("10.0.0.1", 5000), ("10.0.0.2", 5000), ACK, CR, ("10.0.0.1", 5000)),
        (("10.0.0.1", 102), ("10.0.0.2", 102), ACK, CR, ("10.0.0.1", 102)),
        (("10.0.0.1", 2000), ("10.0.0.2", 5000), ACK, CR, ("10.0.0.1", 2000)),
        (("10.0.0.1", 5000), ("10.0.0.2", 5000), ACK, b"\x03\x00\x00\x0b\x06\xd0", ("10.0.0.2", 5000)),
    ],
)
def test_which_end_is_the_client(source: End, target: End, flags: int, octets: bytes, client: End) -> None:
    first = tcp(source, target, 50, octets, flags)
    run = Run([first, tcp(source, target, 51 if flags & SYN else 50 + len(octets), IDENTIFY)])
    assert [it[0] for it in run.ends] == [client]


# Gaps


def test_a_gap_that_the_receiver_acknowledged() -> None:
    start = FIRST + len(IDENTIFY)
    behind = start + 10
    made = [
        *handshake(),
        from_client(FIRST, IDENTIFY),
        from_client(behind, b"the rest of it"),
        from_client(behind + 14, IDENTIFY),
        acknowledge(behind),
    ]
    run = Run(made)
    assert [(it.octets, it.anew) for it in run.pieces] == [(IDENTIFY, False), (IDENTIFY, True)]
    assert run.before_the_end == 2
    assert run.notes.told() == ["frame 5: 10 octets of 10.0.0.1:50000 to 10.0.0.2:102 before it are missing"]
    after = Run([*made, from_client(start, b"0123456789"), from_client(behind + 14 + len(IDENTIFY), b"on")])
    assert after.stream(C2S) == IDENTIFY * 2 + b"on"


def test_a_gap_at_the_end_of_the_capture() -> None:
    run = Run([*handshake(), from_client(FIRST + 9, IDENTIFY), from_client(FIRST + 9 + 99, REPORT)])
    assert run.before_the_end == 0
    assert [(it.octets, it.anew) for it in run.pieces] == [(IDENTIFY, True), (REPORT, True)]
    assert run.notes.counts == {"gap": 2}


@pytest.mark.parametrize("end", [RST, SYN])
def test_a_gap_at_the_end_of_the_connection(end: int) -> None:
    run = Run([*handshake(), from_client(FIRST + 9, IDENTIFY), from_client(7, b"", end)])
    assert [(it.octets, it.anew) for it in run.pieces] == [(IDENTIFY, True)]
    assert run.before_the_end == 1


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HELD_SEGMENTS_MAX", 8)
    made = [from_client(FIRST + 10 + n * len(IDENTIFY), IDENTIFY) for n in range(9)]
    run = Run([*handshake(), *made])
    assert run.before_the_end == 9
    assert run.notes.counts == {"gap": 1}
    monkeypatch.setattr(streams, "HELD_BYTES_MAX", 100)
    monkeypatch.setattr(streams, "HELD_SEGMENTS_MAX", 80)
    assert Run([*handshake(), *made]).before_the_end == 9


def test_a_segment_far_outside_the_window_is_not_of_the_stream() -> None:
    run = Run([*handshake(), from_client(FIRST + (1 << 30) + 1, b"x"), from_client(FIRST, IDENTIFY)])
    assert (run.stream(C2S), run.notes.told()) == (IDENTIFY, [])


def test_a_reader_that_lost_its_way_starts_anew_at_a_header() -> None:
    run = Run(handshake())
    walk = Packets(run.notes)

    def add(number: int, packet: bytes) -> list[Piece]:
        segment = walk.segment(Frame(number, 0, 101, packet))
        assert segment is not None
        return run.reassembler.add(segment, number, 0)

    (piece,) = add(4, from_client(FIRST, b"nonsense"))
    piece.connection.streams[C2S].restart()
    assert add(5, from_client(FIRST + 8, b"nonsense")) == []
    assert add(6, from_client(FIRST, b"nonsense")) == []
    (piece,) = add(7, from_client(FIRST + 16, IDENTIFY))
    assert (piece.octets, piece.anew) == (IDENTIFY, True)


# Connections


def test_ports_used_again() -> None:
    made = [*packets(), *packets([(C2S, IDENTIFY)], first=(77_000, 99_000)), *packets([(C2S, REPORT)], first=(5, 6))]
    run = Run(made)
    assert run.reassembler.connections == 3
    assert [run.stream(C2S, number) for number in (2, 3)] == [IDENTIFY, REPORT]
    assert not any(midstream for _, _, midstream in run.ends)


def test_a_syn_sent_twice_is_one_connection() -> None:
    first, second, third = handshake()
    run = Run([first, first, second, second, third, from_client(FIRST, IDENTIFY), first])
    assert (run.reassembler.connections, run.stream(C2S)) == (1, IDENTIFY)


def test_a_syn_that_comes_after_its_answer() -> None:
    first, second, third = handshake()
    run = Run([second, first, third, from_client(FIRST, b"a"), tcp(SERVER, CLIENT, 5001, b"b")])
    assert run.ends == [(CLIENT, SERVER, False)]
    assert (run.stream(C2S), run.stream(S2C)) == (b"a", b"b")


def test_connections_side_by_side() -> None:
    other = ("10.0.0.1", 50_001)
    mixed = [it for pair in zip(packets(), packets(client=other), strict=True) for it in pair]
    run = Run(mixed)
    for number in (1, 2):
        assert run.stream(C2S, number) == b"".join(octets for direction, octets in conversation() if direction == C2S)
    assert [it[0] for it in run.ends] == [CLIENT, other]


def test_other_protocols_are_not_followed() -> None:
    web = ("10.0.0.2", 80)
    run = Run([*packets([(C2S, b"GET / HTTP/1.0\r\n"), (S2C, IDENTIFY)], server=web), *packets([(C2S, b"\x03")])])
    assert (run.reassembler.connections, run.reassembler.ignored) == (2, 1)
    assert run.ends == [(CLIENT, SERVER, False)]


def test_tpkt_on_another_port_is_followed() -> None:
    run = Run(packets(server=("10.0.0.2", 3389)))
    assert (run.reassembler.ignored, len(run.pieces)) == (0, len(conversation()))
    run = Run(packets([(C2S, b"\x03"), (C2S, b"\x00\x00")], server=("10.0.0.2", 3389)))
    assert (run.reassembler.ignored, run.stream(C2S)) == (0, b"\x03\x00\x00")


def test_nonsense_on_a_servers_port_is_followed() -> None:
    assert Run(packets([(C2S, b"nonsense")])).stream(C2S) == b"nonsense"
    run = Run(packets([(C2S, b"nonsense")], server=("10.0.0.2", 10_102)), frozenset((10_102,)))
    assert run.stream(C2S) == b"nonsense"


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "CONNECTIONS_MAX", 4)
    clients = [("10.0.0.1", 40_000 + number) for number in range(10)]
    run = Run([it for client in clients for it in handshake(client)])
    assert run.reassembler.connections == 10
    assert len(run.reassembler._known) == 8


def test_both_versions_of_ip() -> None:
    run = Run(packets(client=("fd00::1", 50_000), server=("fd00::2", 102)))
    assert [(it.direction, it.octets) for it in run.pieces] == conversation()
    assert str(run.pieces[0].connection) == "[fd00::1]:50000 > [fd00::2]:102"


def test_nothing_after_both_have_finished_is_lost() -> None:
    run = Run([*handshake(), from_client(FIRST, b"a", FIN | ACK), tcp(SERVER, CLIENT, 5001, b"b", FIN | ACK)])
    assert (run.stream(C2S), run.stream(S2C)) == (b"a", b"b")
