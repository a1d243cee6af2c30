"""Rules: which events are findings, how often, under which tags, and what is done."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import apps
from inspector.apps import Naming
from inspector.decoder import Part
from inspector.mms import MmsPdu
from inspector.objects import Access
from inspector.results import Action, Direction, Event, Finding
from inspector.rules import Application, Override, Rule, Ruleset, TagTable, When
from inspector.seen import Seen
from inspector.state import Association

TO_SERVER, TO_CLIENT = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
WRITE, REPORT = 5, 0


def seen(
    naming: Naming | None = apps.SET_VALUE,
    *objects: str,
    at: float = 0,
    direction: Direction = TO_SERVER,
    service: int = WRITE,
) -> Seen:
    """A request `at` so many seconds."""
    part = Part(0, None, MmsPdu("confirmed-request", service, 1, 0, 0), Access(objects))
    now_ms = 1_700_000_000_000 + round(at * 1000)
    return Seen(direction, "DT", None, "DT", None, part, naming, None, b"", 0, now_ms)


def rule(number: int = 1, event: str | None = "access-error", **more: Any) -> Rule:
    return Rule(number, f"rule {number}", more.pop("severity", "low"), event, **more)


class Bench:
    """A session under some rules, and another under the same watch."""

    def __init__(self, *rules: Rule, **more: Any) -> None:
        self.rules = Ruleset((), rules, **more)
        self.association = Association()
        self.watch = Association()  # the same windows

    def events(self, *events: Event, at: float = 0, peer: str = "10.0.0.1") -> tuple[list[Finding], Action]:
        return self.rules.findings(events, seen(at=at), None, self.association, self.watch, peer)

    def fires(self, key: str = "", at: float = 0, peer: str = "10.0.0.1") -> bool:
        return bool(self.events(Event("access-error", "no such object", key), at=at, peer=peer)[0])


def test_an_event_becomes_what_its_rule_says() -> None:
    bench = Bench(rule(7, severity="high", attack=("T0861",), action=Action.RESET))
    findings, action = bench.events(Event("access-error", "no such object", "PT_1", 12))
    assert findings == [Finding("access-error", "high", "no such object", 12, 7, ("T0861",), Action.RESET)]
    assert action is Action.RESET


def test_events_without_a_rule_and_disabled_rules_are_silent() -> None:
    bench = Bench(rule(1, enabled=False), rule(2, "framing"))
    assert bench.events(Event("access-error", "x")) == ([], Action.PASS)
    assert bench.rules.first("access-error") is None
    assert bench.rules.rule(1) is not None


def test_the_worst_action_of_several_rules_counts() -> None:
    bench = Bench(rule(1, action=Action.MONITOR), rule(2, action=Action.DENY), rule(3))
    findings, action = bench.events(Event("access-error", "x"))
    assert [it.sid for it in findings] == [1, 2, 3]
    assert action is Action.DENY
    assert bench.rules.guarded
    assert not Bench(rule(1, action=Action.RESET)).rules.guarded


# --- rates


def test_a_rate_fires_once_a_window() -> None:
    bench = Bench(rule(count=3, seconds=10))
    assert [bench.fires(at=at) for at in (0, 1, 2, 3, 9)] == [False, False, True, False, False]
    assert [bench.fires(at=at) for at in (11, 12, 13)] == [False, False, True]
    assert bench.rules.first("access-error")


def test_a_count_of_one_with_seconds_tells_once_a_window() -> None:
    bench = Bench(rule(seconds=10))
    assert [bench.fires(at=at) for at in (0, 1, 10, 11)] == [True, False, False, True]


def test_what_denies_goes_on_until_the_window_has_passed() -> None:
    bench = Bench(rule(count=3, seconds=10, action=Action.DENY))
    assert [bench.fires(at=at) for at in (0, 1, 2, 3, 9, 11)] == [False, False, True, True, True, False]


def test_what_denies_many_different_denies_all_of_them() -> None:
    bench = Bench(rule(count=3, seconds=10, distinct=True, action=Action.DENY))
    assert [bench.fires(key) for key in ("a", "b", "a", "b")] == [False] * 4
    assert [bench.fires(key) for key in ("c", "a", "d", "c")] == [True] * 4


def test_distinct_counts_objects_and_not_how_often() -> None:
    bench = Bench(rule(count=3, seconds=10, distinct=True))
    assert [bench.fires(key) for key in ("a", "a", "a", "b", "b", "c", "c", "d")] == [False] * 5 + [True] + [False] * 2


def test_rates_are_per_association_object_or_peer() -> None:
    per_object = Bench(rule(count=2, seconds=10, per="object"))
    assert [per_object.fires(key) for key in ("a", "b", "a", "b")] == [False, False, True, True]

    per_peer = Bench(rule(count=2, seconds=10, per="peer"))
    assert not per_peer.fires(peer="10.0.0.1")
    per_peer.association = Association()
    assert not per_peer.fires(peer="10.0.0.2")
    assert per_peer.fires(peer="10.0.0.1"), "another session of the same peer"

    per_association = Bench(rule(count=2, seconds=10))
    assert not per_association.fires()
    per_association.association = Association()
    assert not per_association.fires()


def test_without_a_watch_peers_are_counted_in_their_association() -> None:
    rules = Ruleset((), (rule(count=2, seconds=10, per="peer"),))
    association = Association()
    counts = [
        len(rules.findings([Event("access-error", "x")], seen(), None, association, None, "10.0.0.1")[0])
        for _ in range(3)
    ]
    assert counts == [0, 1, 0]


def test_the_finding_says_the_rate() -> None:
    bench = Bench(rule(count=2, seconds=10, distinct=True))
    bench.fires("a")
    (finding,) = bench.events(Event("access-error", "no b", "b"))[0]
    assert finding.detail == "no b (2 different ones within 10 s)"


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abcde"))), st.integers(1, 4), st.booleans())
def test_a_rule_fires_no_more_often_than_its_rate(hits: list[tuple[int, str]], count: int, distinct: bool) -> None:
    bench = Bench(rule(count=count, seconds=10, distinct=distinct))
    fired = [nr for nr, (at, key) in enumerate(sorted(hits)) if bench.fires(key, at=at)]
    assert all(later - earlier >= count for earlier, later in zip([-1, *fired], fired, strict=False))
    assert len(fired) <= 60 // 10 + 1


# --- tags


def test_a_rule_may_need_a_tag_that_another_sets() -> None:
    bench = Bench(rule(1, sets=frozenset({"seen"})), rule(2, "framing", needs=frozenset({"seen"})))
    assert bench.events(Event("framing", "x"))[0] == []
    bench.fires()
    assert list(bench.association.tags) == ["seen"]
    assert [it.sid for it in bench.events(Event("framing", "x"))[0]] == [2]


def test_a_rule_may_be_forbidden_by_a_tag() -> None:
    bench = Bench(rule(1, forbids=frozenset({"told"}), sets=frozenset({"told"})))
    assert [bench.fires() for _ in range(3)] == [True, False, False]


def test_a_rule_that_lacks_its_tag_does_not_count() -> None:
    bench = Bench(rule(1, needs=frozenset({"x"}), count=2, seconds=10))
    bench.fires()
    bench.association.set_tag("x")
    assert [bench.fires(), bench.fires()] == [False, True]


def test_tag_tables() -> None:
    table = TagTable.of([rule(sets=frozenset({"b", "a"})), rule(needs=frozenset({"a"}))])
    assert table == TagTable(2, "7e18f737"), "sha256 of a, line feed, b"
    assert TagTable.of([]).count == 0
    rules = Ruleset((), (rule(1, sets=frozenset({"b", "a"})),), (), (rule(2, sets=frozenset({"c"})),))
    assert (rules.stock_tags.count, rules.custom_tags.count) == (2, 1)


# --- when


def test_rules_by_looks_see_requests_and_not_answers() -> None:
    when = When(objects=("ICC1/BRK*",), mms_service="write")
    bench = Bench(rule(1, None, when=when))
    assert bench.rules.watches_pdus

    def found(it: Seen) -> list[Finding]:
        return bench.rules.findings((), it, "MMS_Write.Request", bench.association, None, "")[0]

    (finding,) = found(seen(apps.SET_VALUE, "ICC1/BRK1"))
    assert (finding.code, finding.detail, finding.sid) == ("signature", "rule 1: ICC1/BRK1", 1)
    assert not found(seen(apps.SET_VALUE, "ICC1/PT_1"))
    assert not found(seen(None, "ICC1/BRK1")), "an answer"
    assert not found(seen(apps.GET_VALUE, "ICC1/BRK1", service=4))


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        (When(), True),
        (When(direction=TO_SERVER), True),
        (When(direction=TO_CLIENT), False),
        (When(operation="Operate"), True),
        (When(operation="Select"), False),
        (When(mms_service="write"), True),
        (When(app="ICCP_*"), True),
        (When(app="MMS_*"), False),
        (When(objects=("X", "ICC1/*")), True),
        (When(objects=("icc1/*",)), False),
        (When(TO_SERVER, "write", "Operate", "ICCP_Operate.Device", ("ICC1/BRK1",)), True),
    ],
)
def test_all_that_when_says_must_fit(when: When, fits: bool) -> None:
    it = (TO_SERVER, "write", "Operate", "ICCP_Operate.Device", ("ICC1/PT_1", "ICC1/BRK1"))
    assert when.fits(*it) is fits


def test_custom_applications_replace_the_name_and_rules_see_it() -> None:
    own = Application(1, "ICCP_Breaker.Control", "own", 5, "", When(operation="Operate", objects=("*/BRK*",)))
    rules = Ruleset((), (), (own,), (rule(2, None, when=When(app="ICCP_Breaker.Control")),))
    request = seen(apps.OPERATE, "ICC1/BRK1")
    assert rules.application(request, ("ICC1/BRK1",)) == own.name
    assert rules.application(seen(apps.OPERATE, "ICC1/SETP"), ("ICC1/SETP",)) is None
    assert rules.application(seen(None, "ICC1/BRK1"), ("ICC1/BRK1",)) is None
    assert rules.described(own.name) is own
    assert len(rules.findings((), request, own.name, Association(), None, "")[0]) == 1


def test_a_ruleset_without_when_does_not_watch_pdus() -> None:
    assert not Ruleset((Application(1, "MMS_Read.Request", "MMS", 1),), (rule(),)).watches_pdus


# --- overrides


def test_overrides_by_event_and_by_id() -> None:
    rules = Ruleset((), (rule(1), rule(2, count=5, seconds=10), rule(3, "framing")), (), (rule(9),))
    changed = rules.with_overrides(
        {"access-error": Override(action=Action.DENY, severity="high"), "2": Override(count=2, action=Action.PASS)}
    )
    by_id = {it.id: it for it in changed.rules}
    assert [(it.action, it.severity) for it in (by_id[1], by_id[9])] == [(Action.DENY, "high")] * 2
    assert (by_id[2].action, by_id[2].count, by_id[2].seconds) == (Action.PASS, 2, 10), "the id says it more closely"
    assert by_id[3] == rule(3, "framing")
    assert changed.guarded and not rules.guarded
    assert changed.custom_rules == (by_id[9],)
    assert rules.with_overrides({}) is rules


def test_overrides_disable() -> None:
    rules = Ruleset((), (rule(1),)).with_overrides({"access-error": Override(enabled=False)})
    assert rules.findings([Event("access-error", "x")], seen(), None, Association(), None, "") == ([], Action.PASS)


def test_an_override_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="acces-error"):
        Ruleset((), (rule(1),)).with_overrides({"acces-error": Override()})
