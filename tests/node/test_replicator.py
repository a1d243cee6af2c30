"""When acknowledgements go: at once, after the passive's commit, or not until it is safe to be without it."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from node.relay import Gating
from node.replicator import Replicator, Standing
from protocol import messages
from protocol.errors import MessageError
from protocol.frames import FRAME_BYTES_MAX
from tests.node.fakes import Clock, FakeChannel, FakeRelay, Loop

LOST_S, AFTER_S = 0.2, 1.0


class Setting:
    """A replicator with two sessions, at positions (10, 20) and (30, 40)."""

    def __init__(self, policy: str = "degrade", max_lag_bytes: int = 1 << 20) -> None:
        self.clock, self.loop = Clock(), Loop()
        self.relays: dict[int, Any] = {
            1: FakeRelay([1], (10, 20)),
            2: FakeRelay([2], (30, 40)),
        }
        self.counters: Counter[str] = Counter()
        cluster = SimpleNamespace(
            standby_loss=SimpleNamespace(policy=policy, after_s=AFTER_S),
            heartbeat=SimpleNamespace(lost_s=LOST_S, gone_s=2 * LOST_S),
            max_lag_bytes=max_lag_bytes,
        )
        config: Any = SimpleNamespace(cluster=cluster)
        self.replicator = Replicator(config, self.relays, self.counters, self.clock, self.loop.call_soon)

    def join(self) -> FakeChannel:
        channel: Any = FakeChannel(self.replicator)
        self.replicator.joined(channel)
        self.loop.run()
        return channel

    def commit(self, channel: Any, frame: int) -> None:
        self.replicator.frames(channel, [messages.pack([messages.Commit(frame)])], 1)

    def in_sync(self) -> FakeChannel:
        channel = self.join()
        self.commit(channel, len(channel.sent))
        assert self.replicator.standing is Standing.IN_SYNC
        return channel

    def take(self, session: int, leg: int, position: int) -> None:
        """Bytes up to `position` were taken from a leg's peer."""
        relay = self.relays[session]
        relay.ends[leg].position = position
        message = messages.Data(session, leg, b"x", 1, 0, None)
        self.replicator.publish(relay, message, [(relay.ends[leg].committed, position)])

    def tick(self, after_s: float, *, stale: bool = False, heard: bool = True) -> None:
        self.clock.now_s += after_s
        self.replicator.tick(stale, self.clock.now_s if heard else self.clock.now_s - 100)


def test_who_waits_for_one_position_is_not_who_waits_for_another() -> None:
    here = Setting()
    channel = here.in_sync()
    relay = here.relays[1]
    one, other = relay.ends
    for position in (11, 12):
        message = messages.Data(1, 0, b"x", 1, 0, None)
        here.replicator.publish(relay, message, [(one.committed, position), (other.release, 100 + position)])
    here.loop.run()
    here.commit(channel, len(channel.sent))
    assert (one.commits[-1], one.releases, other.commits[-1], other.releases) == (12, [], 20, [112])


def test_solo_acknowledges_at_once() -> None:
    here = Setting()
    here.take(1, 0, 11)
    assert here.relays[1].ends[0].commits == [11]


def test_a_sync_dumps_every_session_and_each_is_gated_from_its_dump_on() -> None:
    here = Setting()
    channel = here.join()
    assert channel.kinds == ["SyncBegin", "Opened", "Opened", "SyncEnd"]
    assert here.replicator.standing is Standing.SYNCING
    here.take(1, 0, 11)
    assert here.relays[1].ends[0].commits == [], "dumped, so its acknowledgements wait"
    here.loop.run()
    here.commit(channel, len(channel.sent))
    assert here.relays[1].ends[0].commits[-1] == 11
    assert here.relays[2].ends[1].commits == [40], "the commit of a dump covers what was taken before it"
    assert here.replicator.standing is Standing.IN_SYNC


