"""The admin API on a loopback port, with two routes whose use is noted, and a caller that chooses every header."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from node.admin.answers import done, shows
from node.admin.outside import Outside
from node.admin.routes import Access, Route, get, post
from node.config import Admin

TOKEN = "the-token-of-these-tests-0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SECRET_VIEW = {"role": "active"}


@dataclass
class Stage:
    """The listener, its refusals, and how often it was switched over."""

    port: int
    scheme: str = "http"
    refusals: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    hung: int = 0
    client: aiohttp.ClientSession = field(init=False)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def refused(self, code: str, _address: str) -> None:
        self.refusals[code] += 1

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        async with self.client.request(
            method, f"{self.origin}{path}", headers=headers, ssl=False, allow_redirects=False, **more
        ) as response:
            return Answer(response.status, dict(response.headers), await response.text(), response.cookies)

    async def switchover(self, _request: web.Request) -> web.Response:
        self.orders += 1
        return done()

    async def hang(self, _request: web.Request) -> web.Response:
        try:
            await asyncio.sleep(60)
        finally:
            self.hung += 1
        return done()

    def routes(self) -> list[Route]:
        return [
            get("/status", shows(lambda: SECRET_VIEW)),
            post("/switchover", self.switchover),
            get("/hang", self.hang),
            Route("GET", "/lasting", self.hang, Access.READ, lasting=True),
        ]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str
    cookies: Any


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


def admin(folder: Path, port: int, **more: Any) -> Admin:
    token = folder / "page.token"
    if not token.exists():
        token.write_text(TOKEN + "\n")
        token.chmod(0o600)
    return Admin.model_validate({"listen": f"127.0.0.1:{port}", "token_file": str(token), **more})


@asynccontextmanager
async def staged(folder: Path, **more: Any) -> AsyncIterator[Stage]:
    stage = Stage(free_port(), "https" if "tls" in more else "http")
    outside = Outside(admin(folder, stage.port, **more), "a", stage.routes(), stage.refused)
    await outside.start()
    few = aiohttp.TCPConnector(limit=24)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), connector=few) as stage.client:
            yield stage
    finally:
        await outside.stop()
