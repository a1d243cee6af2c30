"""Lease, store, turns, tether and refusals, each by itself."""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from node import store, tether
from node.errors import StartupError
from node.lease import Lease, LeaseOverError
from node.ports import REST_S, RestingPorts
from node.refusals import LOG_EVERY_S, Refusals
from node.turns import Turns
from tests.node.fakes import Clock, Loop

MS = 1_000_000


class Word:
    """The gate's lease word."""

    def __init__(self) -> None:
        self.lease = 0


def test_a_lease_is_shown_to_the_kernel_only_when_taken_up() -> None:
    word: Any = Word()
    lease = Lease(word, 150 * MS)
    lease.claim(1000 * MS)
    assert word.lease == 0
    lease.renew(1050 * MS)
    assert word.lease == 0
    lease.take_up(1060 * MS)
    assert word.lease == 1200 * MS
    lease.renew(1100 * MS)
    assert word.lease == 1250 * MS
    lease.close()
    assert (word.lease, lease.holds(1101 * MS)) == (0, False)


def test_a_node_frozen_between_decision_and_takeover_finds_its_claim_over() -> None:
    word: Any = Word()
    lease = Lease(word, 150 * MS)
    lease.claim(1000 * MS)
    with pytest.raises(LeaseOverError):
        lease.take_up(1151 * MS)
    assert word.lease == 0


def test_no_lease_goes_beyond_what_the_witness_has_proved() -> None:
    word: Any = Word()
    lease = Lease(word, 150 * MS)
    lease.bound_ns = 1100 * MS
    lease.claim(1000 * MS)
    lease.take_up(1010 * MS)
    assert word.lease == 1100 * MS
    lease.bound_ns = 1900 * MS
    lease.renew(1050 * MS)
    assert word.lease == 1200 * MS
    lease.renew(1150 * MS)
    lease.renew(1299 * MS)
    assert word.lease == 1449 * MS
    lease.bound_ns = 0
    assert lease.holds(1300 * MS), "what was proved for the past is not taken back"
    lease.renew(1300 * MS)
    assert not lease.holds(1300 * MS)


def test_an_expired_lease_does_not_hold_and_the_lowest_margin_is_kept() -> None:
    lease = Lease(None, 150 * MS)
    lease.claim(0)
    assert lease.holds(100 * MS)
    assert not lease.holds(150 * MS)
    assert lease.lowest_margin_ns == 0


def test_epoch_and_incarnation_only_grow_and_survive(tmp_path: Path) -> None:
    state = tmp_path / "state"
    epoch = store.epoch(state, "a")
    first = store.next_incarnation(state, "a", 1000)
    epoch.grow(5)
    epoch.grow(3)
    assert store.next_incarnation(state, "a", 10) == first + 1, "also when the clock was set back"
    assert store.epoch(state, "a").value == 5, "the guard's number and the worker's do not touch each other"


