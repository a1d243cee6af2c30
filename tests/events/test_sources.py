"""Where events come from: traffic on a real relay, and what becomes of the node."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from inspector import Action, Direction, Edit, Finding, Pdu, Result, Ruleset
from inspector.rules.model import Application, Rule
from node.config import parse
from node.events import Event, Kind, Severity
from node.events.bus import Bus
from node.events.sessions import OBJECTS_MAX, TEXT_LENGTH_MAX, SessionEvents
from node.events.standing import NodeEvents
from node.takeover import Account
from protocol import events
from protocol.heartbeat import Role, Sync
from tests.config.test_problems import BASE
from tests.node.test_relay import Bench

RULES = Ruleset(
    [Application(610144, "ICCP_Operate.Device", "ICCP", 5)],
    [Rule(620301, "Operate without the right", "high", event="unauthorized-operate")],
)
OPERATE = Pdu(
    Direction.CLIENT_TO_SERVER,
    ("tpkt", "cotp", "mms"),
    80,
    "DT",
    mms_pdu="confirmed-request",
    mms_service="write",
    invoke_id=7,
    operation="Operate",
    app="ICCP_Operate.Device",
    objects=("ICC1/BRK1",),
    verdict="deny",
)
FOUND = Finding("unauthorized-operate", "high", "operate of ICC1/BRK1", 0, 620301, ("T0855",), Action.DENY)


class Heard:
    """A bus with one listener."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.bus = Bus("a", 1, lambda: 4)
        self.bus.subscribe(self.events.append)

    def of(self, kind: Kind) -> list[Event]:
        return [event for event in self.events if event.kind is kind]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def bench() -> Any:
    made = Bench()
    yield made
    made.relay.abort("the test is over")


def sessions(heard: Heard) -> SessionEvents:
    inspectors: Any = SimpleNamespace(held_to=lambda _service: (RULES, None))
    return SessionEvents(parse(BASE, check_files=False), inspectors, heard.bus)


def result(*pdus: Pdu, findings: tuple[Finding, ...] = (), new_apps: tuple[str, ...] = ()) -> Result:
    return Result(0, pdus, findings, False, (Edit(0, 1, b"", b""),) if findings else (), new_apps=new_apps)


async def test_a_session_from_its_start_to_its_end(bench: Bench, heard: Heard) -> None:
    source, relay = sessions(heard), bench.relay
    source.opened(relay)
    source.inspected(relay, result(OPERATE._replace(verdict="pass"), new_apps=("ICCP_Operate.Device",)))
    source.closed(relay, "finished")
    assert [event.kind for event in heard.events] == [Kind.SESSION_START, Kind.APP, Kind.SESSION_END]
    assert {(event.id, event.serial, event.policy) for event in heard.events} == {(1, "0000000001", 1)}
    start, app, end = heard.events
    host, port = bench.server.getpeername()
    assert start.source == f"{host}:{port}", "the end that the server sees"
    assert (app.app_id, app.category, app.risk, app.action) == (610144, "ICCP", 5, "pass")
    assert app.message == "ICCP: ICCP_Operate.Device"
    assert end.facts["reason"] == "finished"
    assert end.facts["bytes_to_server"] == 0


async def test_a_denial_is_told_with_its_signature(bench: Bench, heard: Heard) -> None:
    sessions(heard).inspected(bench.relay, result(OPERATE._replace(findings=(FOUND,)), findings=(FOUND,)))
    (event,) = heard.events
    assert (event.kind, event.severity, event.action, event.sid) == (Kind.FINDING, Severity.HIGH, "deny", 620301)
    assert (event.signature, event.attack) == ("Operate without the right", ("T0855",))
    assert event.message == "Operate without the right: operate of ICC1/BRK1"


async def test_a_finding_beside_a_denial_shows_the_denial(bench: Bench, heard: Heard) -> None:
    beside = FOUND._replace(code="tag-change", sid=0, action=Action.PASS)
    sessions(heard).inspected(bench.relay, result(OPERATE._replace(findings=(beside,)), findings=(beside,)))
    assert [event.action for event in heard.events] == ["deny"]


async def test_a_denial_that_no_signature_tells_of_is_told_all_the_same(bench: Bench, heard: Heard) -> None:
    sessions(heard).inspected(bench.relay, result(OPERATE)._replace(edits=(Edit(0, 1, b"", b""),)))
    (event,) = heard.events
    assert (event.kind, event.action, event.message) == (Kind.DENIAL, "deny", "Operate: deny")


