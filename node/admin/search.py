"""The page's list of sessions: those that match what was typed, and of them the rows that are in view."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from node import clock
from node.admin.answers import refused, whole
from node.admin.sources import Sources
from node.relay import Relay
from node.views import search_row
from protocol.session import Session

ROWS_MAX = 200
SLICE_ROWS = 8
"""So many rows are made in one turn: those of the cache are unpacked first."""
WORDS_LENGTH_MAX = 100
SLICE_SESSIONS = 256
"""So many are looked at in one turn of the loop: about a millisecond."""


class Search:
    """Answers `?search=&offset=&limit=`. A session matches if it has every word of the search."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def handler(self, request: web.Request) -> web.Response:
        """Found and shown sessions, oldest first."""
        try:
            offset, limit = whole(request, "offset", 0), whole(request, "limit", ROWS_MAX)
        except ValueError as error:
            return refused(str(error), 400)
        words = request.query.get("search", "")[:WORDS_LENGTH_MAX].lower().split()
        kept: list[Relay | Session] = [*self._sources.relays(), *self._sources.cached()]
        found = await _matching(kept, words)
        rows = await _rows(found[offset : offset + min(limit, ROWS_MAX)])
        return web.json_response({"total": len(kept), "found": len(found), "offset": offset, "rows": rows})


async def _matching(kept: list[Relay | Session], words: list[str]) -> list[Relay | Session]:
    if not words:
        return kept
    found: list[Relay | Session] = []
    for at in range(0, len(kept), SLICE_SESSIONS):
        found += [each for each in kept[at : at + SLICE_SESSIONS] if _has(each, words)]
        await asyncio.sleep(0)
    return found


async def _rows(shown: list[Relay | Session]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for at in range(0, len(shown), SLICE_ROWS):
        rows += [search_row(each, clock.boottime_s(), clock.wall_s()) for each in shown[at : at + SLICE_ROWS]]
        await asyncio.sleep(0)
    return rows


def _has(each: Relay | Session, words: Iterable[str]) -> bool:
    """By what is at hand: the applications of a session in the cache are packed away."""
    session = each.session if isinstance(each, Relay) else each
    apps = each.stack.apps if isinstance(each, Relay) else ()
    text = " ".join((session.client, session.server, session.service, session.serial, *apps))
    return all(word in text.lower() for word in words)
