"""All of a node's events in one place: who tells, who keeps, where they go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from node.config import Config
from node.events.bus import Bus
from node.events.event import Kind, Severity
from node.events.kept import Kept, kept_file
from node.events.outbox import Loss
from node.events.outlets import outboxes
from node.events.sessions import SessionEvents
from node.events.standing import NodeEvents
from node.inspectors import Inspectors
from node.relay import Relay

RESUMED_BURST = 25
"""Sessions told of in one turn of the loop after a takeover."""
RESUMED_AFTER_S = 0.25

Stats = Callable[[], Mapping[str, Any]]


class Events:
    """The bus with its sources, its store, and the outboxes."""

    def __init__(self, config: Config, inspectors: Inspectors, incarnation: int, epoch: Callable[[], int]) -> None:
        self.bus = Bus(config.node.name, incarnation, epoch)
        self.sessions = SessionEvents(config, inspectors, self.bus)
        self.node = NodeEvents(self.bus)
        self.kept = Kept(config.events.keep)
        self.outboxes = tuple(outboxes(config, self._lost))
        self._config = config
        self._loop = asyncio.get_running_loop()
        self.bus.subscribe(self.kept.take)
        for outbox in self.outboxes:
            self.bus.subscribe(outbox.take)

    def start(self, stats: Stats) -> None:
        """Take up what earlier lives kept, and begin to write."""
        self.kept.load(kept_file(self._config.node))
        self.bus.go_on_after(max((event.incident for event in self.kept), default=0))
        for outbox in self.outboxes:
            outbox.start()
        if self._config.events.stats_interval_s:
            self._tell_stats(stats)

    def close(self) -> None:
        """Write what still waits, but not for long: no beats go out meanwhile, and the guard ends a worker that stalls.

        Blocks: to be called when nothing else is left to do.
        """
        beat = self._config.cluster.heartbeat
        until_s = time.monotonic() + (beat.lease_s - beat.interval_s) / 2
        for outbox in self.outboxes:
            outbox.close(max(until_s - time.monotonic(), 0.0))

    def resumed(self, relays: Iterable[Relay]) -> None:
        """Tell of the sessions that a takeover brought, after what is urgent has been done."""
        self._loop.call_later(RESUMED_AFTER_S, self._tell_resumed, list(relays))

    def _tell_resumed(self, relays: Sequence[Relay]) -> None:
        for relay in relays[:RESUMED_BURST]:
            if not relay.closed:
                self.sessions.resumed(relay)
        if rest := relays[RESUMED_BURST:]:
            self._loop.call_soon(self._tell_resumed, rest)

    def _tell_stats(self, stats: Stats) -> None:
        self.bus.publish(Kind.STATS, "statistics", facts=stats())
        self._loop.call_later(self._config.events.stats_interval_s, self._tell_stats, stats)

    def _lost(self, loss: Loss) -> None:
        """From an outbox's thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._tell_loss, loss)

    def _tell_loss(self, loss: Loss) -> None:
        facts = {"place": loss.place, "count": loss.count, "failing_s": loss.failing_s, "reason": loss.reason}
        self.bus.publish(Kind.LOSS, f"{loss.count} events not written to {loss.place}", Severity.MEDIUM, facts=facts)
