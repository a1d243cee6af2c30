"""The admin API's listeners."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from node.admin.outside import Outside
from node.admin.routes import Route
from node.config import Config
from node.refusals import Refusals

REQUEST_BYTES_MAX = 64 * 1024
SHUTDOWN_S = 0.1
OWNER_ONLY = 0o177
"""The umask of a socket that nobody but its owner may open."""


class Admin:
    """Serves the routes: to whoever may open the Unix socket, and over TCP if that is configured."""

    def __init__(self, config: Config, routes: Sequence[Route], refusals: Refusals) -> None:
        """Raises StartupError."""
        self._path = config.node.admin_socket
        app = web.Application(client_max_size=REQUEST_BYTES_MAX)
        for route in routes:
            app.router.add_route(route.method, route.path, route.handler)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S)
        self._server: asyncio.Server | None = None
        self._outside: Outside | None = None
        if config.admin is not None:

            def refused(code: str, address: str) -> None:
                refusals.refuse("admin", code, "", address)

            self._outside = Outside(config.admin, config.node.name, routes, refused)

    async def start(self) -> None:
        """Listen; raises OSError or StartupError."""
        await self._runner.setup()
        assert self._runner.server is not None, "set up above"
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._runner.server, sock=_unix_socket(self._path))
        if self._outside is not None:
            await self._outside.start()

    async def stop(self) -> None:
        """Let go of everybody who listens."""
        if self._outside is not None:
            await self._outside.stop()
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()


def _unix_socket(path: Path) -> socket.socket:
    """One that was never open to others, not for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(OWNER_ONLY)
    try:
        sock.bind(str(path))
    finally:
        os.umask(old)
    return sock
