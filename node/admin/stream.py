"""What the page lives on: a stream of server-sent events, five times a second.

Nothing waits in a queue: each state is whole, so a reader that is slow misses some and is told the latest next.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web

from node.admin.answers import refused
from node.events import Event
from node.events.kept import Kept

PERIOD_S = 0.2
LIFE_S = 3600.0
"""Then a reader has to come again, and to prove anew that he may."""
WRITE_S = 5.0
READERS_MAX = 8
EVENTS_AT_ONCE_MAX = 100
HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Stream:
    """The status and the events as they come, to a few readers at once."""

    def __init__(
        self,
        hello: Callable[[], Any],
        status: Callable[[], Any],
        events: Kept,
        clock_s: Callable[[], float],
    ) -> None:
        """`hello` is what does not change while the node runs."""
        self._hello = hello
        self._status = status
        self._events = events
        self._clock_s = clock_s
        self._readers = 0
        self._made_s = float("-inf")
        self._latest = b""

    async def handler(self, request: web.Request) -> web.StreamResponse:
        """Serve one reader."""
        if self._readers >= READERS_MAX:
            return refused(f"{READERS_MAX} pages are open already", 503)
        self._readers += 1
        try:
            response = web.StreamResponse(headers=HEADERS)
            await response.prepare(request)
            async for message in self._messages():
                async with asyncio.timeout(WRITE_S):
                    await response.write(message)
            return response
        finally:
            self._readers -= 1

    async def _messages(self) -> AsyncIterator[bytes]:
        yield _message("hello", self._hello())
        began_s = self._clock_s()
        told = 0
        while self._clock_s() - began_s < LIFE_S:
            events, told = self._events.since(told)
            if events:
                yield _message("events", _records(events))
            yield self._state()
            await asyncio.sleep(PERIOD_S)

    def _state(self) -> bytes:
        """Made once for all readers."""
        now_s = self._clock_s()
        if now_s - self._made_s >= PERIOD_S / 2:
            self._made_s, self._latest = now_s, _message("status", self._status())
        return self._latest


def _records(events: list[Event]) -> list[dict[str, Any]]:
    """The latest of them; the page shows no more."""
    return [event.record() for event in events[-EVENTS_AT_ONCE_MAX:]]


def _message(kind: str, data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()
