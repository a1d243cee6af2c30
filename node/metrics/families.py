"""The metrics there are: name, kind, what it says, labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from node.metrics.tallies import Delays

PREFIX = "tandem_"
Value = float | Mapping[tuple[str, ...], float] | Delays
"""One number, one for each combination of labels, or a histogram."""


class Family(NamedTuple):
    """A metric."""

    kind: type[Any]
    text: str
    labels: tuple[str, ...] = ()


_G, _C, _H = GaugeMetricFamily, CounterMetricFamily, HistogramMetricFamily

FAMILIES: Mapping[str, Family] = {
    "info": Family(_G, "What this node is; always 1", ("node", "group", "version", "takeover")),
    "start_time_seconds": Family(_G, "When this life of the node began, since 1970"),
    "role": Family(_G, "The node's role: 1 for the one that it has", ("role",)),
    "sync": Family(_G, "How far the passive node's cache follows: 1 for what holds", ("sync",)),
    "epoch": Family(_G, "The pair's epoch, which each takeover raises"),
    "degraded": Family(_G, "Whether the next failure would break something"),
    "lease_duration_seconds": Family(_G, "How long a lease lasts"),
    "lease_remaining_seconds": Family(_G, "How long the node may still speak; 0 if it may not"),
    "lease_margin_min_seconds": Family(_G, "The least that was left of the lease at any renewal"),
    "witness_up": Family(_G, "Whether the witness answers; only with one configured"),
    "witness_proof_remaining_seconds": Family(_G, "How long the witness's word still lets the node be active"),
    "link_up": Family(_G, "Whether the peer is heard on the link", ("link",)),
    "link_heartbeat_age_seconds": Family(_G, "How long ago the peer was last heard", ("link",)),
    "link_carries_stream": Family(_G, "Whether replication runs over the link", ("link",)),
    "link_heartbeats_sent": Family(_C, "Heartbeats sent", ("link",)),
    "link_heartbeats_received": Family(_C, "Heartbeats received", ("link",)),
    "link_heartbeats_lost": Family(_C, "Heartbeats of the peer that did not come", ("link",)),
    "replication_lag_bytes": Family(_G, "Sent to the passive node and not yet held by it"),
    "replication_lag_seconds": Family(_G, "How long the oldest of it has waited"),
    "replication_frames_outstanding": Family(_G, "Frames that wait for a commit, and acknowledgements with them"),
    "replication_stream_frames": Family(_G, "Frames sent on the present stream"),
    "replication_syncs": Family(_C, "Times that a passive node was given everything"),
    "commit_duration_seconds": Family(_H, "From the sending of a frame to the passive node's word that it holds it"),
    "sessions": Family(_G, "Sessions that the node serves"),
    "sessions_cached": Family(_G, "Sessions that it holds ready to take over"),
    "sessions_limit": Family(_G, "Sessions that it may serve"),
    "pdus": Family(_C, "PDUs inspected, each counted on every layer that it has", ("layer", "type")),
    "mms_pdus": Family(_C, "PDUs by their MMS service", ("service",)),
    "apps": Family(_C, "Requests and reports by application", ("app",)),
    "findings": Family(_C, "Findings, and what was done", ("severity", "action")),
    "denied": Family(_C, "TSDUs that the policy took out"),
    "relay_duration_seconds": Family(_H, "From the reading of bytes to the writing of what passes at once"),
    "events": Family(_C, "Events of this node"),
    "events_suppressed": Family(_C, "Events of sessions left out because there were too many"),
    "events_written": Family(_C, "Events written", ("place",)),
    "events_lost": Family(_C, "Events not written", ("place",)),
    "events_waiting": Family(_G, "Events that wait to be written", ("place",)),
    "events_failing": Family(_G, "Whether events cannot be written at the moment", ("place",)),
    "log_lines_lost": Family(_C, "Lines of the log not written"),
    "occurrences": Family(_C, "What the node counts besides, as its status shows it", ("what",)),
    "gate_packets": Family(_C, "Packets that the gate held, dropped or let pass, since it was loaded", ("what",)),
    "takeover_time_seconds": Family(_G, "When this node became active, since 1970"),
    "takeover_duration_seconds": Family(_G, "Its takeover: from the decision to the announced addresses"),
    "takeover_restore_seconds": Family(_G, "The part of it in which sessions were restored"),
    "takeover_silence_seconds": Family(_G, "How long the peer had not been heard"),
    "takeover_sessions": Family(_G, "What became of the sessions", ("result",)),
}


def filled(name: str, value: Value) -> Metric:
    """The metric with its values."""
    family = FAMILIES[name]
    metric: Metric = family.kind(PREFIX + name, family.text, labels=family.labels)
    if isinstance(value, Delays):
        metric.add_metric((), value.buckets(), value.sum_s)  # type: ignore[attr-defined]
    else:
        for labels, number in value.items() if isinstance(value, Mapping) else (((), value),):
            metric.add_metric(labels, float(number))  # type: ignore[attr-defined]
    return metric
