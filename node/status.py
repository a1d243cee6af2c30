"""The node at a glance: what `tandem status` shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from node import clock
from node.child import Orders
from node.links import Links
from node.member import Member
from node.networks import DataNetworks
from node.release import SOFTWARE
from node.replicator import Standing
from node.takeover import Account
from protocol.heartbeat import Role, Sync
from protocol.witness import NOBODY

if TYPE_CHECKING:
    from node.duties import Parts

NS_PER_MS = 1e6
TOTALS = ("accepted", "pdus", "findings", "denied", "syncs", "stream_losses", "idle_timeouts", "internal_errors")


class Status:
    """Reads the parts of a node; changes nothing."""

    def __init__(
        self, parts: Parts, orders: Orders, member: Member, links: Links, counters: Counter[str], started_s: float
    ) -> None:
        self.config = parts.config
        self.hitless = orders.hitless
        self.missing = orders.missing
        self.member = member
        self.lease = parts.lease
        self.links = links
        self.epoch = parts.epoch
        self.replicator = parts.replicator
        self.standby = parts.standby
        self.proxy = parts.proxy
        self.gate = parts.gate
        self.witness = parts.witness
        self.counters = counters
        self.started_s = started_s
        self.account: Account | None = None
        """How this node became active, once it has."""
        self.reports_per_s = 0.0
        self.misfit: Callable[[], str | None] = lambda: None
        """Why the other node's release does not go with this one, if it does not."""
        self.keys: list[str] = []
        """Fingerprints of the cluster keys in use; the first one seals."""
        self.networks: DataNetworks | None = None
        """The data networks, once they are watched."""

    def sync(self) -> Sync:
        """How far the passive node's cache follows, as this node sees it."""
        if self.member.role is Role.ACTIVE:
            return {
                Standing.SOLO: Sync.SOLO,
                Standing.SYNCING: Sync.SYNCING,
                Standing.IN_SYNC: Sync.IN_SYNC,
            }.get(self.replicator.standing, Sync.OUT_OF_SYNC)
        if self.standby.in_sync:
            return Sync.IN_SYNC
        return Sync.SYNCING if self.standby.channel is not None else Sync.OUT_OF_SYNC

    def problems(self) -> list[str]:
        """What keeps the pair from surviving the next failure, in words."""
        found = [f"link {health.link.name} is down" for health in self.links.health if not self.links.is_live(health)]
        if self.networks is not None:
            found += self.networks.problems()
        if self.epoch.trouble:
            found.append(f"the state directory cannot be written: {self.epoch.trouble}")
        if self.sync() is not Sync.IN_SYNC:
            found.append(f"the session cache is {self.sync()}")
        if (misfit := self.misfit()) is not None:
            found.append(f"the nodes' releases do not go together: {misfit}")
        latest = self.member.machine.peer.latest
        if latest is not None and latest.witness is (self.witness is None):
            found.append("only one of the nodes has a witness configured: that excludes nothing")
        if self.witness is not None and not self.member.machine.witness_heard:
            found.append("the witness does not answer: " + (self._failure() or "not yet"))
        if not self.hitless:
            found.append("takeover by reconnect: connections do not survive")
        return found

    def totals(self) -> dict[str, Any]:
        """What a statistics event says: numbers and words, flat."""
        return {
            "role": str(self.member.role),
            "sync": str(self.sync()),
            "uptime_s": round(clock.boottime_s() - self.started_s, 3),
            "sessions": len(self.proxy.relays),
            "cached": len(self.standby.cache.sessions) if self.member.role is not Role.ACTIVE else 0,
            **{name: self.counters[name] for name in TOTALS},
        }

    def view(self) -> dict[str, Any]:
        """As JSON-able data."""
        problems = self.problems()
        return {
            "node": self.config.node.name,
            "software": SOFTWARE,
            "role": self.member.role,
            "sync": self.sync(),
            "degraded": bool(problems),
            "problems": problems,
            "epoch": self.member.machine.epoch,
            "takeover": "hitless" if self.hitless else "reconnect",
            "missing": self.missing,
            "uptime_s": round(clock.boottime_s() - self.started_s, 3),
            "lease": self._lease(),
            "peer": self._peer(),
            "witness": self._witness(),
            "links": self._links(),
            "replication": self._replication(),
            "sessions": len(self.proxy.relays),
            "cached": len(self.standby.cache.sessions) if self.member.role is not Role.ACTIVE else 0,
            "reports_per_s": self.reports_per_s,
            "last_takeover": self._last_takeover(),
            "rules": self.member.agreement.view(),
            "keys": self.keys,
            "counters": self._counters(),
        }

    def _lease(self) -> dict[str, float]:
        return {
            "duration_ms": self.lease.duration_ns / NS_PER_MS,
            "remaining_ms": round(self.lease.remaining_ns(clock.boottime_ns()) / NS_PER_MS, 3),
            "lowest_margin_ms": round(self.lease.lowest_margin_ns / NS_PER_MS, 3),
        }

    def _failure(self) -> str:
        record = self.member.machine.witness
        return "" if record is None else record.failure or ""

    def _witness(self) -> dict[str, Any] | None:
        """The record that the witness keeps, and how it answers; None without one."""
        record = self.member.machine.witness
        if self.witness is None or record is None:
            return None
        took_ms = self.witness.took_ms
        return {
            "answers": self.member.machine.witness_heard,
            "endpoint": self.witness.etcd.endpoint,
            "took_ms": None if took_ms is None else round(took_ms, 3),
            "holder": None if record.seen.node == NOBODY else record.seen.node,
            "epoch": record.seen.epoch,
            "solo": record.seen.solo,
            "proof_ms": round(max(record.proof_ends_at - clock.boottime_s(), 0.0) * 1000, 1),
            "failure": record.failure,
        }

    def _peer(self) -> dict[str, Any] | None:
        latest = self.member.machine.peer.latest
        if latest is None:
            return None
        heard = max((h.heard_s for h in self.links.health if h.heard_s is not None), default=None)
        return {
            "name": latest.node,
            "role": latest.role,
            "epoch": latest.epoch,
            "sync": latest.sync,
            "software": self.member.software,
            "priority": latest.priority,
            "sessions": latest.sessions,
            "age_ms": None if heard is None else round((clock.boottime_s() - heard) * 1000, 1),
        }

    def _links(self) -> list[dict[str, Any]]:
        channel = self.replicator.channel or self.standby.channel
        now_s = clock.boottime_s()
        return [
            {
                "name": health.link.name,
                "priority": health.link.priority,
                "state": "up" if self.links.is_live(health) else "down",
                "age_ms": None if health.heard_s is None else round((now_s - health.heard_s) * 1000, 1),
                "sent": health.sent,
                "received": health.received,
                "lost": self.links.lost(health),
                "carries_stream": channel is not None and channel.link is health.link,
            }
            for health in self.links.health
        ]

    def _replication(self) -> dict[str, Any]:
        journal = self.replicator.journal
        return {
            "state": self.replicator.standing.value if self.member.role is Role.ACTIVE else self.sync(),
            "lag_bytes": journal.outstanding_bytes,
            "lag_ms": round(journal.lag_s(clock.boottime_s()) * 1000, 3),
            "frames": max(journal.sent_frame, 0),
            "committed": max(journal.committed_frame, 0),
            "resyncs": self.counters["syncs"],
        }

    def _last_takeover(self) -> dict[str, Any] | None:
        account = self.account
        if account is None:
            return None
        return {
            **asdict(account),
            "ago_s": round(clock.boottime_s() - account.announced_ns / 1e9, 3),
            "restore_ms": round((account.restored_ns - account.detected_ns) / NS_PER_MS, 3),
            "total_ms": round((account.announced_ns - account.detected_ns) / NS_PER_MS, 3),
        }

    def _counters(self) -> dict[str, int]:
        gate = {} if self.gate is None else {f"gate_{k}": v for k, v in self.gate.statistics().items()}
        return {**dict(sorted(self.counters.items())), **gate}
