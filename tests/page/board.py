"""A node as the page sees it, with nothing behind: the real listener, door and stream, fed with made-up states."""

from __future__ import annotations

import asyncio
import copy
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from node import clock
from node.admin.answers import done, refused
from node.admin.outside import Outside
from node.admin.routes import Access, Route, get, post
from node.admin.stream import Stream
from node.events import Event, Kind, Severity
from node.events.kept import Kept
from tests.admin.stage import admin, free_port

HELLO = {
    "node": "b",
    "group": "grid-east",
    "priority": 100,
    "interval_ms": 50,
    "lost_ms": 200,
    "lease_ms": 150,
    "peer_url": "http://node-a.example:7420/",
    "sessions_max": 4096,
}
PASSIVE: dict[str, Any] = {
    "node": "b",
    "role": "passive",
    "sync": "in-sync",
    "degraded": False,
    "problems": [],
    "epoch": 6,
    "takeover": "hitless",
    "missing": [],
    "uptime_s": 86_520.0,
    "lease": {"duration_ms": 150.0, "remaining_ms": 0.0, "lowest_margin_ms": 150.0},
    "peer": {
        "name": "a", "role": "active", "epoch": 6, "sync": "in-sync", "priority": 200, "sessions": 6, "age_ms": 12.0,
    },
    "links": [
        {
            "name": name, "priority": priority, "state": "up", "age_ms": 12.0, "sent": 1_730_412, "received": 1_730_399,
            "lost": lost, "carries_stream": priority == 100,
        }
        for name, priority, lost in (("hb0", 100, 2), ("data", 50, 11))
    ],
    "replication": {"state": "in-sync", "lag_bytes": 0, "lag_ms": 0.0, "frames": 0, "committed": 0, "resyncs": 1},
    "sessions": 0,
    "cached": 6,
    "reports_per_s": 0.0,
    "last_takeover": None,
    "counters": {"findings": 14, "denied": 3},
}  # fmt: skip
ACTIVE: dict[str, Any] = {
    **PASSIVE,
    "role": "active",
    "epoch": 7,
    "lease": {"duration_ms": 150.0, "remaining_ms": 131.2, "lowest_margin_ms": 88.4},
    "peer": {**PASSIVE["peer"], "role": "passive", "epoch": 7},
    "replication": {"state": "in-sync", "lag_bytes": 1412, "lag_ms": 0.8, "frames": 44, "committed": 43, "resyncs": 1},
    "sessions": 6,
    "cached": 0,
    "reports_per_s": 212.0,
    "last_takeover": {
        "reason": "peer lost", "epoch": 7, "sessions": 6, "reset": 0, "silent_ms": 201.3, "detected_ns": 10**12,
        "restored_ns": 10**12 + 9_400_000, "announced_ns": 10**12 + 14_900_000, "ago_s": 7300.0,
    },
}  # fmt: skip
SOLO: dict[str, Any] = {
    **ACTIVE,
    "sync": "solo",
    "degraded": True,
    "problems": ["link hb0 is down", "link data is down", "the session cache is solo"],
    "peer": {**ACTIVE["peer"], "age_ms": 3120.0},
    "links": [{**link, "state": "down", "age_ms": 3120.0, "carries_stream": False} for link in PASSIVE["links"]],
    "last_takeover": {**ACTIVE["last_takeover"], "ago_s": 2.9},
}
APPS = ("ICCP_Transfer.Reporting", "MMS_Identify.Request", "ICCP_Start.Transfer.DSTransferSet", "ICCP_Operate.Device")


class Board:
    """What the page is shown, and what it ordered."""

    def __init__(self, folder: Path, sessions: int) -> None:
        self.port = free_port()
        self.status = copy.deepcopy(PASSIVE)
        self.sessions = [session(number) for number in range(sessions)]
        self.orders = 0
        self.refuse: str | None = None
        self._folder = folder
        self._kept = Kept(1000)
        self._numbers = itertools.count(int(time.time() * 1e6))
        self._loop = asyncio.new_event_loop()
        self._outside: Outside | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def tell(self, kind: Kind, message: str, severity: Severity = Severity.INFO, **more: Any) -> None:
        """An event."""
        event = Event(
            incident=next(self._numbers), time_ns=time.time_ns(), kind=kind, severity=severity, node="b", epoch=7,
            message=message, **more,
        )  # fmt: skip
        self._kept.take(event)

    def start(self) -> None:
        """Serve, from a loop in a thread of its own; begun anew if it was."""
        self._call(self._start())

    def stop(self) -> None:
        """Serve no more, as a node that ends."""
        self._call(self._stop())

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        stream = Stream(lambda: HELLO, self._now, self._kept, clock.boottime_s)
        routes = (
            get("/search", self._search),
            Route("GET", "/stream", stream.handler, Access.READ, lasting=True),
            post("/switchover", self._switchover),
        )
        self._outside = Outside(admin(self._folder, self.port), "b", routes, lambda _code, _address: None)
        await self._outside.start()

    async def _stop(self) -> None:
        if self._outside is not None:
            await self._outside.stop()
            self._outside = None

    def _now(self) -> dict[str, Any]:
        return {"at_s": time.time(), **self.status}

    async def _search(self, request: web.Request) -> web.Response:
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        words = request.query["search"].lower().split()
        found = [each for each in self.sessions if all(word in str(each).lower() for word in words)]
        for each in self.sessions:
            each["bytes"] = [each["bytes"][0] + 311, each["bytes"][1] + 4711]
            each["age_s"] += 1
        rows = found[offset : offset + limit]
        return web.json_response({"total": len(self.sessions), "found": len(found), "offset": offset, "rows": rows})

    async def _switchover(self, _request: web.Request) -> web.Response:
        if self.refuse is not None:
            return refused(self.refuse, 409)
        self.orders += 1
        return done()


def session(number: int) -> dict[str, Any]:
    """The row of a session."""
    return {
        "id": number + 1, "serial": f"{0x9e3779b9 * (number + 1) % 2**32:08x}", "service": "iccp",
        "client": f"10.1.{100 + number // 200}.{10 + number % 200}:{40_000 + number}",
        "server": "172.16.200.177:102", "age_s": 7300.0 + number, "bytes": [48_211, 9_120_334], "resumed": 1,
        "guarded": False, "state": "established", "idle_s": 0.4, "rate_bps": [400, 72_000],
        "apps": list(APPS[: 1 + number % 4]), "app": APPS[0], "denied": 3 if number % 7 == 4 else 0, "ignored": False,
    }  # fmt: skip


@contextmanager
def board(folder: Path, sessions: int = 6) -> Iterator[Board]:
    """A node that runs."""
    made = Board(folder, sessions)
    thread = threading.Thread(target=made._loop.run_forever, daemon=True)
    thread.start()
    made.start()
    try:
        yield made
    finally:
        made.stop()
        made._loop.call_soon_threadsafe(made._loop.stop)
        thread.join(10)
