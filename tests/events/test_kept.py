"""The node's own store: serials, bounds, restarts, and what `execute log display` asks of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from node.events import Event, Kind, Severity
from node.events.bus import BURST_EVENTS, Bus
from node.events.kept import Kept, kept_line
from node.events.query import QueryError, parse
from tests.events.samples import SESSION, TIME_NS, samples

BORN_NS = 1_795_655_885_257_451_000


def bus(taken: Callable[[Event], object], incarnation: int = BORN_NS) -> Bus:
    made = Bus("a", incarnation, lambda: 3)
    made.subscribe(taken)
    return made


def test_serials_grow_and_no_life_repeats_another() -> None:
    told: list[Event] = []
    first, second = bus(told.append), bus(told.append, BORN_NS + 100_000_000)
    for each in (first, first, second):
        each.publish(Kind.NODE, "x")
    serials = [event.incident for event in told]
    assert serials == [1_795_655_885_257_451, 1_795_655_885_257_452, 1_795_655_885_357_451]
    assert max(serials) < 2**53, "JSON readers keep them"
    assert (told[0].node, told[0].epoch) == ("a", 3)


def test_a_clock_that_was_set_back_repeats_no_serial() -> None:
    told: list[Event] = []
    source = bus(told.append, 1_000_000)
    source.go_on_after(5000)
    source.publish(Kind.NODE, "x")
    source.go_on_after(10)
    source.publish(Kind.NODE, "x")
    assert [event.incident for event in told] == [5001, 5002]


def test_an_observer_that_fails_spoils_nothing() -> None:
    told: list[Event] = []

    def fail(_event: Event) -> None:
        raise RuntimeError("no")

    source = bus(fail)
    source.subscribe(told.append)
    source.publish(Kind.NODE, "x")
    assert len(told) == 1


def test_a_flood_is_cut_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr("node.clock.boottime_s", lambda: now_s)
    told: list[Event] = []
    source = bus(told.append)
    admitted = sum(source.admits() for _ in range(BURST_EVENTS + 70))
    assert (admitted, source.suppressed) == (BURST_EVENTS, 70)
    source.tell_suppressed()
    assert told == [], "not at once: it may go on"
    now_s = 1010.0
    source.tell_suppressed()
    source.tell_suppressed()
    assert [(each.kind, each.facts["count"]) for each in told] == [(Kind.LOSS, 70)]
    assert source.admits(), "there is room again"


def test_kept_over_a_restart(tmp_path: Path) -> None:
    events = [replace(samples()["app"], incident=number) for number in range(1, 31)]
    file = tmp_path / "a.events"
    file.with_name("a.events.1").write_bytes(b"".join(map(kept_line, events[:20])))
    file.write_bytes(b"".join(map(kept_line, events[20:])) + b'{"torn')
    kept = Kept(25)
    kept.load(file)
    assert list(kept) == events[6:], "the latest; the torn line among them is passed over"
    kept.take(replace(events[0], incident=31))
    kept.take(samples()["stats"])
    assert [event.incident for event in kept][-1] == 31
    assert [event.incident for event in kept.since(28)[0]] == [29, 30, 31]
    assert kept.since(31) == ([], 31)


def test_nothing_kept_yet(tmp_path: Path) -> None:
    kept = Kept(25)
    kept.load(tmp_path / "a.events")
    assert (list(kept), kept.since(0)) == ([], ([], 0))


MINUTE_NS = 60 * 10**9
EVENTS = [
    replace(event, incident=number, time_ns=TIME_NS + number * MINUTE_NS)
    for number, event in enumerate([*samples().values()], 1)
]
OTHER = replace(EVENTS[0], incident=99, id=16_777_218, serial="0001000002", client="10.1.100.179:4000")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"app": "ICCP_Transfer.*"}, {"app", "closed"}),
        ({"app": "iccp_operate.device"}, {"denied", "monitored", "denial"}),
        ({"severity": "high"}, {"denied", "anomaly", "takeover"}),
        ({"action": "deny"}, {"denied", "denial"}),
        ({"type": "session-*"}, {"opened", "closed", "never connected"}),
        ({"client": "10.1.100.178", "type": "app"}, {"app"}),
        ({"client": "10.1.100.178:57218", "type": "app"}, {"app"}),
        ({"client": "10.1.100.17*", "type": "app"}, {"app"}),
        ({"client": "10.1.100.17"}, set()),
        ({"server": "172.16.200.177", "action": "reset"}, {"anomaly"}),
        ({"session": "16777217", "severity": "medium"}, {"denied", "anomaly", "denial"}),
        ({"session": "0001000001", "type": "app"}, {"app"}),
        ({"session": "1000001", "type": "app"}, {"app"}),
        ({"since": "2022-09-27T20:25:00+00:00", "until": "2022-09-27T20:27:00+00:00"}, {"denied", "monitored"}),
    ],
)
def test_filters(asked: dict[str, str], found: set[str]) -> None:
    names = dict(zip([event.incident for event in EVENTS], samples(), strict=True))
    answer = parse({**asked, "count": "100"}).answer([*EVENTS])
    assert {names[each["incident"]] for each in answer["events"]} == found
    assert answer["found"] == answer["returned"] == len(found)


def test_newest_first_and_so_many() -> None:
    answer = parse({"count": "3", "start": "2"}).answer([*EVENTS, OTHER])
    assert (answer["found"], answer["returned"], answer["start"]) == (len(EVENTS) + 1, 3, 2)
    assert [each["incident"] for each in answer["events"]] == [16, 15, 14]
    assert parse({"client": "10.1.100.179"}).answer([*EVENTS, OTHER])["events"] == [OTHER.record()]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"colour": "red"}, "no filter is called colour"),
        ({"count": "0"}, "count must be a number from 1 to 1000, not '0'"),
        ({"count": "many"}, "count must be a number"),
        ({"start": "-1"}, "start must be a number"),
        ({"since": "yesterday"}, "'yesterday' is no time: write it as 2026-03-01T12:00"),
        ({"severity": "fatal"}, "no severity is called 'fatal'; there are info, low, medium, high"),
    ],
)
def test_filters_that_cannot_be_understood(asked: dict[str, str], told: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(asked)
    assert str(caught.value).startswith(told)


def test_severities_in_order() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3]
    assert SESSION["id"] == int(SESSION["serial"], 16)
