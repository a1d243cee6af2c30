"""Learns from live traffic for a time, when it is asked to: what `tandem learn --live` drafts a policy from."""

from __future__ import annotations

from typing import Any

from inspector import Result
from inspector.learning import Learner
from node import clock
from node.inspectors import host_of, now_ms
from node.relay import Relay

SECONDS_MAX = 7 * 86_400
"""A table of what is seen once a week needs a week."""


class Lessons:
    """What was seen on each service since learning began."""

    def __init__(self) -> None:
        self._learners: dict[str, Learner] = {}
        self._until_s = 0.0

    def begin(self, seconds: int) -> None:
        """Forget what was seen, and look for so long."""
        self._learners.clear()
        self._until_s = clock.boottime_s() + min(max(seconds, 0), SECONDS_MAX)

    @property
    def left_s(self) -> float:
        """How much longer it looks."""
        return max(self._until_s - clock.boottime_s(), 0.0)

    def take(self, relay: Relay, result: Result) -> None:
        """Note what one feed brought, if anybody wants to know."""
        if not self._until_s or not self.left_s:
            return
        learner = self._learners.setdefault(relay.session.service, Learner())
        address, state, at_ms = host_of(relay.session.client), relay.stack.state, now_ms()
        for pdu in result.pdus:
            learner.see(pdu, address, state.facts, at_ms, state.known)

    def view(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "left_s": round(self.left_s, 3),
            "services": {service: learner.facts() for service, learner in self._learners.items()},
        }
