"""The passive's cache: what a sync keeps, replaces and forgets, and what it refuses."""

from __future__ import annotations

import pytest

from protocol import messages
from protocol.cache import SessionCache
from protocol.errors import MessageError
from tests.protocol.test_session import Decoder, new_session


def filled(*ids: int) -> SessionCache:
    cache = SessionCache(Decoder, 10)
    cache.apply([messages.SyncBegin(True)])
    cache.apply([messages.Opened(new_session(id_).to_wire()) for id_ in ids])
    cache.apply([messages.SyncEnd()])
    return cache


def test_a_full_sync_makes_the_cache_current() -> None:
    cache = filled(1, 2)
    assert cache.in_sync
    assert set(cache.sessions) == {1, 2}


def test_a_resync_replaces_one_by_one_and_forgets_at_its_end_what_was_not_named() -> None:
    cache = filled(1, 2)
    cache.apply([messages.SyncBegin(False), messages.Opened(new_session(1).to_wire())])
    assert set(cache.sessions) == {1, 2}, "until the end the older copy of 2 is still good"
    assert cache.in_sync
    cache.apply([messages.SyncEnd()])
    assert set(cache.sessions) == {1}


def test_a_sync_after_the_primary_was_solo_begins_by_forgetting_what_is_stale() -> None:
    cache = filled(1, 2)
    cache.apply([messages.SyncBegin(True)])
    assert not cache.sessions
    assert not cache.in_sync


def test_closed_sessions_leave_and_a_handover_is_told() -> None:
    cache = filled(1, 2)
    orders = cache.apply([messages.Prepare(), messages.Closed(1, "finished"), messages.Handover(9)])
    assert [type(order) for order in orders] == [messages.Prepare, messages.Handover]
    assert orders[-1] == messages.Handover(9)
    assert set(cache.sessions) == {2}


def test_a_half_open_session_gets_its_second_leg_by_a_second_record() -> None:
    cache = filled()
    record = new_session(5).to_wire()
    half = [*record[:6], [record[6][0], None], *record[7:]]
    cache.apply([messages.Opened(half)])
    assert not cache.sessions[5].complete
    cache.apply([messages.Opened(record)])
    assert cache.sessions[5].complete


def test_what_all_sessions_share_is_the_latest_and_forgotten_with_them() -> None:
    cache = filled(1)
    assert cache.shared == b""
    cache.apply([messages.Shared(b"old"), messages.Shared(b"new")])
    assert cache.shared == b"new"
    cache.apply([messages.SyncBegin(False)])
    assert cache.shared == b"new"
    cache.discard()
    assert cache.shared == b""


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (messages.Data(99, 0, b"x", 1, 0, None), "unknown-session"),
        (messages.Data(1, 2, b"x", 1, 0, None), "no-such-leg"),
        (messages.Data(1, 0, b"x", 9, 0, None), "bad-forward"),
        (messages.Data(1, 0, b"x", 1, 0, b"!"), "malformed"),
        (messages.Data(1, 0, b"x", 1, 0, None, ((0, 2, b"", b""),)), "bad-edits"),
        (messages.Ended(99, 0), "unknown-session"),
        (messages.Opened(["junk"]), "malformed"),
        (messages.Commit(3), "unexpected"),
        (messages.Shared(bytes(messages.SHARED_BYTES_MAX + 1)), "oversized"),
    ],
)
def test_what_cannot_be_right_ends_the_stream(message: messages.Message, code: str) -> None:
    cache = filled(1)
    with pytest.raises(MessageError) as caught:
        cache.apply([message])
    assert caught.value.code == code
    assert cache.in_sync is (code == "unexpected"), "half of what is malformed may have been done"


def test_sessions_are_bounded() -> None:
    cache = filled(*range(10))
    with pytest.raises(MessageError, match="too-many-sessions"):
        cache.apply([messages.Opened(new_session(11).to_wire())])
