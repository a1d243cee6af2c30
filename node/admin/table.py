"""The routes that a node has. A new view or order is one more line, and where it comes from one more source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from node import clock
from node.admin.answers import done, lists, refused, shows
from node.admin.log import log
from node.admin.routes import Access, Handler, Route, get, post
from node.admin.search import Search
from node.admin.sources import Sources
from node.admin.stream import Stream
from node.events import Event
from node.lessons import Lessons
from node.metrics.scrape import metrics
from node.reload import REFUSALS, Reload


def routes(sources: Sources) -> tuple[Route, ...]:
    """All of them."""
    stream = Stream(sources.hello, sources.now, sources.events.kept, clock.boottime_s)
    return (
        get("/status", shows(sources.status.view)),
        get("/sessions", lists(sources.relays, sources.session_rows)),
        get("/connections", lists(sources.relays, sources.connection_rows)),
        get("/cache", lists(sources.cached, sources.cache_rows)),
        get("/events", lists(sources.events.kept.__iter__, _records)),
        get("/search", Search(sources).handler),
        Route("GET", "/stream", stream.handler, Access.READ, lasting=True),
        get("/log", log(sources.events)),
        get("/metrics", metrics(sources.gauges)),
        get("/learned", shows(sources.lessons.view)),
        post("/switchover", _switchover(sources)),
        post("/learned", _learn(sources.lessons)),
        post("/reload", _reload(sources.reload)),
    )


def _records(told: Iterable[Event]) -> list[dict[str, Any]]:
    return [event.record() for event in told]


def _switchover(sources: Sources) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        refusal = sources.switchover()
        return done() if refusal is None else refused(refusal, 409)

    return handler


def _reload(reload: Reload) -> Handler:
    """Take up policies, signatures and keys anew, or say why not and go on with the old ones."""

    async def handler(_request: web.Request) -> web.Response:
        try:
            outcome = await reload()
        except REFUSALS as error:
            return refused(str(error), 422)
        return web.json_response({"ok": True, **asdict(outcome)})

    return handler


def _learn(lessons: Lessons) -> Handler:
    """Begin to learn anew, for `seconds`."""

    async def handler(request: web.Request) -> web.Response:
        try:
            seconds = int(request.query.get("seconds", ""))
        except ValueError:
            return refused("for how many seconds?", 400)
        lessons.begin(seconds)
        return done()

    return handler
