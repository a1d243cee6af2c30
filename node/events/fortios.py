"""Events as lines of key=value in the look of FortiOS's logs.

Applications and denials are app-ctrl lines, detections are ips lines, sessions are traffic lines, and what becomes of
the node are event lines. `incidentserialno` has more digits than FortiOS gives it, and `devname` is the node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Any

from node.events.event import Event, Kind, Severity

PROTO_TCP = 6
VDOM = "root"
RISKS = ("unknown", "low", "medium", "elevated", "high", "critical")
LEVELS = {
    Severity.INFO: "information",
    Severity.LOW: "notice",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "alert",
}
APP_LOGIDS = {"deny": "1059028705", "reset": "1059028706", "quarantine": "1059028706"}
APP_LOGID = "1059028704"
APP_ACTIONS = {"deny": "block", "reset": "reset", "quarantine": "reject"}
ATTACK_LOGID = "0419016384"
ATTACK_ACTIONS = {"deny": "dropped", "reset": "reset", "quarantine": "reset"}
SESSION_LOGIDS = {Kind.SESSION_START: "0000000015", Kind.SESSION_END: "0000000013"}
NODE_LOGS = {
    Kind.TAKEOVER: ("ha", "0108035016", "HA failover success"),
    Kind.ROLE: ("ha", "0108037892", "Virtual cluster member state moved"),
    Kind.SYNC: ("ha", "0108037903", "Synchronization status with primary"),
    Kind.LINK: ("ha", "0108037902", "Heartbeat device interface up"),
    Kind.CONFIG: ("system", "0100044546", "Attribute configured"),
    Kind.NODE: ("system", "0100090001", "Node"),
    Kind.LOSS: ("system", "0100090002", "Events lost"),
    Kind.STATS: ("system", "0100040704", "System performance statistics"),
}
"""FortiOS's numbers and words (FortiOS Log Message Reference) where it has the like; 90001 and 90002 are ours."""
LINK_DOWN = ("ha", "0108037901", "Heartbeat device interface down")

Fields = dict[str, Any]


def line(event: Event, zone: tzinfo | None = None) -> str:
    """The event as one line; times in `zone`, by default the host's."""
    at = event.at.astimezone(zone)
    kind, subtype, logid, body = _BODIES[event.kind](event)
    head = {
        "date": Plain(at.strftime("%Y-%m-%d")),
        "time": Plain(at.strftime("%H:%M:%S")),
        "devname": event.node,
        "eventtime": event.time_ns,
        "tz": _zone(at),
        "logid": logid,
        "type": kind,
        "subtype": subtype,
        **body,
    }
    return " ".join(f"{name}={quoted(value)}" for name, value in head.items() if value not in ("", None))


class Plain(str):
    """Text that stands without quotes."""

    __slots__ = ()


def quoted(value: object) -> str:
    """A value as the line has it; control characters, which a peer may have put into a name, made harmless."""
    if isinstance(value, Plain) or not isinstance(value, str):
        return str(value)
    clean = value if value.isprintable() else "".join(char if char.isprintable() else "?" for char in value)
    return '"' + clean.replace("\\", "\\\\").replace('"', "'") + '"'


def _zone(at: datetime) -> str:
    return at.strftime("%z")


Line = tuple[str, str, str, Fields]
"""type, subtype, logid, and what follows."""


def _app(event: Event) -> Line:
    body = {
        "eventtype": "signature",
        "level": LEVELS[event.severity],
        "vd": VDOM,
        "appid": event.app_id or None,
        **_session(event),
        "direction": _direction(event),
        "policyid": event.policy,
        "sessionid": event.id,
        "applist": event.service,
        "action": APP_ACTIONS.get(event.action, "pass"),
        "appcat": event.category,
        "app": event.app,
        "incidentserialno": event.incident,
        "msg": event.message,
        "apprisk": RISKS[event.risk],
    }
    return "utm", "app-ctrl", APP_LOGIDS.get(event.action, APP_LOGID), body


