"""A policy's model compiled for the inspector."""

from __future__ import annotations

from collections.abc import Iterator

from inspector import policy as compiled
from inspector.patterns import Patterns
from inspector.policy import Policy, Right
from inspector.results import Action
from inspector.rules import Override, Ruleset
from node.policy.models import Detection, Peer, PointRow, PolicyEntry, Rate, Row, Side
from node.signatures.models import action


def compile_policy(entry: PolicyEntry, rules: Ruleset) -> tuple[Ruleset, Policy]:
    """The rules and the policy that hold under a policy of a file that has been checked."""
    changed = rules.with_overrides({key: _override(each) for key, each in entry.detections.items()})
    default = action(entry.default)
    made = Policy(
        entry.id,
        entry.name,
        default=default,
        unknown_peer=action(entry.unknown_peer),
        on_undecodable=entry.on_undecodable,
        ignore_after=entry.ignore_after,
        quarantine_s=float(entry.quarantine_s),
        peers=[_peer(peer, default) for peer in entry.peers],
        points=[row for peer in entry.peers for row in _points(peer)],
        guarded=changed.guarded,
    )
    return changed, made


def _override(detection: Detection) -> Override:
    wanted = None if detection.action is None else action(detection.action)
    return Override(wanted, detection.severity, detection.count, detection.seconds, detection.enabled)


def _peer(peer: Peer, default: Action) -> compiled.Peer:
    return compiled.Peer(
        peer.name,
        tuple(peer.addresses),
        _side(peer.client),
        _side(peer.server),
        Patterns(peer.applications.allow),
        Patterns(peer.applications.deny),
        tuple(_rows(peer.client_may, f"{peer.name}.c", default)),
        tuple(_rows(peer.server_may, f"{peer.name}.s", default)),
    )


def _side(side: Side) -> compiled.Side:
    return compiled.Side(side.tsap, side.ap_title, side.ae_qualifier)


def _rows(rows: tuple[Row, ...], key: str, default: Action) -> Iterator[compiled.Row]:
    """What is outside a row's limits is no better off than what no row allows, and is denied at least."""
    otherwise = max(Action.DENY, default)
    for nr, row in enumerate(rows):
        yield compiled.Row(
            row.domain,
            row.names,
            frozenset(map(Right, row.rights)),
            None if row.values is None else compiled.Span(row.values.min, row.values.max),
            _rate(row.rate),
            otherwise if row.action is None else action(row.action),
            f"{key}{nr}",
        )


def _points(peer: Peer) -> Iterator[compiled.PointRow]:
    for nr, row in enumerate(peer.points):
        yield compiled.PointRow(row.domain, row.names, _limit(row, f"{peer.name}.p{nr}"))


def _limit(row: PointRow, key: str) -> compiled.PointLimit:
    span = None if row.min is None and row.max is None else compiled.Span(row.min, row.max)
    return compiled.PointLimit(span, frozenset(row.quality), _rate(row.rate), action(row.action), key)


def _rate(rate: Rate | None) -> compiled.Rate | None:
    return None if rate is None else compiled.Rate(rate.count, rate.seconds)
