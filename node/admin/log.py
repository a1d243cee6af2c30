"""The events that fit the filters of `tandem execute log display`."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from node.admin.answers import refused
from node.admin.routes import Handler
from node.events.pipeline import Events
from node.events.query import QueryError, parse


def log(events: Events) -> Handler:
    """Answers with them, newest first; a thread looks for them and writes them down."""

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            query = parse(request.query)
        except QueryError as error:
            return refused(str(error), 400)
        kept = list(events.kept)
        text = await asyncio.get_running_loop().run_in_executor(None, lambda: json.dumps(query.answer(kept)))
        return web.json_response(text=text)

    return handler
