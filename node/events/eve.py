"""Events as lines of Suricata's EVE JSON, with an `iccp` and a `ha` object of our own; eve.schema.json says it exactly.

A detection is an `alert`, what a decoder refuses an `anomaly`, a session that begins or ends a `flow`; an application
first seen and a denial without a signature are `iccp` events, and what becomes of the node are `ha` events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from node.events.event import NS_PER_S, Event, Kind, Severity

PROTOCOL = "TCP"
APP_PROTOCOL = "iccp"
GENERATOR = 1
REVISION = 1
ALERT_SEVERITY = {Severity.HIGH: 1, Severity.MEDIUM: 2, Severity.LOW: 3, Severity.INFO: 3}
BLOCKED = frozenset({"deny", "reset", "quarantine"})
CATEGORY = "ICCP"

Body = dict[str, Any]


def line(event: Event) -> str:
    """The event as one line, without its end."""
    return json.dumps(record(event), separators=(",", ":"))


def record(event: Event) -> Body:
    """The event as JSON-able data."""
    event_type, body = _BODIES[event.kind](event)
    head = {"timestamp": _timestamp(event.at), "host": event.node, "event_type": event_type}
    return {**head, **_tuple(event), **body}


def _timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


def _tuple(event: Event) -> Body:
    """Who spoke to whom; the session as the client and the real server know it, the one that sent the PDU first."""
    if not event.id:
        return {}
    ends = (event.client, event.server)
    (source, source_port), (target, target_port) = map(_end, reversed(ends) if event.from_server else ends)
    told: Body = {
        "flow_id": event.id,
        "in_iface": event.server_interface if event.from_server else event.client_interface,
        "src_ip": source,
        "src_port": source_port,
        "dest_ip": target,
        "dest_port": target_port,
        "proto": PROTOCOL,
        "app_proto": APP_PROTOCOL,
    }
    if event.direction:
        told["direction"] = "to_client" if event.from_server else "to_server"
    return told


def _end(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _iccp(event: Event) -> Body:
    """What the inspector knows of it."""
    told = {
        "incident": event.incident,
        "session": event.serial,
        "epoch": event.epoch,
        "service": event.service,
        "policy": event.policy,
        "action": event.action,
        "app": event.app,
        "app_id": event.app_id,
        "category": event.category,
        "risk": event.risk,
        "operation": event.operation,
        "mms_pdu": event.mms_pdu,
        "mms_service": event.mms_service,
        "invoke_id": event.invoke_id,
        "objects": list(event.objects),
        "code": event.code,
        "detail": event.detail,
        "nat": _nat(event),
    }
    return {name: value for name, value in told.items() if value not in _NOTHING or name == "policy"}


_NOTHING: tuple[Any, ...] = ("", None, 0, [], {})


def _nat(event: Event) -> Body:
    """The pair's own ends: the address that the client speaks to, and the one that the server sees."""
    told: Body = {}
    if event.listen:
        told["dest_ip"], told["dest_port"] = _end(event.listen)
    if event.source:
        told["src_ip"], told["src_port"] = _end(event.source)
    return told


def _app(event: Event) -> tuple[str, Body]:
    return "iccp", {"iccp": _iccp(event)}


def _finding(event: Event) -> tuple[str, Body]:
    if not event.sid:
        anomaly = {"type": "applayer", "event": event.code, "layer": "proto_parser"}
        return "anomaly", {"anomaly": anomaly, "iccp": _iccp(event)}
    alert: Body = {
        "action": "blocked" if event.action in BLOCKED else "allowed",
        "gid": GENERATOR,
        "signature_id": event.sid,
        "rev": REVISION,
        "signature": event.signature,
        "category": event.category or CATEGORY,
        "severity": ALERT_SEVERITY[event.severity],
    }
    if event.attack:
        alert["metadata"] = {"mitre_technique_id": list(event.attack)}
    return "alert", {"alert": alert, "iccp": _iccp(event)}


def _flow(event: Event) -> tuple[str, Body]:
    facts = event.facts
    flow: Body = {"state": "new", "start": _timestamp(event.at)}
    if event.kind is Kind.SESSION_END:
        flow = {
            "pkts_toserver": facts["packets_to_server"],
            "pkts_toclient": facts["packets_to_client"],
            "bytes_toserver": facts["bytes_to_server"],
            "bytes_toclient": facts["bytes_to_client"],
            "start": _timestamp(datetime.fromtimestamp(facts["started_ns"] / NS_PER_S, UTC)),
            "end": _timestamp(event.at),
            "age": int(facts["age_s"]),
            "state": "closed",
            "reason": facts["reason"],
        }
    return "flow", {"flow": flow, "iccp": _iccp(event) | _session_totals(facts)}


def _session_totals(facts: Mapping[str, Any]) -> Body:
    return {name: facts[name] for name in ("pdus_to_server", "pdus_to_client", "denied", "takeovers") if name in facts}


def _ha(event: Event) -> tuple[str, Body]:
    told = {
        "event": str(event.kind),
        "incident": event.incident,
        "epoch": event.epoch,
        "severity": str(event.severity),
        "message": event.message,
        "facts": {name: _flat(value) for name, value in event.facts.items() if value is not None},
    }
    return "ha", {"ha": told}


def _flat(value: Any) -> Any:
    """A number or text as it is, anything else in JSON: a field has one type."""
    return value if isinstance(value, str | int | float) else json.dumps(value)


def _stats(event: Event) -> tuple[str, Body]:
    return "stats", {"stats": dict(event.facts)}


_BODIES: dict[Kind, Callable[[Event], tuple[str, Body]]] = {
    Kind.APP: _app,
    Kind.DENIAL: _app,
    Kind.FINDING: _finding,
    Kind.SESSION_START: _flow,
    Kind.SESSION_END: _flow,
    Kind.STATS: _stats,
    **dict.fromkeys((Kind.TAKEOVER, Kind.ROLE, Kind.SYNC, Kind.LINK, Kind.CONFIG, Kind.NODE, Kind.LOSS), _ha),
}
