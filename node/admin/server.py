"""The admin API's listeners."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from node.admin.routes import Route
from node.config import Config

REQUEST_BYTES_MAX = 64 * 1024
OWNER_ONLY = 0o177
"""The umask of a socket that nobody but its owner may open."""


class Admin:
    """Serves the routes."""

    def __init__(self, config: Config, routes: Iterable[Route]) -> None:
        self._path = config.node.admin_socket
        app = web.Application(client_max_size=REQUEST_BYTES_MAX)
        for route in routes:
            app.router.add_route(route.method, route.path, route.handler)
        self._runner = web.AppRunner(app, access_log=None)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; raises OSError."""
        await self._runner.setup()
        assert self._runner.server is not None, "set up above"
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._runner.server, sock=_unix_socket(self._path))

    async def stop(self) -> None:
        """Close the socket."""
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
