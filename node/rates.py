"""Counts what the inspector sees, and how fast transfer reports pass."""

from __future__ import annotations

import asyncio
from collections import Counter

from inspector import Result
from node import clock
from node.status import Status

REPORT = "ICCP_Transfer.Reporting"
WINDOW_S = 1.0


class Rates:
    """Counters over all sessions; the report rate is that of the last window."""

    def __init__(self, counters: Counter[str], status: Status) -> None:
        self._counters = counters
        self._status = status
        self._since_s = clock.boottime_s()
        self._reports = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close a window every second from now on."""
        now_s = clock.boottime_s()
        self._status.reports_per_s = round(self._reports / max(now_s - self._since_s, 1e-3), 1)
        self._since_s, self._reports = now_s, 0
        loop.call_later(WINDOW_S, self.start, loop)

    def count(self, result: Result) -> None:
        """One feed's PDUs and findings."""
        self._counters["pdus"] += len(result.pdus)
        self._counters["findings"] += len(result.findings)
        self._counters["denied"] += len(result.edits)
        self._reports += sum(pdu.app == REPORT for pdu in result.pdus)
