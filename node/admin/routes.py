"""The form of a route of the admin API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(Enum):
    """What a caller over TCP must be allowed. Whoever may open the Unix socket may do everything."""

    OPEN = auto()
    """Nothing: no word of the node is told here."""
    READ = auto()
    """To see the node."""
    CHANGE = auto()
    """To give it orders."""


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked of the node."""

    method: str
    path: str
    handler: Handler
    access: Access
    lasting: bool = False
    """Goes on for as long as the caller listens."""


def get(path: str, handler: Handler) -> Route:
    """A route that shows something."""
    return Route("GET", path, handler, Access.READ)


def post(path: str, handler: Handler) -> Route:
    """A route that gives an order."""
    return Route("POST", path, handler, Access.CHANGE)
