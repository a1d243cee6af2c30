"""What an inspected capture amounts to."""

from __future__ import annotations

from collections import Counter
from typing import Any

from inspector import Pdu
from node.captures.inspection import Inspection
from node.captures.notes import Notes


class Summary:
    """Counts what the lines say one by one."""

    def __init__(self) -> None:
        self.pdus = 0
        self.apps: Counter[str] = Counter()
        self.mms: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.severities: set[str] = set()

    def add(self, pdu: Pdu) -> None:
        """One more PDU, or finding without one."""
        if pdu.layers:
            self.pdus += 1
        if pdu.app is not None:
            self.apps[pdu.app] += 1
        if pdu.mms_pdu is not None:
            self.mms[pdu.mms_pdu if pdu.mms_service is None else f"{pdu.mms_pdu} {pdu.mms_service}"] += 1
        for finding in pdu.findings:
            self.findings[finding.code] += 1
            self.severities.add(finding.severity)

    def fields(self, inspection: Inspection, notes: Notes) -> dict[str, Any]:
        """As JSON shows it, the most frequent first."""
        return {
            "pdus": self.pdus,
            "apps": dict(self.apps.most_common()),
            "mms": dict(self.mms.most_common()),
            "findings": dict(self.findings.most_common()),
            "frames": inspection.frames,
            "connections": inspection.connections - inspection.ignored,
            "other_connections": inspection.ignored,
            "notes": dict(notes.counts),
        }
