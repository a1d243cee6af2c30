"""Counts what the inspector sees, and how fast transfer reports pass."""

from __future__ import annotations

import asyncio
from collections import Counter

from inspector import Result
from node import clock
from node.metrics.tallies import Tallies
from node.status import Status

REPORT = "ICCP_Transfer.Reporting"
WINDOW_S = 1.0


class Rates:
    """Counters over all sessions; the report rate is that of the last window."""

    def __init__(self, counters: Counter[str], status: Status, tallies: Tallies) -> None:
        self._counters = counters
        self._counters.update(dict.fromkeys(("pdus", "findings", "denied"), 0))
        self._status = status
        self._tallies = tallies
        self._since_s = clock.boottime_s()
        self._reports = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close a window every second from now on."""
        now_s, reports = clock.boottime_s(), self._tallies.apps().get(REPORT, 0)
        self._status.reports_per_s = round((reports - self._reports) / max(now_s - self._since_s, 1e-3), 1)
        self._since_s, self._reports = now_s, reports
        loop.call_later(WINDOW_S, self.start, loop)

    def count(self, result: Result) -> None:
        """One feed's PDUs and findings."""
        self._tallies.count(result)
        self._counters["pdus"] += len(result.pdus)
        if result.findings:
            self._counters["findings"] += len(result.findings)
        if result.edits:
            self._counters["denied"] += len(result.edits)
