"""After a takeover: finds the connections whose peers have more than this node knows to have been sent. Guarded
sessions have none.

Peers answer the first word of a restored socket with what they have; the gate notes it. A few looks in the first
moments find nearly all; later ones find those across slow networks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from node.log import get
from node.relay import Relay

LOOKS_S = (*[0.002] * 10, *[0.01] * 20, *[0.1] * 50)
"""Pauses before each look."""

log = get("catchup")


class CatchUp:
    """Looks after the restored sessions for some seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, relays: list[Relay], buffer_bytes: int) -> None:
        self._loop = loop
        self._relays = relays
        self._buffer_bytes = buffer_bytes
        self._pauses: Iterator[float] = iter(LOOKS_S)
        self._found = 0
        self._wait()

    def _wait(self) -> None:
        pause_s = next(self._pauses, None)
        if pause_s is not None:
            self._loop.call_later(pause_s, self._look)
            return
        for relay in self._relays:
            relay.level = True
        if self._found:
            log.info("peers were ahead", connections=self._found)

    def _look(self) -> None:
        self._relays = [relay for relay in self._relays if not relay.closed]
        for relay in self._relays:
            self._found += relay.catch_up(self._buffer_bytes)
        self._wait()
