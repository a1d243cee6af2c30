"""The first word on restored connections that have nothing to send again.

It tells the peer what has been received, which may have been read and never acknowledged, and makes it say what it has
(catchup.py). That is not urgent: what peers wait for goes first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from node.end import End
from node.relay import Relay

AT_ONCE = 8
"""Ends, in one turn of the event loop: every word is a packet's way through the kernel and back."""
PAUSE_S = 0.002
CATCH_UP_S = 0.05
"""After a handover nobody waits for a first word, and what peers have asked for meanwhile goes first."""


class Greeting:
    """Goes round after a takeover."""

    def __init__(self, loop: asyncio.AbstractEventLoop, relays: Iterable[Relay], after_s: float = PAUSE_S) -> None:
        self._loop = loop
        self._ends: deque[End] = deque(end for relay in relays for end in relay.standing())
        self._wait(after_s)

    def _wait(self, pause_s: float) -> None:
        if self._ends:
            self._loop.call_later(pause_s, self._some)

    def _some(self) -> None:
        for _ in range(min(AT_ONCE, len(self._ends))):
            self._ends.popleft().greet()
        self._wait(PAUSE_S)
