"""What the inspector told of lately: applications first seen on a session, and findings. For the admin API."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from inspector import Direction, Finding, Pdu, Result
from node import clock
from node.config import Config
from node.relay import Relay

EVENTS_MAX = 1000
OBJECTS_MAX = 16
DIRECTIONS = {Direction.CLIENT_TO_SERVER: "client->server", Direction.SERVER_TO_CLIENT: "server->client"}


class Events:
    """The last events, oldest first."""

    def __init__(self, config: Config) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS_MAX)
        self._policies = {service.name: service.policy for service in config.services}

    def take(self, relay: Relay, result: Result) -> None:
        """Note what one feed brought."""
        for app in result.new_apps:
            first = next((pdu for pdu in result.pdus if pdu.app == app), None)
            self._events.append({**self._head("app", relay), **_pdu(first), "app": app})
        if result.findings:
            self._events += self._findings(relay, result)

    def view(self) -> list[dict[str, Any]]:
        """As JSON-able data."""
        return list(self._events)

    def _findings(self, relay: Relay, result: Result) -> Iterator[dict[str, Any]]:
        told: set[int] = set()
        for pdu in result.pdus:
            for finding in pdu.findings:
                told.add(id(finding))
                yield {**self._head("finding", relay), **_pdu(pdu), **_finding(finding)}
        for finding in result.findings:
            if id(finding) not in told:  # of octets that are no PDU
                yield {**self._head("finding", relay), **_finding(finding)}

    def _head(self, kind: str, relay: Relay) -> dict[str, Any]:
        session = relay.session
        return {
            "ts": datetime.fromtimestamp(clock.wall_s(), UTC).isoformat(timespec="microseconds"),
            "type": kind,
            "serial": session.serial,
            "id": session.id,
            "client": session.client,
            "server": session.server,
            "service": session.service,
            "policy": self._policies.get(session.service, 0),
        }


def _pdu(pdu: Pdu | None) -> dict[str, Any]:
    if pdu is None:
        return {}
    return {
        "direction": DIRECTIONS[pdu.direction],
        "mms_pdu": pdu.mms_pdu,
        "mms_service": pdu.mms_service,
        "invoke_id": pdu.invoke_id,
        "operation": pdu.operation,
        "app": pdu.app,
        "objects": list(pdu.objects[:OBJECTS_MAX]),
        "verdict": pdu.verdict,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "detail": finding.detail,
        "sid": finding.sid,
        "attack": list(finding.attack),
        "action": finding.action.name.lower(),
    }
