"""The watch over all sessions: rates, connections, selects, quarantines; bounded, and it travels."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import StateError
from inspector import watch as module
from inspector.watch import QUARANTINE_MS, SELECT_MS, Watch

NOW = 1_700_000_000_000
EAST, WEST = "10.1.100.7", "10.1.100.8"


def copied(watch: Watch) -> Watch:
    copy = Watch.restore(watch.pack())
    assert copy.pack() == watch.pack()
    assert not copy.changed
    return copy


def test_a_window_counts_until_it_has_passed() -> None:
    watch = Watch()
    hits = [watch.hit("1|east", "", NOW + after, 10, False, 3) for after in (0, 1_000, 10_000, 10_000, 10_001, 10_002)]
    assert hits == [1, 2, 3, 0, 1, 2]


def test_a_window_of_distinct_things_counts_each_once() -> None:
    watch = Watch()
    hits = [watch.hit("1|east", item, NOW, 10, True, 3) for item in ("a", "b", "a", "c", "c", "d")]
    assert hits == [1, 2, 0, 3, 0, 0]
    assert copied(watch).hit("1|east", "b", NOW + 1, 10, True, 4) == 0


def test_a_clock_set_back_begins_a_new_window() -> None:
    watch = Watch()
    assert [watch.hit("k", "", at, 10, False, 9) for at in (NOW, NOW + 1, NOW - 60_000, NOW - 59_999)] == [1, 2, 1, 2]
    assert watch.hit("before 1970", "", -5, 10, False, 9) == 1
    copied(watch)


def test_a_rule_that_counts_otherwise_begins_a_new_window() -> None:
    watch = Watch()
    assert [watch.hit("k", "a", NOW, 10, distinct, 9) for distinct in (True, False, False, True)] == [1, 1, 2, 1]


def test_connections_are_counted_per_peer() -> None:
    watch = Watch()
    assert [watch.connected(EAST, NOW), watch.connected(EAST, NOW), watch.connected(WEST, NOW)] == [1, 2, 1]
    watch.closed(EAST)
    watch.closed(WEST)
    watch.closed(WEST)
    assert (watch.connections(EAST), watch.connections(WEST)) == (1, 0)
    watch = copied(watch)
    watch.recount([WEST, WEST])
    assert (watch.connections(EAST), watch.connections(WEST)) == (0, 2)


def test_a_select_is_its_peers_until_it_runs_out() -> None:
    watch = Watch()
    watch.select("ICC1/BRK1", EAST, NOW)
    watch = copied(watch)
    assert watch.selected_by("ICC1/BRK1", NOW + SELECT_MS) == EAST
    assert watch.selected_by("ICC1/BRK1", NOW + SELECT_MS + 1) is None
    assert watch.selected_by("ICC1/BRK1", NOW - 1) is None
    assert watch.selected_by("ICC1/BRK2", NOW) is None
    watch.select("ICC1/BRK1", WEST, NOW + 5)
    assert watch.selected_by("ICC1/BRK1", NOW + 5) == WEST


def test_a_quarantine_ends() -> None:
    watch = Watch()
    watch.quarantine(EAST, NOW + 300_000)
    watch = copied(watch)
    assert watch.quarantined(EAST, NOW)
    assert watch.quarantined(EAST, NOW + 299_999)
    assert not watch.quarantined(EAST, NOW + 300_000)
    assert not watch.quarantined(WEST, NOW)
    assert watch.quarantines(NOW) == {EAST: NOW + 300_000}
    watch.release(EAST)
    assert not watch.quarantined(EAST, NOW)


def test_a_clock_set_back_by_years_sets_peers_free() -> None:
    watch = Watch()
    watch.quarantine(EAST, NOW + 300_000)
    assert watch.quarantined(EAST, NOW - 3_600_000)
    assert not watch.quarantined(EAST, NOW - QUARANTINE_MS)


def test_it_says_when_it_has_changed() -> None:
    watch = Watch()
    acts = {
        "a hit": (lambda: watch.hit("k", "a", NOW, 10, True, 2), True),
        "the same again": (lambda: watch.hit("k", "a", NOW, 10, True, 2), False),
        "connected": (lambda: watch.connected(EAST, NOW), True),
        "closed": (lambda: watch.closed(EAST), True),
        "closed, but was not open": (lambda: watch.closed(EAST), False),
        "select": (lambda: watch.select("D", EAST, NOW), True),
        "quarantine": (lambda: watch.quarantine(EAST, NOW), True),
        "release": (lambda: watch.release(EAST), True),
        "released again": (lambda: watch.release(EAST), False),
        "questions": (lambda: (watch.quarantined(EAST, NOW), watch.selected_by("D", NOW), watch.pack()), False),
    }
    for what, (act, changed) in acts.items():
        watch.changed = False
        act()
        assert watch.changed is changed, what


def test_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("PEERS_MAX", "WINDOWS_MAX", "DEVICES_MAX"):
        monkeypatch.setattr(module, bound, 3)
    watch = Watch()
    for n in range(5):
        watch.hit(f"k{n}", "", NOW, 10, False, 9)
        watch.connected(f"p{n}", NOW)
        watch.select(f"d{n}", EAST, NOW)
        watch.quarantine(f"p{n}", NOW + 1)
    fields = msgpack.unpackb(watch.pack())
    assert [len(fields[it]) for it in ("windows", "connections", "selects", "quarantines")] == [3] * 4
    assert watch.selected_by("d4", NOW) == EAST
    assert watch.selected_by("d0", NOW) is None
    watch.connected("p2", NOW)  # the newest of all now
    watch.connected("p5", NOW)
    assert (watch.connections("p2"), watch.connections("p3")) == (2, 0)


def test_a_window_keeps_no_more_than_its_bound() -> None:
    watch = Watch()
    hits = [watch.hit("k", str(n), NOW, 10, True, 10**9) for n in range(module.ITEMS_MAX + 10)]
    assert hits[module.ITEMS_MAX - 1 :] == [module.ITEMS_MAX, *[0] * 10]


GOOD = {"v": 1, "windows": [], "connections": [], "selects": [], "quarantines": []}


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xc1",
        msgpack.packb(1),
        msgpack.packb({}),
        msgpack.packb({**GOOD, "v": 2}),
        msgpack.packb({"v": 1}),
        *(
            msgpack.packb({**GOOD, **it})
            for it in (
                {"windows": 5},
                {"windows": [["k", []]]},
                {"windows": [["k", [1]]]},
                {"windows": [["k", [1, 2, 3]]]},
                {"windows": [["k", [1, "a", 2]]]},
                {"windows": [[1, [1, 2]]]},
                {"windows": [["k", ["a", 2]]]},
                {"connections": [["p", -1]]},
                {"connections": [["p", True]]},
                {"selects": [["d", "p"]]},
                {"selects": [["d", 1, 1]]},
                {"quarantines": [["p", 1.5]]},
            )
        ),
    ],
)
def test_a_damaged_watch_is_refused(damaged: bytes) -> None:
    with pytest.raises(StateError):
        Watch.restore(damaged)


@given(st.binary(max_size=60), st.integers(0, 200))
def test_damage_is_a_state_error_or_bears_packing_again(noise: bytes, at: int) -> None:
    watch = Watch()
    watch.hit("k", "a", NOW, 10, True, 9)
    watch.connected(EAST, NOW)
    watch.select("d", EAST, NOW)
    watch.quarantine(EAST, NOW)
    packed = watch.pack()
    for octets in (noise, packed[:at] + noise + packed[at + len(noise) :]):
        try:
            restored = Watch.restore(octets)
        except StateError:
            continue
        copied(restored)