def test_a_damaged_state_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.epoch").write_text("{")
    with pytest.raises(StartupError, match=r"a\.epoch.*\n.*backup"):
        store.epoch(tmp_path, "a")


def test_a_state_file_is_replaced_whole(tmp_path: Path) -> None:
    store.epoch(tmp_path, "a").grow(9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.epoch", "a.epoch.reserve"]


class FullDisk:
    """From now on files keep the octets that they have, and no new ones are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = Path.open
        monkeypatch.setattr(Path, "open", lambda path, mode="r", *rest, **more: self._take(path, mode, *rest, **more))

    def _take(self, path: Path, mode: str, *rest: Any, **more: Any) -> Any:
        if mode in ("r", "rb"):
            return self._open(path, mode, *rest, **more)
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_does_not_keep_an_epoch_from_being_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.epoch(tmp_path, "a").grow(5)
    full = store.epoch(tmp_path, "a")
    with monkeypatch.context() as context:
        FullDisk(context)
        for value in (6, 7, 8):
            full.grow(value)
    assert (full.trouble, (tmp_path / "a.epoch").read_text()) == ("No space left on device", "5\n")
    assert store.epoch(tmp_path, "a").value == 8
    full.grow(8)
    assert (full.trouble, (tmp_path / "a.epoch").read_text()) == ("", "8\n"), (
        "back in its place, now that there is room"
    )


@pytest.mark.parametrize("cut", range(store.SLOT_BYTES))
def test_a_power_cut_in_the_reserve_leaves_the_number_before(tmp_path: Path, cut: int) -> None:
    reserve = tmp_path / "a.epoch.reserve"
    epoch = store.epoch(tmp_path, "a")
    epoch.grow(5)
    epoch._write_reserve(6)
    epoch._write_reserve(7)
    before = reserve.read_bytes()
    epoch._write_reserve(8)
    after = reserve.read_bytes()
    (slot,) = {at // store.SLOT_BYTES for at in range(len(after)) if after[at] != before[at]}
    place = slot * store.SLOT_BYTES + cut
    reserve.write_bytes(after[:place] + before[place:])
    assert store.epoch(tmp_path, "a").value in (7, 8)


def test_without_its_reserve_a_node_says_that_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FullDisk(monkeypatch)
    with pytest.raises(StartupError, match="No space left"):
        store.next_incarnation(tmp_path, "a", 1000)


class Busy:
    """A reader that always has more to read and costs a fixed time."""

    def __init__(self, name: str, journal: list[str], cost_s: float, clock: Clock) -> None:
        self.waiting = False
        self._name, self._journal, self._cost_s, self._clock = name, journal, cost_s, clock

    def read(self) -> None:
        self._journal.append(self._name)
        self._clock.now_s += self._cost_s


def test_readers_share_turns_fairly(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, loop, journal = Clock(), Loop(), list[str]()
    monkeypatch.setattr("node.clock.boottime_s", clock)
    turns = Turns(loop, slice_s=0.010)  # type: ignore[arg-type]
    readers = [Busy(name, journal, 0.004, clock) for name in "abcdef"]
    for _ in range(4):
        for reader in readers:
            turns.ready(reader)
        journal.append("|")
        loop.turn()
    counts = Counter(journal)
    assert max(counts[n] for n in "abcdef") - min(counts[n] for n in "abcdef") <= 1
    longest = max(len(part) for part in "".join(journal).split("|"))
    assert longest <= 6, "a turn and the slice of its successor at most"


def test_a_tether_tells_beats_orders_and_the_end() -> None:
    guard, worker = tether.pair()
    beat = tether.Beat("active", 3, 77, 88, True)
    tether.send(worker, tether.pack_beat(beat))
    packet = tether.receive(guard)
    assert packet
    assert tether.unpack_beat(packet) == beat
    assert tether.receive(guard) is None
    tether.send(guard, tether.LEAVE)
    assert tether.receive(worker) == tether.LEAVE
    worker.close()
    assert tether.receive(guard) == b""
    tether.send(guard, b"into the void")  # must not raise
    guard.close()


def test_refusals_are_counted_and_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, object]] = []

    class Log:
        def warning(self, event: str, **fields: object) -> None:
            told.append({"event": event, **fields})

    monkeypatch.setattr("node.refusals.log", Log())
    clock, counters = Clock(), Counter[str]()
    refusals = Refusals(counters, clock)
    for _ in range(50):
        refusals.refuse("datagram", "wrong-host", "x", "hb0")
    assert (len(told), counters["datagram_refused_wrong_host"]) == (1, 50)
    clock.now_s += LOG_EVERY_S
    refusals.refuse("datagram", "wrong-host", "x", "hb0")
    assert told[1]["untold"] == 49
    refusals.refuse("datagram", "replayed", "y", "hb0")
    assert told[2]["code"] == "replayed", "a flood of one kind hides no other"
    assert refusals.recent("datagram", "replayed") == "y"
    clock.now_s += LOG_EVERY_S
    assert refusals.recent("datagram", "replayed") is None


async def test_uvloop_is_not_needed_for_turns() -> None:
    seen: list[str] = []
    turns = Turns(asyncio.get_running_loop())
    turns.ready(Busy("x", seen, 0.0, Clock()))
    await asyncio.sleep(0)
    assert seen == ["x"]


def test_ports_rest_in_use_and_after() -> None:
    ports = RestingPorts()
    assert not ports.rests("172.16.200.4", 40_404, 0.0)
    ports.take("172.16.200.4", 40_404)
    assert ports.rests("172.16.200.4", 40_404, 1e6)
    ports.give_up("172.16.200.4", 40_404, 10.0)
    assert ports.rests("172.16.200.4", 40_404, 10.0 + REST_S - 1)
    assert not ports.rests("172.16.200.5", 40_404, 11.0)
    assert not ports.rests("172.16.200.4", 40_404, 10.0 + REST_S)
