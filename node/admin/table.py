"""The routes that a node has. A new view or order is one more line, and where it comes from one more source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from node import clock, views
from node.admin.answers import done, lists, refused, shows
from node.admin.routes import Handler, Route, get, post
from node.config import Config
from node.events import Event, Events
from node.lessons import Lessons
from node.relay import Relay
from node.status import Status
from protocol.heartbeat import Role
from protocol.session import Session


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the routes get their answers from."""

    config: Config
    status: Status
    events: Events
    lessons: Lessons
    switchover: Callable[[], str | None]
    """Begins one; returns why it cannot be."""

    def policy(self, service: str) -> int:
        """The number of a service's policy."""
        return next((each.policy for each in self.config.services if each.name == service), 0)

    def relays(self) -> Iterable[Relay]:
        """The sessions that this node serves."""
        return self.status.proxy.relays.values()

    def cached(self) -> Iterable[Session]:
        """None on an active node: its sessions are in the session list."""
        return () if self.status.member.role is Role.ACTIVE else self.status.standby.cache.sessions.values()

    def session_rows(self, relays: Iterable[Relay]) -> list[dict[str, Any]]:
        """As `diagnose ips session list` shows them."""
        return views.sessions(relays, self.policy, clock.boottime_s(), clock.wall_s())

    def connection_rows(self, relays: Iterable[Relay]) -> list[dict[str, Any]]:
        """As `diagnose sys session list` shows them."""
        return views.connections(relays, self.policy, clock.boottime_s(), clock.wall_s())

    def cache_rows(self, kept: Iterable[Session]) -> list[dict[str, Any]]:
        """As `diagnose ips share list` shows them."""
        return views.cache(kept, self.status.proxy.inspectors.held_to, clock.wall_s())


def routes(sources: Sources) -> tuple[Route, ...]:
    """All of them."""
    return (
        get("/status", shows(sources.status.view)),
        get("/sessions", lists(sources.relays, sources.session_rows)),
        get("/connections", lists(sources.relays, sources.connection_rows)),
        get("/cache", lists(sources.cached, sources.cache_rows)),
        get("/events", lists(sources.events.kept.__iter__, _records)),
        get("/learned", shows(sources.lessons.view)),
        post("/switchover", _switchover(sources)),
        post("/learned", _learn(sources.lessons)),
    )


def _records(told: Iterable[Event]) -> list[dict[str, Any]]:
    return [event.record() for event in told]


def _switchover(sources: Sources) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        refusal = sources.switchover()
        return done() if refusal is None else refused(refusal, 409)

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