def test_in_sync_an_acknowledgement_waits_for_the_commit_of_its_frame() -> None:
    here = Setting()
    channel = here.in_sync()
    before = len(channel.sent)
    here.take(1, 0, 11)
    here.take(1, 0, 12)
    here.loop.run()
    assert len(channel.sent) == before + 1, "one frame for what gathered in one turn"
    commits = here.relays[1].ends[0].commits
    seen = len(commits)
    here.commit(channel, before)
    assert len(commits) == seen
    here.commit(channel, before + 1)
    assert commits[seen:] == [12]


def test_a_new_session_joins_a_running_stream() -> None:
    here = Setting()
    channel = here.in_sync()
    here.relays[3] = fresh = FakeRelay([3], (0, 0))
    here.replicator.publish(fresh, messages.Opened([3]), ())  # type: ignore[arg-type]
    assert fresh.gating is Gating.STREAMED
    here.loop.run()
    here.commit(channel, len(channel.sent))
    assert fresh.ready == 1


def test_a_session_that_opens_while_the_stream_is_lost_waits_as_the_others_do() -> None:
    here = Setting()
    here.in_sync().close("cut")
    here.relays[3] = fresh = FakeRelay([3], (7, 0))
    here.replicator.publish(fresh, messages.Opened([3]), fresh.marks())  # type: ignore[arg-type]
    assert (fresh.gating, fresh.ends[0].commits) == (Gating.HELD, []), "the passive may still take over, without it"
    here.tick(AFTER_S + 0.1)
    here.tick(0.05, stale=True)
    assert (fresh.gating, fresh.ends[0].commits, fresh.ready) == (Gating.SOLO, [7], 1)


def test_each_wish_to_go_solo_is_a_question_of_its_own() -> None:
    here = Setting()
    here.in_sync().close("cut")
    here.take(1, 0, 99)
    assert here.replicator.question == 0
    here.tick(AFTER_S + 0.1)
    first = here.replicator.question
    here.join()
    assert here.replicator.question == 0
    here.replicator.channel.close("cut")  # type: ignore[union-attr]
    here.tick(AFTER_S + 0.1)
    assert 0 < first < here.replicator.question


def test_a_lost_stream_holds_acknowledgements_until_the_passive_knows_that_it_is_stale() -> None:
    here = Setting()
    channel = here.in_sync()
    channel.close("cut")
    ends = here.relays[1].ends
    here.take(1, 0, 99)
    here.tick(AFTER_S - 0.1)
    assert (here.replicator.standing, 99 in ends[0].commits) == (Standing.WAITING, False)
    here.tick(0.2)
    assert (here.replicator.standing, 99 in ends[0].commits) == (Standing.DEGRADING, False), "it may not know yet"
    here.tick(0.05)
    assert here.replicator.standing is Standing.DEGRADING
    here.tick(0.05, stale=True)
    assert (here.replicator.standing, ends[0].commits[-1]) == (Standing.SOLO, 99)


def test_a_passive_that_is_not_heard_is_waited_for_twice_the_lost_time() -> None:
    here = Setting()
    here.in_sync().close("cut")
    here.tick(AFTER_S + 0.1)
    here.tick(0.1, heard=False)
    assert here.replicator.standing is Standing.SOLO


def test_a_stream_that_comes_back_in_time_loses_nothing_and_discards_nothing() -> None:
    here = Setting()
    here.in_sync().close("cut")
    here.take(1, 0, 99)
    channel = here.join()
    assert channel.sent[0][0] == messages.SyncBegin(discard=False)
    here.commit(channel, len(channel.sent))
    assert here.relays[1].ends[0].commits[-1] == 99


def test_after_solo_a_sync_discards_what_the_passive_holds() -> None:
    here = Setting()
    here.in_sync()
    here.replicator.peer_gone()
    assert here.replicator.standing is Standing.SOLO
    assert here.join().sent[0][0] == messages.SyncBegin(discard=True)


