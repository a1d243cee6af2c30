"""Where all events pass: each gets its serial and goes to whoever listens.

    bus.subscribe(take)                    # take(event) is called in the event loop, and must not block
    bus.publish(Kind.SYNC, "in sync", facts={...})

A flood of traffic that is told of must not become a flood of events: what sessions bring is limited in rate, and what
is left out is counted and told of. What the node itself has to say is never left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from node import clock
from node.events.event import Event, Kind, Severity
from node.log import get

BURST_EVENTS = 10_000
EVENTS_PER_S = 500
NS_PER_INCIDENT = 1000
TELL_EVERY_S = 10.0

log = get("events")

Observer = Callable[[Event], None]


class Bus:
    """A node's events."""

    def __init__(self, node: str, incarnation: int, epoch: Callable[[], int]) -> None:
        self.published = 0
        self.suppressed = 0
        self._node = node
        self._epoch = epoch
        # An incarnation is the time of birth in ns and higher than any before; no life has more events than µs.
        self._next = incarnation // NS_PER_INCIDENT
        self._observers: list[Observer] = []
        self._room = float(BURST_EVENTS)
        self._counted_s = clock.boottime_s()
        self._told = 0
        self._told_s = self._counted_s

    def subscribe(self, take: Observer) -> None:
        """Have `take` called with every event from now on."""
        self._observers.append(take)

    def go_on_after(self, incident: int) -> None:
        """No serial up to this one is given again, even if the host's clock was set back."""
        self._next = max(self._next, incident + 1)

    def publish(self, kind: Kind, message: str, severity: Severity = Severity.INFO, **told: Any) -> Event:
        """Tell everybody. `told`: further fields of Event."""
        event = Event(
            incident=self._next,
            time_ns=int(clock.wall_s() * 1e9),
            kind=kind,
            severity=severity,
            node=self._node,
            epoch=self._epoch(),
            message=message,
            **told,
        )
        self.published += 1
        self._next += 1
        for take in self._observers:
            try:
                take(event)
            except Exception:
                log.exception("an observer of events failed", kind=str(kind))
        return event

    def admits(self) -> bool:
        """Whether there is room for one more event of a session; counts it either way."""
        now_s = clock.boottime_s()
        self._room = min(self._room + (now_s - self._counted_s) * EVENTS_PER_S, BURST_EVENTS)
        self._counted_s = now_s
        if self._room < 1:
            self.suppressed += 1
            return False
        self._room -= 1
        return True

    def tell_suppressed(self) -> None:
        """Say how many were left out, if any were, once in a while."""
        now_s = clock.boottime_s()
        count = self.suppressed - self._told
        if count and now_s - self._told_s >= TELL_EVERY_S:
            self._told, self._told_s = self.suppressed, now_s
            facts = {"place": "bus", "count": count, "reason": f"more than {EVENTS_PER_S} a second"}
            self.publish(Kind.LOSS, f"{count} events were left out", Severity.MEDIUM, facts=facts)
