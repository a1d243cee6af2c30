"""Events on their way out: a bounded queue and a thread, so that a full disk or a dead server stops nobody.

What cannot be written is tried again until the place takes it; meanwhile the queue fills, and events that find it full
are counted as lost. Once the place has taken everything that waited, the loss is told of.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from node import clock
from node.events.event import Event
from node.log import GATHER_S, get

QUEUE_EVENTS_MAX = 4096
RETRY_S = 0.25
RETRY_MAX_S = 10.0

log = get("events")


class Place(Protocol):
    """Somewhere outside. All of it is called from the outbox's thread."""

    def write(self, data: bytes) -> None:
        """Write one event; raises OSError, and is then called again with the same."""

    def close(self) -> None:
        """Let go."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What was not written."""

    place: str
    count: int
    """Events."""
    failing_s: float
    """How long nothing could be written."""
    reason: str


class Outbox:
    """Events to one place."""

    def __init__(
        self,
        name: str,
        place: Place,
        form: Callable[[Event], bytes],
        wants: Callable[[Event], bool],
        on_loss: Callable[[Loss], None],
        events_max: int = QUEUE_EVENTS_MAX,
    ) -> None:
        self.name = name
        self.written = 0
        self.lost = 0
        self.error = ""
        """Why nothing can be written at the moment."""
        self._place = place
        self._form = form
        self._wants = wants
        self._on_loss = on_loss
        self._queue: queue.Queue[Event | None] = queue.Queue(events_max)
        self._told = 0
        self._failing_since_s = 0.0
        self._failed_s = 0.0
        self._reason = "the queue was full"
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"events-{name}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many events wait to be written."""
        return self._queue.qsize()

    def take(self, event: Event) -> None:
        """Queue an event, or count it as lost. Never waits."""
        if not self._wants(event):
            return
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.lost += 1

    def close(self, timeout_s: float) -> None:
        """Write what waits, for at most so long; the rest is lost."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._closing.set()
        self._thread.join(timeout_s)
        self._closing.set()

    def _run(self) -> None:
        while (event := self._next()) is not None and not self._closing.is_set():
            self._deliver(event)
        self._tell_lost()
        self._place.close()

    def _next(self) -> Event | None:
        if not self._queue.empty():
            return self._queue.get()
        self._tell_lost()
        event = self._queue.get()
        self._closing.wait(GATHER_S)
        return event

    def _deliver(self, event: Event) -> None:
        try:
            data = self._form(event)
        except Exception:
            self.lost += 1
            log.exception("an event cannot be written down", place=self.name, kind=str(event.kind))
            return
        pause_s = RETRY_S
        while not self._attempt(data):
            if self._closing.wait(pause_s):
                return
            pause_s = min(2 * pause_s, RETRY_MAX_S)
        self.written += 1

    def _attempt(self, data: bytes) -> bool:
        try:
            self._place.write(data)
        except OSError as error:
            self._failed(str(error))
            return False
        if self.error:
            self._failed_s += clock.boottime_s() - self._failing_since_s
            self.error = ""
            log.info("events are written again", place=self.name, lost=self.lost - self._told)
        return True

    def _failed(self, error: str) -> None:
        if not self.error:
            self._failing_since_s = clock.boottime_s()
            log.warning("events cannot be written", place=self.name, error=error)
        self.error = self._reason = error

    def _tell_lost(self) -> None:
        lost = self.lost
        if lost == self._told or self.error:
            return
        loss = Loss(self.name, lost - self._told, round(self._failed_s, 3), self._reason)
        self._told, self._failed_s = lost, 0.0
        self._on_loss(loss)
