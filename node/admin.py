"""The admin API: JSON over HTTP on a Unix socket that only the node's user may open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from node import clock, views
from node.config import Config
from node.events import Events
from node.lessons import Lessons
from node.status import Status
from protocol.heartbeat import Role

REQUEST_BYTES_MAX = 64 * 1024


class Admin:
    """Shows the node, and takes the few orders there are."""

    def __init__(
        self, config: Config, status: Status, events: Events, lessons: Lessons, switchover: Callable[[], str | None]
    ) -> None:
        self._config = config
        self._path = config.node.admin_socket
        self._status = status
        self._lessons = lessons
        self._switchover = switchover
        app = web.Application(client_max_size=REQUEST_BYTES_MAX)
        for name, view in {
            "status": status.view,
            "sessions": self._sessions,
            "connections": self._connections,
            "cache": self._cache,
            "events": events.view,
            "learned": lessons.view,
        }.items():
            app.router.add_get(f"/{name}", _shows(view))
        app.router.add_post("/switchover", self._on_switchover)
        app.router.add_post("/learned", self._on_learn)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        """Listen; raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._path)).start()
        self._path.chmod(0o600)

    async def stop(self) -> None:
        """Close the socket."""
        await self._runner.cleanup()

    def _policy(self, service: str) -> int:
        return next((each.policy for each in self._config.services if each.name == service), 0)

    def _sessions(self) -> list[dict[str, Any]]:
        relays = self._status.proxy.relays.values()
        return views.sessions(relays, self._policy, clock.boottime_s(), clock.wall_s())

    def _connections(self) -> list[dict[str, Any]]:
        relays = self._status.proxy.relays.values()
        return views.connections(relays, self._policy, clock.boottime_s(), clock.wall_s())

    def _cache(self) -> list[dict[str, Any]]:
        """Empty on an active node: its sessions are in the session list."""
        if self._status.member.role is Role.ACTIVE:
            return []
        return views.cache(
            self._status.standby.cache.sessions.values(), self._status.proxy.inspectors.held_to, clock.wall_s()
        )

    async def _on_switchover(self, _request: web.Request) -> web.Response:
        refusal = self._switchover()
        if refusal is not None:
            return web.json_response({"ok": False, "error": refusal}, status=409)
        return web.json_response({"ok": True})

    async def _on_learn(self, request: web.Request) -> web.Response:
        """Begin to learn anew, for `seconds`."""
        try:
            seconds = int(request.query.get("seconds", ""))
        except ValueError:
            return web.json_response({"ok": False, "error": "for how many seconds?"}, status=400)
        self._lessons.begin(seconds)
        return web.json_response({"ok": True})


def _shows(view: Callable[[], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(view())

    return handler
