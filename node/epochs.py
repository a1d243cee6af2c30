"""The epoch on disk, kept so that no takeover waits for it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from node.store import GrowingNumber

AGAIN_S: Final = 1.0


class EpochKeeper:
    """A passive keeps the epoch in which it would be active next; either role tries again what could not be written."""

    def __init__(self, kept: GrowingNumber, loop: asyncio.AbstractEventLoop, clock_s: Callable[[], float]) -> None:
        self._kept = kept
        self._loop = loop
        self._clock_s = clock_s
        self._due_s = 0.0

    def look(self, epoch: int, *, is_passive: bool) -> None:
        """Write what is to be written, in a thread; called at every heartbeat."""
        wanted = epoch + 1 if is_passive else self._kept.value
        if (wanted > self._kept.value or self._kept.trouble) and self._clock_s() >= self._due_s:
            self._due_s = self._clock_s() + AGAIN_S
            self._loop.run_in_executor(None, self._store, wanted)

    def _store(self, epoch: int) -> None:
        """What keeps it from being written is a problem in the status."""
        with suppress(OSError):
            self._kept.grow(epoch)
