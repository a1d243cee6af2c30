"""Handlers made from plain functions: objects at once, lists in slices between which the loop does its other work."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from aiohttp import web

from node.admin.routes import Handler

SLICE_ROWS = 32
"""So many rows are made and written in one turn of the loop: about a millisecond."""
DIGITS_MAX = 9

Item = TypeVar("Item")


def shows(view: Callable[[], Any]) -> Handler:
    """Answer with what `view` returns; for what is small."""

    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(view())

    return handler


def lists(items: Callable[[], Iterable[Item]], rows: Callable[[Iterable[Item]], Iterable[Any]]) -> Handler:
    """Answer with a list, one row an item, as the items were when it was asked for.

    The query's `offset` and `limit` cut it.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            offset, limit = whole(request, "offset", 0), whole(request, "limit", sys.maxsize // 2)
        except ValueError as error:
            return refused(str(error), 400)
        chosen = list(islice(items(), offset, offset + limit))
        return await _write(request, chosen, rows)

    return handler


async def _write(
    request: web.Request, items: Sequence[Item], rows: Callable[[Iterable[Item]], Iterable[Any]]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
    await response.prepare(request)
    separator = b"["
    for some in _slices(items):
        for row in rows(some):
            await response.write(separator + json.dumps(row).encode())
            separator = b","
        await asyncio.sleep(0)
    await response.write(b"[]" if separator == b"[" else b"]")
    await response.write_eof()
    return response


def _slices(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[at : at + SLICE_ROWS] for at in range(0, len(items), SLICE_ROWS))


def refused(reason: str, status: int) -> web.Response:
    """What every refusal looks like."""
    return web.json_response({"ok": False, "error": reason}, status=status)


def done() -> web.Response:
    """An order was carried out, or begun."""
    return web.json_response({"ok": True})


def whole(request: web.Request, name: str, default: int) -> int:
    """A number of the query; raises ValueError."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > DIGITS_MAX:
        raise ValueError(f"{name} must be a whole number")
    return int(text)