def test_hold_never_goes_solo() -> None:
    here = Setting(policy="hold")
    here.in_sync().close("cut")
    here.take(1, 0, 99)
    here.tick(100.0, stale=True, heard=False)
    here.replicator.peer_gone()
    assert here.replicator.standing is Standing.WAITING
    assert 99 not in here.relays[1].ends[0].commits


def test_with_a_witness_silence_is_not_enough_to_go_solo() -> None:
    here = Setting()
    noted = False
    here.replicator.may_go_solo = lambda: noted
    here.in_sync().close("cut")
    here.take(1, 0, 99)
    here.tick(AFTER_S + 0.1)
    here.tick(2 * LOST_S + 0.1, heard=False)
    assert here.replicator.standing is Standing.DEGRADING, "the passive may live, and take over when this node dies"
    noted = True
    here.tick(0.05, heard=False)
    assert (here.replicator.standing, here.relays[1].ends[0].commits[-1]) == (Standing.SOLO, 99)


@pytest.mark.parametrize("heard", [True, False])
def test_a_passive_that_does_not_commit_is_dropped(heard: bool) -> None:
    here = Setting()
    channel = here.in_sync()
    here.take(1, 0, 11)
    here.loop.run()
    here.tick(AFTER_S + 0.1 if heard else 2 * LOST_S + 0.1, heard=heard)
    assert channel.closed
    assert here.replicator.standing is (Standing.DEGRADING if heard else Standing.WAITING)
    assert (here.replicator.rests_s() > 0) is heard, "a passive that lives and is too slow is not let in so soon"


def test_the_wait_counts_from_the_oldest_acknowledgement_whatever_streams_come_and_go() -> None:
    here = Setting()
    channel = here.in_sync()
    here.take(1, 0, 99)
    here.loop.run()
    here.tick(0.6)
    channel.close("cut")
    here.tick(0.3)
    again = here.join()
    here.tick(0.05)
    assert here.replicator.standing is Standing.SYNCING
    here.tick(0.1)
    assert (again.closed is None, here.replicator.standing) == (False, Standing.DEGRADING)
    assert here.replicator.rests_s() == 0, "it came late, and was not slow"
    here.tick(0.05, stale=True)
    assert (here.replicator.standing, here.relays[1].ends[0].commits[-1]) == (Standing.SOLO, 99)


def test_a_stream_that_brings_commits_has_the_time_it_needs() -> None:
    here = Setting()
    here.in_sync().close("cut")
    here.tick(0.9)
    here.relays |= {number: FakeRelay([number, bytes(200_000)]) for number in range(3, 9)}
    channel = here.join()
    frame = 0
    while here.replicator.standing is Standing.SYNCING:
        here.tick(0.05)
        frame += 1
        here.commit(channel, frame)
        here.loop.run()
        here.tick(0.2)
    assert (channel.closed, here.replicator.standing) == (None, Standing.IN_SYNC)
    assert here.clock.now_s > 100 + 2 * AFTER_S, "twice what an acknowledgement waits for"


def test_a_passive_that_was_too_slow_comes_back_after_ten_times_the_wait() -> None:
    here = Setting()
    here.in_sync()
    here.take(1, 0, 11)
    here.loop.run()
    here.tick(AFTER_S + 0.1)
    assert here.replicator.rests_s() == pytest.approx(10 * AFTER_S)
    here.tick(10 * AFTER_S, stale=True)
    assert here.replicator.rests_s() == 0


def test_hold_gives_a_stream_that_is_back_its_time() -> None:
    here = Setting(policy="hold")
    here.in_sync().close("cut")
    here.tick(60.0)
    channel = here.join()
    here.tick(0.5)
    assert channel.closed is None
    here.commit(channel, len(channel.sent))
    assert (here.replicator.standing, here.replicator.rests_s()) == (Standing.IN_SYNC, 0)


