"""Events in ArcSight's Common Event Format, version 0: a header between pipes, then key=value."""

from __future__ import annotations

from typing import Any

from node.events.event import Event, Kind, Severity

HEADER = ("CEF:0", "iccp-tandem", "tandem")
SEVERITIES = {Severity.INFO: 1, Severity.LOW: 3, Severity.MEDIUM: 6, Severity.HIGH: 9}
_HEADER_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|"})
_EXTENSION_ESCAPES = str.maketrans({"\\": "\\\\", "=": "\\="})
_FACT_KEYS = ("cs4", "cs5", "cs6")


def line(event: Event, version: str) -> str:
    """The event as one message; `version` is the program's."""
    head = (*HEADER, version, _class(event), _name(event), str(SEVERITIES[event.severity]))
    fields = {**_common(event), **(_session(event) if event.id else _node(event))}
    told = (f"{key}={_extension(value)}" for key, value in fields.items() if value not in ("", None))
    return "|".join(_printable(text).translate(_HEADER_ESCAPES) for text in head) + "|" + " ".join(told)


def _class(event: Event) -> str:
    """The device event class id: the signature's number, the application's, or the kind."""
    return str(event.sid or (event.app_id if event.kind is Kind.APP else 0) or event.code or event.kind)


def _name(event: Event) -> str:
    return event.signature or (event.app if event.kind is Kind.APP else "") or event.message


def _common(event: Event) -> dict[str, Any]:
    return {
        "rt": event.time_ns // 1_000_000,
        "dvchost": event.node,
        "externalId": event.incident,
        "cat": str(event.kind),
        "msg": event.message,
    }


def _session(event: Event) -> dict[str, Any]:
    (client, client_port), (server, server_port) = map(_end, (event.client, event.server))
    (listen, listen_port), (source, source_port) = map(_end, (event.listen, event.source))
    facts = event.facts
    return {
        "src": client,
        "spt": client_port,
        "dst": server,
        "dpt": server_port,
        "destinationTranslatedAddress": listen,
        "destinationTranslatedPort": listen_port,
        "sourceTranslatedAddress": source,
        "sourceTranslatedPort": source_port,
        "proto": "TCP",
        "app": event.app or "ICCP",
        "act": event.action,
        "deviceDirection": int(event.from_server),
        "deviceInboundInterface": event.client_interface,
        "deviceOutboundInterface": event.server_interface,
        "in": facts.get("bytes_to_server"),
        "out": facts.get("bytes_to_client"),
        "reason": facts.get("reason") or event.code,
        "cs1Label": "session",
        "cs1": event.serial,
        "cs2Label": "service",
        "cs2": event.service,
        "cs3Label": "technique" if event.attack else None,
        "cs3": ",".join(event.attack),
        "cs4Label": "operation" if event.operation else None,
        "cs4": event.operation,
        "cs5Label": "objects" if event.objects else None,
        "cs5": " ".join(event.objects),
        "cn1Label": "policy",
        "cn1": event.policy,
        "cn2Label": "epoch",
        "cn2": event.epoch,
    }


def _node(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = {"cn2Label": "epoch", "cn2": event.epoch}
    facts = dict(event.facts)
    told["reason"] = facts.pop("reason", None)
    for key, (name, value) in zip(_FACT_KEYS, facts.items(), strict=False):
        told |= {f"{key}Label": name, key: value}
    return told


def _extension(value: object) -> str:
    return _printable(str(value)).translate(_EXTENSION_ESCAPES)


def _printable(text: str) -> str:
    """Control characters, which a peer may have put into a name, made harmless."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def _end(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return host, port
