"""The page's files, read once and served from memory: nothing of a request ever becomes a path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.resources import files

from aiohttp import web

from node.admin.routes import Access, Handler, Route

FOLDER = "page"
INDEX = "index.html"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def page_routes() -> Iterator[Route]:
    """A route for each file, and the index at `/`. They tell nothing of the node, and anybody may see them."""
    for entry in sorted(files(__package__).joinpath(FOLDER).iterdir(), key=lambda each: each.name):
        suffix = "." + entry.name.rpartition(".")[2]
        path = "/" if entry.name == INDEX else f"/{entry.name}"
        yield Route("GET", path, _serves(entry.read_bytes(), TYPES[suffix]), Access.OPEN)


def _serves(content: bytes, kind: str) -> Handler:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}

    async def handler(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=headers)

    return handler
