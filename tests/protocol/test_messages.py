"""The replication messages: exactly what was packed comes out, and nothing else is let in."""

from __future__ import annotations

from contextlib import suppress

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages
from protocol.errors import MessageError
from protocol.journal import Journal

ALL = [
    messages.SyncBegin(True),
    messages.Opened([1, "x"]),
    messages.Data(1, 0, b"abc", 2, 9, b"d"),
    messages.Data(1, 1, b"", 0, 0, None),
    messages.Ended(1, 1),
    messages.Progress(1, 0, 5, 6, 7),
    messages.Closed(1, "finished"),
    messages.SyncEnd(),
    messages.Handover(4),
    messages.Commit(12),
    messages.Data(1, 0, b"abc", 2, 9, None, ((0, 1, b"instead", b""), (1, 2, b"", b"back"))),
    messages.Shared(b"state"),
]


def test_a_batch_survives_the_wire() -> None:
    assert messages.unpack(messages.pack(ALL)) == ALL


@pytest.mark.parametrize(
    "value",
    [5, [5], [[]], [["x"]], [[77]], [[4, 1]], [[4, 1, -1]], [[4, 1, True]], [[3, 1, 0, "text", 0, 0, None]], [[7, 1]]],
)
def test_what_is_no_batch_of_known_messages_is_refused(value: object) -> None:
    with pytest.raises(MessageError):
        messages.unpack(msgpack.packb(value))


@pytest.mark.parametrize("edits", [5, [5], [[0, 1, b""]], [[0, -1, b"", b""]], [[0, 1, b"", "text"]]])
def test_what_is_no_list_of_edits_is_refused(edits: object) -> None:
    with pytest.raises(MessageError):
        messages.unpack(msgpack.packb([[3, 1, 0, b"", 0, 0, None, edits]]))


def test_data_of_the_first_version_is_read() -> None:
    payload = msgpack.packb([(3, 1, 0, b"abc", 2, 9, None)])
    assert messages.unpack(payload) == [messages.Data(1, 0, b"abc", 2, 9, None, ())]


def test_a_reader_of_the_second_version_is_not_asked_to_prepare() -> None:
    batch = [messages.Shared(b"s"), messages.Prepare(), messages.Prepared()]
    assert [type(it) for it in messages.unpack(messages.pack(batch, 2))] == [messages.Shared]
    assert [type(it) for it in messages.unpack(messages.pack(batch))] == list(map(type, batch))
    assert messages.understood(messages.Shared, 2)
    assert not messages.understood(messages.Prepare, 2)


def test_for_a_reader_of_the_first_version_what_came_later_is_left_out() -> None:
    session = [1, "iccp", "10.0.0.1:4000", "10.0.0.9:102", 0.0, 0, [[], None], b"state", True]
    told = [
        messages.Shared(b"state"),
        messages.Opened(session),
        messages.Data(1, 0, b"abc", 2, 9, None, ()),
        messages.Commit(3),
    ]
    older = msgpack.unpackb(messages.pack(told, 1))
    assert older == [[2, session[:-1]], [3, 1, 0, b"abc", 2, 9, None], [9, 3]]
    assert messages.unpack(messages.pack(told, 1)) == [messages.Opened(session[:-1]), *told[2:]]
    assert messages.unpack(messages.pack(told, 2)) == told


def test_what_is_written_can_be_read_here() -> None:
    """Else a node could not follow one of its own release."""
    assert messages.VERSION == max(messages.VERSIONS_WRITTEN) == max(messages.VERSIONS_READ)


def test_what_the_node_made_up_counts_for_the_size() -> None:
    plain = messages.Data(1, 0, b"abc", 2, 9, None)
    edited = plain._replace(edits=((0, 1, bytes(1000), bytes(2000)),))
    assert messages.size([edited]) - messages.size([plain]) >= 3000
    assert messages.size([messages.Shared(bytes(5000))]) >= 5000


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(payload: bytes) -> None:
    with suppress(MessageError):
        messages.unpack(payload)


def test_a_commit_settles_all_older_frames_and_the_highest_position_counts() -> None:
    journal: Journal[str] = Journal()
    journal.sent(1, 100, [("a", 10), ("b", 5)], now_s=1.0)
    journal.sent(2, 50, [("a", 20)], now_s=2.0)
    journal.sent(3, 25, [("b", 6)], now_s=3.0)
    assert (journal.outstanding_bytes, journal.lag_s(4.0)) == (175, 3.0)
    assert journal.committed(2) == {"a": 20, "b": 5}
    assert (journal.outstanding_bytes, journal.lag_s(4.0)) == (25, 1.0)
    assert journal.committed(2) == {}, "said twice, it changes nothing"
    assert journal.committed(3) == {"b": 6}
    assert (journal.outstanding_bytes, journal.lag_s(9.0)) == (0, 0.0)
