"""Where the routes get their answers from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from node import clock, views
from node.config import Config
from node.events.pipeline import Events
from node.lessons import Lessons
from node.metrics.gauges import Gauges
from node.relay import Relay
from node.reload import Reload
from node.status import Status
from protocol.heartbeat import Role
from protocol.session import Session


@dataclass(frozen=True, slots=True)
class Sources:
    """The parts of a node that are shown, and what gives it orders."""

    config: Config
    status: Status
    events: Events
    lessons: Lessons
    gauges: Gauges
    switchover: Callable[[], str | None]
    """Begins one; returns why it cannot be."""
    reload: Reload

    def policy(self, service: str) -> int:
        """The number of a service's policy."""
        held_to = self.status.proxy.inspectors.rulebook.services
        return held_to[service].policy.number if service in held_to else 0

    def relays(self) -> Iterable[Relay]:
        """The sessions that this node serves."""
        return self.status.proxy.relays.values()

    def cached(self) -> Iterable[Session]:
        """None on an active node: its sessions are in the session list."""
        return () if self.status.member.role is Role.ACTIVE else self.status.standby.cache.sessions.values()

    def session_rows(self, relays: Iterable[Relay]) -> list[dict[str, Any]]:
        """As `diagnose ips session list` shows them."""
        return views.sessions(relays, self.policy, clock.boottime_s(), clock.wall_s())

    def connection_rows(self, relays: Iterable[Relay]) -> list[dict[str, Any]]:
        """As `diagnose sys session list` shows them."""
        return views.connections(relays, self.policy, clock.boottime_s(), clock.wall_s())

    def cache_rows(self, kept: Iterable[Session]) -> list[dict[str, Any]]:
        """As `diagnose ips share list` shows them."""
        return views.cache(kept, self.status.proxy.inspectors.held_to, clock.wall_s())

    def now(self) -> dict[str, Any]:
        """The status, and when it was so (UTC)."""
        return {"at_s": round(clock.wall_s(), 3), **self.status.view()}

    def hello(self) -> dict[str, Any]:
        """What does not change while the node runs."""
        config = self.config
        beat = config.cluster.heartbeat
        return {
            "node": config.node.name,
            "group": config.cluster.group,
            "priority": config.node.priority,
            "interval_ms": beat.interval_ms,
            "lost_ms": beat.lost_ms,
            "lease_ms": beat.lease_ms,
            "peer_url": None if config.admin is None else config.admin.peer_url,
            "sessions_max": config.limits.sessions,
        }
