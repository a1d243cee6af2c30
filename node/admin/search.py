"""The page's list of sessions: those that match what was typed, and of them the rows that are in view."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiohttp import web

from node import clock
from node.admin.answers import refused, whole
from node.admin.sources import Sources
from node.relay import Relay
from node.views import search_row
from protocol.session import Session

ROWS_MAX = 200
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
        shown = found[offset : offset + min(limit, ROWS_MAX)]
        return web.json_response(
            {
                "total": len(kept),
                "found": len(found),
                "offset": offset,
                "rows": [search_row(each, clock.boottime_s(), clock.wall_s()) for each in shown],
            }
        )


async def _matching(kept: list[Relay | Session], words: list[str]) -> list[Relay | Session]:
    if not words:
        return kept
    found: list[Relay | Session] = []
    for at in range(0, len(kept), SLICE_SESSIONS):
        found += [each for each in kept[at : at + SLICE_SESSIONS] if _has(each, words)]
        await asyncio.sleep(0)
    return found


def _has(each: Relay | Session, words: Iterable[str]) -> bool:
    """By what is at hand: the applications of a session in the cache are packed away."""
    session = each.session if isinstance(each, Relay) else each
    apps = each.stack.apps if isinstance(each, Relay) else ()
    text = " ".join((session.client, session.server, session.service, f"{session.serial:x}", str(session.id), *apps))
    return all(word in text.lower() for word in words)
