"""One event of every kind, as a node publishes them."""

from __future__ import annotations

from typing import Any

from node.events import Event, Kind, Severity

TIME_NS = 1_664_310_221_320_980_581
SESSION: dict[str, Any] = {
    "id": 16_777_217,
    "serial": "0001000001",
    "service": "iccp",
    "policy": 1,
    "client": "10.1.100.178:57218",
    "server": "172.16.200.177:102",
    "listen": "10.1.100.1:102",
    "source": "172.16.200.4:57218",
    "client_interface": "eth-client",
    "server_interface": "eth-server",
}
WRITE: dict[str, Any] = {
    "direction": "client->server",
    "mms_pdu": "confirmed-request",
    "mms_service": "write",
    "invoke_id": 7,
    "operation": "Operate",
    "app": "ICCP_Operate.Device",
    "app_id": 610144,
    "category": "ICCP",
    "risk": 5,
    "objects": ("ICC1/BRK1",),
}
REPORT: dict[str, Any] = {
    "direction": "server->client",
    "mms_pdu": "unconfirmed",
    "mms_service": "informationReport",
    "operation": "Transfer Report",
    "app": "ICCP_Transfer.Reporting",
    "app_id": 44684,
    "category": "ICCP",
    "risk": 2,
    "objects": ("ICC1/DS_0",),
    "verdict": "pass",
    "action": "pass",
}
CLOSED: dict[str, Any] = {
    "reason": "finished",
    "started_ns": TIME_NS - 209_400_000_000,
    "age_s": 209.4,
    "bytes_to_server": 11_980,
    "bytes_to_client": 57_028,
    "packets_to_server": 104,
    "packets_to_client": 164,
    "pdus_to_server": 85,
    "pdus_to_client": 164,
    "denied": 0,
    "takeovers": 1,
}
DENIED: dict[str, Any] = {
    "verdict": "deny",
    "code": "unauthorized-operate",
    "sid": 620301,
    "signature": "Operate without the right",
    "detail": "operate of ICC1/BRK1",
    "attack": ("T0855", "T0836"),
    "action": "deny",
}


def event(
    kind: Kind, message: str, severity: Severity = Severity.INFO, incident: int = 101_711_885, **told: Any
) -> Event:
    """An event of node a in epoch 2."""
    return Event(
        incident=incident,
        time_ns=TIME_NS,
        kind=kind,
        severity=severity,
        node="a",
        epoch=2,
        message=message,
        **told,
    )


def samples() -> dict[str, Event]:
    """By a name for each."""
    odd = {
        "code": "ber-length",
        "sid": 0,
        "signature": "ber-length",
        "detail": 'length | of = "x"\n',
        "action": "reset",
    }
    took = {"reason": "peer-lost", "sessions": 2, "reset": 1, "silent_ms": 151.2, "restore_ms": 4.1, "total_ms": 5.3}
    lost = {"place": "siem", "count": 12, "failing_s": 3.5, "reason": "Connection refused"}
    rules = {"policies": 3, "differing": ["policy", "rules"], "peer": {"policy": "1a2b"}, "file": None}
    return {
        "app": event(Kind.APP, "ICCP: ICCP_Transfer.Reporting", **SESSION, **REPORT),
        "denied": event(
            Kind.FINDING,
            "Operate without the right: operate of ICC1/BRK1",
            Severity.HIGH,
            **SESSION,
            **{**WRITE, **DENIED},
        ),
        "monitored": event(
            Kind.FINDING,
            "Tag changed",
            Severity.LOW,
            **SESSION,
            **{**WRITE, "code": "tag-change", "sid": 620306, "signature": "Tag changed", "action": "monitor"},
        ),
        "anomaly": event(Kind.FINDING, "ber-length", Severity.HIGH, **SESSION, **odd),
        "denial": event(Kind.DENIAL, "Operate: deny", Severity.MEDIUM, **SESSION, **{**WRITE, "action": "deny"}),
        "opened": event(Kind.SESSION_START, "session started", **SESSION),
        "closed": event(
            Kind.SESSION_END, "session ended: finished", app="ICCP_Transfer.Reporting", facts=CLOSED, **SESSION
        ),
        "never connected": event(
            Kind.SESSION_END,
            "session ended: refused",
            facts=CLOSED,
            **{**SESSION, "source": "", "server_interface": ""},
        ),
        "takeover": event(Kind.TAKEOVER, "takeover complete: 2 sessions kept, 1 reset", Severity.HIGH, facts=took),
        "role": event(
            Kind.ROLE,
            "role: passive to active",
            Severity.MEDIUM,
            facts={"from": "passive", "to": "active", "reason": "peer-lost"},
        ),
        "sync": event(Kind.SYNC, "session cache: solo", Severity.MEDIUM, facts={"from": "in-sync", "to": "solo"}),
        "link": event(Kind.LINK, "link hb0 is down", Severity.MEDIUM, facts={"link": "hb0", "to": "down"}),
        "config": event(
            Kind.CONFIG,
            "policy reloaded",
            Severity.LOW,
            facts=rules,
        ),
        "node": event(Kind.NODE, "node started", facts={"takeover": "hitless"}),
        "loss": event(Kind.LOSS, "12 events not written to siem", Severity.MEDIUM, facts=lost),
        "stats": event(
            Kind.STATS, "statistics", facts={"role": "active", "sync": "in-sync", "uptime_s": 12.5, "sessions": 2}
        ),
    }