def test_a_sync_of_large_sessions_goes_in_frames_of_bounded_size_and_waits_for_commits() -> None:
    """Sessions whose peers do not read hold full buffers."""
    here = Setting(max_lag_bytes=2 << 20)
    here.relays |= {number: FakeRelay([number, bytes(500_000)]) for number in range(3, 33)}
    channel = here.join()
    frame = 0
    while frame < len(channel.sent):
        frame += 1
        assert here.replicator.journal.outstanding_bytes <= 2 << 20
        here.commit(channel, frame)
        here.loop.run()
    assert channel.closed is None
    assert channel.kinds.count("Opened") == len(here.relays)
    assert channel.kinds.count("SyncEnd") == 1
    assert max(len(messages.pack(frame)) for frame in channel.sent) < FRAME_BYTES_MAX // 4
    assert here.replicator.standing is Standing.IN_SYNC


def test_the_lag_is_bounded() -> None:
    here = Setting(max_lag_bytes=200)
    channel = here.in_sync()
    for position in range(11, 60):
        here.take(1, 0, position)
        here.loop.run()
    assert channel.closed == "the passive node lags too far behind"
    assert here.counters["standby_too_slow"] == 1


def test_a_commit_of_what_was_never_sent_ends_the_stream() -> None:
    here = Setting()
    channel = here.in_sync()
    with pytest.raises(MessageError, match="unsent-frame"):
        here.commit(channel, 999)


def test_anything_but_a_commit_ends_the_stream() -> None:
    here = Setting()
    channel: Any = here.in_sync()
    with pytest.raises(MessageError, match="unexpected"):
        here.replicator.frames(channel, [messages.pack([messages.SyncEnd()])], 1)


def test_before_a_handover_the_passive_is_asked_to_prepare() -> None:
    here = Setting()
    channel: Any = here.in_sync()
    here.replicator.prepare()
    assert [type(message) for message in channel.sent[-1]] == [messages.Prepare]
    assert not here.replicator.prepared
    here.replicator.frames(channel, [messages.pack([messages.Prepared()])], 1)
    assert here.replicator.prepared


def test_a_passive_of_the_release_before_is_not_asked() -> None:
    here = Setting()
    channel: Any = here.in_sync()
    here.replicator.joined(channel, version=2)
    here.replicator.prepare()
    assert messages.Prepare not in [type(message) for frame in channel.sent for message in frame]
    assert not here.replicator.prepared
    here.commit(channel, len(channel.sent))
    assert here.replicator.prepared, "it knows all there was"


def test_a_handover_is_the_last_word() -> None:
    here = Setting()
    channel = here.in_sync()
    here.take(1, 0, 11)
    here.replicator.hand_over(7)
    assert channel.sent[-1][-1] == messages.Handover(7)
    assert not here.replicator.all_committed
    here.commit(channel, len(channel.sent))
    assert here.replicator.all_committed


def test_shared_state_is_told_whole_at_a_sync_and_then_when_it_changes_once_a_second_at_most() -> None:
    here = Setting()
    changes: list[bytes] = []
    here.replicator.shared = lambda: changes.pop() if changes else None
    here.replicator.shared_whole = lambda: b"whole"
    channel = here.in_sync()
    assert channel.sent[0][:2] == [messages.SyncBegin(True), messages.Shared(b"whole")]

    def told(after_s: float) -> list[object]:
        before = len(channel.sent)
        here.tick(after_s)
        here.loop.run()
        here.commit(channel, len(channel.sent))
        return [message for frame in channel.sent[before:] for message in frame]

    assert told(0.2) == told(1.0) == []
    changes.append(b"first")
    assert told(0.05) == [messages.Shared(b"first")], "a change after a quiet time is told at once"
    changes.append(b"second")
    assert told(0.5) == []
    assert told(0.5) == [messages.Shared(b"second")]
    changes.append(bytes(messages.SHARED_BYTES_MAX + 1))
    assert told(1.0) == []
    assert here.counters["shared_state_too_large"] == 1


def test_shared_state_goes_along_with_a_handover() -> None:
    here = Setting()
    here.replicator.shared = lambda: b"latest"
    channel = here.in_sync()
    here.replicator.hand_over(7)
    assert channel.sent[-1] == [messages.Shared(b"latest"), messages.Handover(7)]
