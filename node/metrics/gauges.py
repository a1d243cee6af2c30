"""The node as Prometheus sees it: read when it is asked for, from what the node knows anyway."""

from __future__ import annotations

from prometheus_client.core import Metric

from node import clock, log
from node.events.pipeline import Events
from node.metrics.families import Value, filled
from node.metrics.tallies import Tallies
from node.release import VERSION
from node.status import Status
from node.takeover import Account
from protocol.heartbeat import Role, Sync

NS_PER_S = 1e9

Values = dict[str, Value]
"""By the metric's name."""


class Gauges:
    """Makes the metrics."""

    def __init__(self, status: Status, events: Events, tallies: Tallies) -> None:
        self._status = status
        self._events = events
        self._tallies = tallies

    def collect(self) -> list[Metric]:
        """All of them as they are now; to be called in the event loop, which changes what is read."""
        values: Values = {}
        pair = (self._node, self._lease, self._witness, self._links, self._replication)
        for part in (*pair, self._traffic, self._told, self._gate):
            values |= part()
        if self._status.account is not None:
            values |= _takeover(self._status.account)
        return [filled(name, value) for name, value in values.items()]

    def _node(self) -> Values:
        status, config = self._status, self._status.config
        takeover = "hitless" if status.hitless else "reconnect"
        role, sync = status.member.role, status.sync()
        return {
            "info": {(config.node.name, config.cluster.group, VERSION, takeover): 1},
            "start_time_seconds": clock.wall_s() - (clock.boottime_s() - status.started_s),
            "role": {(str(each),): each is role for each in Role},
            "sync": {(str(each),): each is sync for each in Sync},
            "epoch": status.member.machine.epoch,
            "degraded": bool(status.problems()),
        }

    def _lease(self) -> Values:
        lease = self._status.lease
        return {
            "lease_duration_seconds": lease.duration_ns / NS_PER_S,
            "lease_remaining_seconds": lease.remaining_ns(clock.boottime_ns()) / NS_PER_S,
            "lease_margin_min_seconds": lease.lowest_margin_ns / NS_PER_S,
        }

    def _witness(self) -> Values:
        machine = self._status.member.machine
        if machine.witness is None:
            return {}
        return {
            "witness_up": machine.witness_heard,
            "witness_proof_remaining_seconds": max(machine.witness.proof_ends_at - clock.boottime_s(), 0.0),
        }

    def _links(self) -> Values:
        links, now_s = self._status.links, clock.boottime_s()
        channel = self._status.replicator.channel or self._status.standby.channel
        health = {(each.link.name,): each for each in links.health}
        return {
            "link_up": {name: links.is_live(each) for name, each in health.items()},
            "link_heartbeat_age_seconds": {
                name: now_s - each.heard_s for name, each in health.items() if each.heard_s is not None
            },
            "link_carries_stream": {
                name: channel is not None and channel.link is each.link for name, each in health.items()
            },
            "link_heartbeats_sent": {name: each.sent for name, each in health.items()},
            "link_heartbeats_received": {name: each.received for name, each in health.items()},
            "link_heartbeats_lost": {name: links.lost(each) for name, each in health.items()},
        }

    def _replication(self) -> Values:
        journal = self._status.replicator.journal
        return {
            "replication_lag_bytes": journal.outstanding_bytes,
            "replication_lag_seconds": journal.lag_s(clock.boottime_s()),
            "replication_frames_outstanding": journal.sent_frame - journal.committed_frame,
            "replication_stream_frames": journal.sent_frame + 1,
            "replication_syncs": self._status.counters["syncs"],
            "commit_duration_seconds": self._tallies.committed,
        }

    def _traffic(self) -> Values:
        status, tallies = self._status, self._tallies
        active = status.member.role is Role.ACTIVE
        return {
            "sessions": len(status.proxy.relays),
            "sessions_cached": 0 if active else len(status.standby.cache.sessions),
            "sessions_limit": status.config.limits.sessions,
            "pdus": tallies.layers(),
            "mms_pdus": tallies.services(),
            "apps": {(app,): count for app, count in sorted(tallies.apps().items())},
            "findings": dict(sorted(tallies.findings.items())),
            "denied": tallies.denied,
            "relay_duration_seconds": tallies.relayed,
        }

    def _told(self) -> Values:
        bus = self._events.bus
        outboxes = {(each.name,): each for each in self._events.outboxes}
        return {
            "events": bus.published,
            "events_suppressed": bus.suppressed,
            "events_written": {name: each.written for name, each in outboxes.items()},
            "events_lost": {name: each.lost for name, each in outboxes.items()},
            "events_waiting": {name: each.waiting for name, each in outboxes.items()},
            "events_failing": {name: bool(each.error) for name, each in outboxes.items()},
            "log_lines_lost": log.dropped(),
            "occurrences": {(name,): count for name, count in sorted(self._status.counters.items())},
        }

    def _gate(self) -> Values:
        gate = self._status.gate
        return {} if gate is None else {"gate_packets": {(name,): n for name, n in gate.statistics().items()}}


def _takeover(account: Account) -> Values:
    return {
        "takeover_time_seconds": clock.wall_s() - (clock.boottime_ns() - account.announced_ns) / NS_PER_S,
        "takeover_duration_seconds": (account.announced_ns - account.detected_ns) / NS_PER_S,
        "takeover_restore_seconds": (account.restored_ns - account.detected_ns) / NS_PER_S,
        "takeover_silence_seconds": account.silent_ms / 1000,
        "takeover_sessions": {("kept",): account.sessions, ("reset",): account.reset},
    }