def _finding(event: Event) -> Line:
    body = {
        "eventtype": "signature" if event.sid else "anomaly",
        "level": LEVELS[event.severity],
        "vd": VDOM,
        "severity": str(event.severity),
        **_session(event),
        "direction": _direction(event),
        "policyid": event.policy,
        "sessionid": event.id,
        "profile": event.service,
        "action": ATTACK_ACTIONS.get(event.action, "detected"),
        "attack": event.signature,
        "attackid": event.sid or None,
        "attackcontext": event.code,
        "ref": ",".join(event.attack),
        "appcat": event.category,
        "app": event.app,
        "incidentserialno": event.incident,
        "msg": event.message,
    }
    return "utm", "ips", ATTACK_LOGID, body


def _traffic(event: Event) -> Line:
    facts = event.facts
    body = {
        "level": "notice",
        "vd": VDOM,
        **_session(event),
        "policyid": event.policy,
        "sessionid": event.id,
        "action": "start" if event.kind is Kind.SESSION_START else "close",
        "app": event.app,
        "duration": None if "age_s" not in facts else int(facts["age_s"]),
        "sentbyte": facts.get("bytes_to_server"),
        "rcvdbyte": facts.get("bytes_to_client"),
        "sentpkt": facts.get("packets_to_server"),
        "rcvdpkt": facts.get("packets_to_client"),
        "incidentserialno": event.incident,
        "msg": event.message,
    }
    return "traffic", "forward", SESSION_LOGIDS[event.kind], body


def _node(event: Event) -> Line:
    is_down = event.kind is Kind.LINK and event.facts.get("to") == "down"
    subtype, logid, description = LINK_DOWN if is_down else NODE_LOGS[event.kind]
    body = {
        "level": LEVELS[event.severity],
        "vd": VDOM,
        "logdesc": description,
        "incidentserialno": event.incident,
        "epoch": event.epoch,
        **_facts(event),
        "msg": event.message,
    }
    return "event", subtype, logid, body


def _facts(event: Event) -> Fields:
    """A role goes by the vendor's name for it; whatever else there is to say as it is."""
    facts = {name: _flat(value) for name, value in event.facts.items()}
    if event.kind is Kind.ROLE:
        return {"ha_role": HA_ROLES.get(str(facts.get("to")), facts.get("to")), **facts}
    return {"ha_role": "primary", **facts} if event.kind is Kind.TAKEOVER else facts


def _flat(value: Any) -> Any:
    """Lists, by commas; deeper things are left out."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, str | int | float) else None


HA_ROLES = {"active": "primary", "passive": "secondary"}


def _session(event: Event) -> Fields:
    """Both tuples: the client and the server, and by what the pair translates them."""
    (client, client_port), (server, server_port) = map(_end, (event.client, event.server))
    listen, listen_port = _end(event.listen)
    source, source_port = _end(event.source)
    return {
        "srcip": client,
        "srcport": client_port,
        "srcintf": event.client_interface,
        "srcintfrole": "undefined",
        "dstip": server,
        "dstport": server_port,
        "dstintf": event.server_interface,
        "dstintfrole": "undefined",
        "proto": PROTO_TCP,
        "service": f"tcp/{server_port}",
        "trandisp": "snat+dnat",
        "tranip": listen,
        "tranport": listen_port,
        "transip": source,
        "transport": source_port,
    }


def _end(text: str) -> Iterable[Any]:
    host, _, port = text.rpartition(":")
    return Plain(host), Plain(port)


def _direction(event: Event) -> str:
    return "incoming" if event.from_server else "outgoing"


_BODIES: dict[Kind, Callable[[Event], Line]] = {
    Kind.APP: _app,
    Kind.DENIAL: _app,
    Kind.FINDING: _finding,
    Kind.SESSION_START: _traffic,
    Kind.SESSION_END: _traffic,
    **dict.fromkeys(NODE_LOGS, _node),
}
