"""Shares the event loop among busy connections, so that heartbeats and commits never wait long behind data.

In one turn of the loop, reading gets a slice of time; connections that are ready beyond it queue up, first come
first served, and go on in the next turn. A quiet node reads at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from node import clock

SLICE_S = 0.008


class Reader(Protocol):
    """Something with bytes to read."""

    waiting: bool

    def read(self) -> None:
        """Read a bounded piece and deal with it."""


class Turns:
    """The queue of those who are ready to read."""

    def __init__(self, loop: asyncio.AbstractEventLoop, slice_s: float = SLICE_S) -> None:
        self._call_soon: Callable[[Callable[[], None]], object] = loop.call_soon
        self._slice_s = slice_s
        self._queue: deque[Reader] = deque()
        self._used_s = 0.0
        self._scheduled = False

    def ready(self, reader: Reader) -> None:
        """`reader` has bytes: let it read now, or when its turn comes."""
        if self._used_s < self._slice_s and not self._queue:
            self._read(reader)
        elif not reader.waiting:
            reader.waiting = True
            self._queue.append(reader)
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self._next_turn)

    @property
    def waiting(self) -> bool:
        """Whether some are ready and have not had their turn."""
        return bool(self._queue)

    def _next_turn(self) -> None:
        self._used_s = 0.0
        while self._queue and self._used_s < self._slice_s:
            reader = self._queue.popleft()
            reader.waiting = False
            self._read(reader)
        self._scheduled = bool(self._queue)
        if self._scheduled:
            self._call_soon(self._next_turn)

    def _read(self, reader: Reader) -> None:
        began_s = clock.boottime_s()
        reader.read()
        self._used_s += clock.boottime_s() - began_s
