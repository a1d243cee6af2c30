"""What the traffic of sessions brings: sessions that begin and end, applications first seen, findings, denials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inspector import Action, Direction, Finding, Pdu, Result
from node import clock
from node.config import Config
from node.events.bus import Bus
from node.events.event import Kind, Severity
from node.inspectors import Inspectors
from node.kernel.tcp import TcpRecord
from node.relay import Relay
from protocol.session import CLIENT, SERVER, Leg, Session

OBJECTS_MAX = 16
TEXT_LENGTH_MAX = 512
"""Names and details come from the peers."""
DIRECTIONS = {Direction.CLIENT_TO_SERVER: "client->server", Direction.SERVER_TO_CLIENT: "server->client"}
STOPPED = frozenset(action.name.lower() for action in Action if action >= Action.DENY)

Told = dict[str, Any]
"""Fields of an event."""


class SessionEvents:
    """Tells the bus of what relays and their inspectors do."""

    def __init__(self, config: Config, inspectors: Inspectors, bus: Bus) -> None:
        self._bus = bus
        self._inspectors = inspectors
        self._policies = {service.name: service.policy for service in config.services}
        self._interfaces = {str(each.host): each.interface for each in config.virtual_addresses}
        self._untold: dict[int, set[str]] = {}
        """By session: its applications of which only the other node has told."""

    def opened(self, relay: Relay) -> None:
        """Both connections stand, and the passive node holds them."""
        if self._bus.admits():
            self._bus.publish(Kind.SESSION_START, "session started", **self._session(relay.session))

    def resumed(self, relay: Relay) -> None:
        """The session has come from the other node: its latest application is told of now, others when they are seen
        here for the first time."""
        self._untold[relay.session.id] = set(relay.stack.apps)
        if app := relay.stack.app:
            self._continued(relay, app, None)

    def inspected(self, relay: Relay, result: Result) -> None:
        """What one feed brought."""
        if untold := self._untold.get(relay.session.id):
            for seen in result.pdus:
                if seen.app in untold:
                    self._continued(relay, seen.app, seen)
        if not (result.new_apps or result.findings or result.edits):
            return
        for app in result.new_apps:
            self._app(relay, app, next((pdu for pdu in result.pdus if pdu.app == app), None))
        for pdu, finding in _findings(result):
            self._finding(relay, pdu, finding)
        for pdu in result.pdus:
            if pdu.verdict in STOPPED and not pdu.findings:
                self._denial(relay, pdu)

    def closed(self, relay: Relay, reason: str) -> None:
        """The session is over on this node."""
        self._untold.pop(relay.session.id, None)
        if self._bus.admits():
            told = {**self._session(relay.session), "app": relay.stack.app or "", "facts": _totals(relay, reason)}
            self._bus.publish(Kind.SESSION_END, f"session ended: {reason}", **told)

    def _app(self, relay: Relay, app: str, first: Pdu | None, how: str = "", **facts: Any) -> None:
        if self._bus.admits():
            told = {**self._session(relay.session), **_pdu(first), **self._about(relay, app), "facts": facts}
            category = told["category"] or "ICCP"
            self._bus.publish(Kind.APP, f"{category}: {app}{how}", **{"action": "pass", **told})

    def _continued(self, relay: Relay, app: str, first: Pdu | None) -> None:
        self._untold[relay.session.id].discard(app)
        self._app(relay, app, first, ", continued", takeovers=relay.session.resumed)

    def _finding(self, relay: Relay, pdu: Pdu | None, finding: Finding) -> None:
        if not self._bus.admits():
            return
        told = {**self._session(relay.session), **_pdu(pdu), **_finding(finding)}
        told["action"] = _worse(finding, pdu)
        if pdu is not None and pdu.app:
            told |= self._about(relay, pdu.app)
        rule = self._rules(relay).rule(finding.sid)
        told["signature"] = finding.code if rule is None else rule.name
        message = f"{told['signature']}: {told['detail']}" if finding.detail else told["signature"]
        self._bus.publish(Kind.FINDING, message, Severity(finding.severity), **told)

    def _denial(self, relay: Relay, pdu: Pdu) -> None:
        if self._bus.admits():
            told = {**self._session(relay.session), **_pdu(pdu), "action": pdu.verdict}
            message = f"{pdu.operation or pdu.mms_service or pdu.cotp}: {pdu.verdict}"
            self._bus.publish(Kind.DENIAL, message, Severity.MEDIUM, **told)

    def _session(self, session: Session) -> Told:
        client, server = (None if leg is None else TcpRecord.from_wire(leg.connection) for leg in session.legs)
        listen = "" if client is None else f"{client.local.host}:{client.local.port}"
        source = "" if server is None else f"{server.local.host}:{server.local.port}"
        return {
            "id": session.id,
            "serial": session.serial,
            "service": session.service,
            "policy": self._policies.get(session.service, 0),
            "client": session.client,
            "server": session.server,
            "listen": listen,
            "source": source,
            "client_interface": self._interface(listen),
            "server_interface": self._interface(source),
        }

    def _interface(self, end: str) -> str:
        return self._interfaces.get(end.rpartition(":")[0], "")

    def _rules(self, relay: Relay) -> Any:
        return self._inspectors.held_to(relay.session.service)[0]

    def _about(self, relay: Relay, app: str) -> Told:
        known = self._rules(relay).described(app)
        if known is None:
            return {"app": app, "category": "", "risk": 0}
        return {"app": app, "app_id": known.id, "category": known.category, "risk": known.risk}


def _findings(result: Result) -> Iterator[tuple[Pdu | None, Finding]]:
    told: set[int] = set()
    for pdu in result.pdus:
        for finding in pdu.findings:
            told.add(id(finding))
            yield pdu, finding
    for finding in result.findings:
        if id(finding) not in told:  # of octets that are no PDU
            yield None, finding


def _pdu(pdu: Pdu | None) -> Told:
    if pdu is None:
        return {}
    return {
        "direction": DIRECTIONS[pdu.direction],
        "mms_pdu": pdu.mms_pdu or "",
        "mms_service": pdu.mms_service or "",
        "invoke_id": pdu.invoke_id,
        "operation": pdu.operation or "",
        "app": pdu.app or "",
        "objects": tuple(name[:TEXT_LENGTH_MAX] for name in pdu.objects[:OBJECTS_MAX]),
        "verdict": pdu.verdict,
    }


def _finding(finding: Finding) -> Told:
    return {
        "code": finding.code,
        "detail": finding.detail[:TEXT_LENGTH_MAX],
        "sid": finding.sid,
        "attack": finding.attack,
    }


def _worse(finding: Finding, pdu: Pdu | None) -> str:
    """What became of the PDU: something else than this finding may have decided it."""
    verdict = Action.PASS if pdu is None else Action[pdu.verdict.upper()]
    return max(finding.action, verdict).name.lower()


def _totals(relay: Relay, reason: str) -> Told:
    """What a flow record says."""
    session = relay.session
    bytes_to_server, packets_to_server = _received(session.legs[CLIENT])
    bytes_to_client, packets_to_client = _received(session.legs[SERVER])
    return {
        "reason": reason,
        "started_ns": int(session.opened_s * 1e9),
        "age_s": round(max(clock.wall_s() - session.opened_s, 0.0), 3),
        "bytes_to_server": bytes_to_server,
        "bytes_to_client": bytes_to_client,
        "packets_to_server": packets_to_server,
        "packets_to_client": packets_to_client,
        "pdus_to_server": relay.stack.pdus[0],
        "pdus_to_client": relay.stack.pdus[1],
        "denied": relay.denied,
        "takeovers": session.resumed,
    }


def _received(leg: Leg | None) -> tuple[int, int]:
    """Bytes and packets that came from a leg's peer."""
    return (0, 0) if leg is None else (leg.received, leg.packets[0])
