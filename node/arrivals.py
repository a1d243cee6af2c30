"""Which of many sockets have something to read: a set of our own (epoll(7)) inside the event loop's.

A takeover begins to read from hundreds of sockets at once, and every one of them waits for the last. Here each costs
one system call; of the event loop's own readers each costs four, and an object.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable

from node.turns import Reader


class Arrivals:
    """Tells `ready` of each socket with something to read, again and again for as long as that is so."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: Callable[[Reader], None]) -> None:
        self._ready = ready
        self._readers: dict[int, Reader] = {}
        self._set = select.epoll()
        loop.add_reader(self._set.fileno(), self._look)

    def watch(self, descriptor: int, reader: Reader) -> None:
        """Begin with a socket. Raises OSError."""
        self._set.register(descriptor, select.EPOLLIN)
        self._readers[descriptor] = reader

    def unwatch(self, descriptor: int) -> None:
        """Enough of a socket; before it is closed."""
        del self._readers[descriptor]
        self._set.unregister(descriptor)

    def _look(self) -> None:
        for descriptor, _ in self._set.poll(0):
            reader = self._readers.get(descriptor)
            if reader is not None:  # else one before it has ended it
                self._ready(reader)