async def test_octets_that_are_no_pdu(bench: Bench, heard: Heard) -> None:
    sessions(heard).inspected(bench.relay, result(findings=(Finding("tpkt-length", "high", "3 octets"),)))
    (event,) = heard.events
    assert (event.kind, event.sid, event.signature, event.app) == (Kind.FINDING, 0, "tpkt-length", "")


async def test_what_peers_name_is_bounded(bench: Bench, heard: Heard) -> None:
    long = OPERATE._replace(objects=("x" * 10_000,) * 100, findings=(FOUND._replace(detail="y" * 10_000),))
    sessions(heard).inspected(bench.relay, result(long, findings=long.findings))
    (event,) = heard.events
    assert len(event.objects) == OBJECTS_MAX
    assert {len(event.objects[0]), len(event.detail)} == {TEXT_LENGTH_MAX}


async def test_plain_reports_cost_no_event(bench: Bench, heard: Heard) -> None:
    sessions(heard).inspected(bench.relay, result(OPERATE._replace(verdict="pass")))
    assert heard.events == []


async def test_a_session_that_was_taken_over_shows_its_application_again(bench: Bench, heard: Heard) -> None:
    source = sessions(heard)
    source.resumed(bench.relay)
    assert heard.events == [], "it has shown none yet"
    bench.relay.stack.state.last_app = "ICCP_Operate.Device"
    bench.relay.session.resumed = 1
    source.resumed(bench.relay)
    (event,) = heard.events
    assert (event.kind, event.app, event.risk, event.facts) == (Kind.APP, "ICCP_Operate.Device", 5, {"takeovers": 1})


async def test_its_other_applications_are_told_of_again_when_they_are_seen_here(bench: Bench, heard: Heard) -> None:
    source, state = sessions(heard), bench.relay.stack.state
    for app in ("ICCP_Operate.Device", "ICCP_Read.Data", "ICCP_Select.Device"):
        state.apps[app] = None
    state.last_app = "ICCP_Select.Device"
    source.resumed(bench.relay)
    for app in ("ICCP_Operate.Device", "ICCP_Select.Device", "ICCP_Operate.Device"):
        source.inspected(bench.relay, result(OPERATE._replace(app=app, verdict="pass")))
    assert [event.message for event in heard.events] == [
        "ICCP: ICCP_Select.Device, continued",
        "ICCP: ICCP_Operate.Device, continued",
    ], "each once, and not what did not come"


def test_roles_with_their_reasons(heard: Heard) -> None:
    node = NodeEvents(heard.bus)
    node.role(Role.STARTING, Role.PASSIVE)
    node.effect(events.SendHeartbeat())
    node.effect(events.Activate(2, "peer-lost", True))
    node.role(Role.PASSIVE, Role.ACTIVE)
    node.effect(events.StandDown("two active"))
    node.effect(events.Report("two-active", {"node": "b", "epoch": 3}))
    assert [event.facts for event in heard.of(Kind.ROLE)] == [
        {"from": "starting", "to": "passive"},
        {"from": "passive", "to": "active", "reason": "peer-lost"},
    ]
    assert [event.message for event in heard.of(Kind.NODE)] == ["standing down", "two-active"]


def test_a_takeover_is_as_grave_as_what_it_cost(heard: Heard) -> None:
    node = NodeEvents(heard.bus)
    for reset in (0, 1):
        node.took_over(Account("peer-lost", 2, 5, reset, 0, 4_000_000, 9_000_000, 151.0))
    assert [event.severity for event in heard.events] == [Severity.MEDIUM, Severity.HIGH]
    assert heard.events[0].facts["restore_ms"] == 4.0
    assert heard.events[0].facts["total_ms"] == 9.0


def test_between_heartbeats_only_what_changed(heard: Heard) -> None:
    node, live = NodeEvents(heard.bus), {"hb0": True, "data": False}
    links: Any = SimpleNamespace(
        health=[SimpleNamespace(link=SimpleNamespace(name=name)) for name in live],
        is_live=lambda health: live[health.link.name],
    )
    for sync in (Sync.SYNCING, Sync.SYNCING, Sync.IN_SYNC, Sync.IN_SYNC):
        node.beaten(sync, links)
    live.update(hb0=False, data=True)
    node.beaten(Sync.SOLO, links)
    assert [event.facts["to"] for event in heard.of(Kind.SYNC)] == ["syncing", "in-sync", "solo"]
    assert [event.message for event in heard.of(Kind.LINK)] == ["link hb0 is up", "link hb0 is down", "link data is up"]
