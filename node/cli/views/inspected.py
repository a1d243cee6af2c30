"""An inspected capture, as `tandem inspect` shows it: a line a PDU, as JSON or to read, and the summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from inspector import Direction, Finding, Pdu
from node.captures.inspection import NS_PER_MS, Inspection, Sighting
from node.captures.notes import Notes
from node.captures.streams import Connection
from node.captures.streams import endpoint as shown_end
from node.captures.summary import Summary
from node.cli.views.text import clean

NS_PER_S = 1_000 * NS_PER_MS
DIRECTIONS = {Direction.CLIENT_TO_SERVER: "client->server", Direction.SERVER_TO_CLIENT: "server->client"}
"""The words for a direction; client and server are those of the TCP connection."""
OBJECTS_SHOWN = 3
CONNECTIONS_KEPT = 4_096
"""Whose descriptions are at hand; made again when needed."""

_dumps = json.JSONEncoder(separators=(", ", ": "), check_circular=False).encode


class Clock:
    """Times in ISO 8601, UTC, with microseconds. Most frames share their second with the one before."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def __call__(self, time_ns: int) -> str:
        second, rest = divmod(time_ns, NS_PER_S)
        if second != self._second:
            self._second = second
            self._text = _moment(second)
        return f"{self._text}.{rest // 1000:06d}Z"


def _moment(second: int) -> str:
    try:
        return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "9999-12-31T23:59:59"  # a clock that cannot be right


class JsonLines:
    """One JSON object a PDU; the keys always in the same order. The last line is the summary."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._connections: dict[int, dict[str, Any]] = {}

    def lines(self, sighting: Sighting) -> Iterator[str]:
        """The line of one PDU."""
        frame, time_ns, connection, pdu = sighting
        shown = self._connections.get(connection.number) or self._new(connection)
        yield _dumps(
            {
                "frame": frame,
                "time": self._clock(time_ns),
                "direction": DIRECTIONS[pdu.direction],
                "layers": pdu.layers,
                "mms_pdu": pdu.mms_pdu,
                "mms_service": pdu.mms_service,
                "invoke_id": pdu.invoke_id,
                "operation": pdu.operation,
                "app": pdu.app,
                "objects": pdu.objects,
                "verdict": pdu.verdict,
                "findings": [_finding(each) for each in pdu.findings],
                "connection": shown,
                "details": dict(pdu.details),
            }
        )

    def _new(self, connection: Connection) -> dict[str, Any]:
        if len(self._connections) >= CONNECTIONS_KEPT:
            self._connections.clear()
        self._connections[connection.number] = shown = {
            "number": connection.number,
            "client": shown_end(connection.client),
            "server": shown_end(connection.server),
            "midstream": connection.midstream,
        }
        return shown

    def end(self, summary: Summary, inspection: Inspection, notes: Notes) -> Iterator[str]:
        """The summary."""
        yield _dumps({"summary": summary.fields(inspection, notes)})


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "detail": finding.detail,
        "sid": finding.sid,
        "attack": finding.attack,
    }


class TextLines:
    """One line a PDU to read, findings beneath it, and a table of what there was at the end."""

    def __init__(self) -> None:
        self._clock = Clock()

    def lines(self, sighting: Sighting) -> Iterator[str]:
        """The lines of one PDU; before the first of a connection, which one it is."""
        frame, time_ns, connection, pdu = sighting
        if not connection.shown:
            connection.shown = True
            midstream = " (midstream: its start is not in the capture)" if connection.midstream else ""
            yield f"connection {connection.number}: {connection}{midstream}"
        invoke_id = "" if pdu.invoke_id is None else pdu.invoke_id
        verdict = "" if pdu.verdict == "pass" else pdu.verdict.upper()
        arrow = "->" if pdu.direction == Direction.CLIENT_TO_SERVER else "<-"
        what = clean(pdu.operation or pdu.app or "").strip("-")
        place = f"{frame:>7} {self._clock(time_ns)} {connection.number:>3} {arrow}"
        line = f"{place} {_name(pdu):<49} {invoke_id:>6} {what:<29} {_objects(pdu)}"
        yield f"{line.rstrip()}  {verdict}".rstrip()
        for finding in pdu.findings:
            yield f"{'!':>7} {_remark(finding)}"

    def end(self, summary: Summary, inspection: Inspection, notes: Notes) -> Iterator[str]:
        """The table at the end."""
        fields = summary.fields(inspection, notes)
        yield ""
        others = f", {inspection.ignored} more not inspected" if inspection.ignored else ""
        connections = counted(fields["connections"], "connection")
        yield f"{counted(fields['pdus'], 'PDU')} in {connections}{others}; {counted(fields['frames'], 'frame')}"
        for title in ("apps", "mms", "findings", "notes"):
            for number, (name, count) in enumerate(fields[title].items()):
                yield f"  {title if number == 0 else '':<9} {count:>8}  {clean(name)}"


def _name(pdu: Pdu) -> str:
    """The PDU by its topmost layer."""
    if pdu.mms_pdu is not None:
        mms = pdu.mms_pdu if pdu.mms_service is None else f"{pdu.mms_pdu} {pdu.mms_service}"
        return mms if pdu.acse is None else f"{pdu.acse}, {mms}"
    return pdu.acse or pdu.presentation or pdu.session or pdu.cotp or "(no PDU)"


def _objects(pdu: Pdu) -> str:
    shown = " ".join(clean(name) for name in pdu.objects[:OBJECTS_SHOWN])
    more = len(pdu.objects) - OBJECTS_SHOWN
    return f"{shown} (+{more})" if more > 0 else shown


def _remark(finding: Finding) -> str:
    marks = [f"sid {finding.sid}"] if finding.sid else []
    marks += finding.attack
    source = f" ({', '.join(marks)})" if marks else ""
    return f"{finding.severity:<6} {finding.code}{source}: {clean(finding.detail)}"


def counted(number: int, what: str) -> str:
    """A number of things."""
    return f"1 {what}" if number == 1 else f"{number} {what}s"
