"""What the admin API shows, as plain data for JSON: sessions, connections, the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from inspector import Policy, Ruleset, Stack, TagTable
from node.decoder import resume
from node.end import End
from node.kernel import tcp
from node.relay import Relay
from protocol.session import Leg, Session

PROTOCOL_TCP = 6
HeldTo = Callable[[str], tuple[Ruleset, Policy]]
"""A service's signatures and policy."""


def sessions(
    relays: Iterable[Relay], policy: Callable[[str], int], now_s: float, wall_s: float
) -> list[dict[str, Any]]:
    """Inspected sessions, oldest first (`diagnose ips session list`)."""
    return [
        {
            "id": relay.session.id,
            "serial": relay.session.serial,
            "service": relay.session.service,
            "client": relay.session.client,
            "server": relay.session.server,
            "proto": PROTOCOL_TCP,
            "age_s": round(wall_s - relay.session.opened_s, 3),
            "idle_s": round(now_s - relay.last_active_s, 3),
            "expire_s": round(relay.idle_timeout_s - (now_s - relay.last_active_s), 3),
            "bytes": _bytes(relay.session),
            "state": [leg_state(relay, number) for number in (0, 1)],
            "policy": policy(relay.session.service),
            "resumed": relay.session.resumed,
            "uninspected_pdus": relay.uninspected,
            "guarded": relay.session.guarded,
            "denied": relay.denied,
            **_inspected(relay.stack),
        }
        for relay in relays
    ]


def connections(
    relays: Iterable[Relay], policy: Callable[[str], int], now_s: float, wall_s: float
) -> list[dict[str, Any]]:
    """Proxied connections with their address translation (`diagnose sys session list`)."""
    return [
        {
            "serial": relay.session.serial,
            "id": relay.session.id,
            "proto": PROTOCOL_TCP,
            "state": _connection_state(relay),
            "duration_s": round(wall_s - relay.session.opened_s, 3),
            "idle_s": round(now_s - relay.last_active_s, 3),
            "expire_s": round(relay.idle_timeout_s - (now_s - relay.last_active_s), 3),
            "client": _tuple(relay.session.legs[0], remote_first=True),
            "server": _tuple(relay.session.legs[1], remote_first=False),
            "bytes": _bytes(relay.session),
            "packets": _packets(relay),
            "rate_bps": [round(rate * 8) for rate in relay.rates],
            "policy": policy(relay.session.service),
            "app": relay.stack.app,
            "service": relay.session.service,
        }
        for relay in relays
    ]


def cache(kept: Iterable[Session], held_to: HeldTo, wall_s: float) -> list[dict[str, Any]]:
    """The HA session cache (`diagnose ips share list`)."""
    rows = []
    for session in kept:
        state = session.decoder.pack()
        stack = resume(state)
        rules, policy = held_to(session.service)
        rows.append(
            {
                "serial": session.serial,
                "id": session.id,
                "client": session.client,
                "server": session.server,
                "service": session.service,
                "ignore_app_after": policy.ignore_after,
                "last_app": stack.app,
                "buffer_len": [0 if leg is None else len(leg.held) for leg in session.legs],
                "bytes": _bytes(session),
                "tags": {
                    "stock": _table(rules.stock_tags),
                    "custom": _table(rules.custom_tags),
                    "set": list(stack.tags),
                },
                "age_s": round(wall_s - session.opened_s, 3),
                "state_bytes": len(state),
                "complete": session.complete,
            }
        )
    return rows


def search_row(kept: Relay | Session, now_s: float, wall_s: float) -> dict[str, Any]:
    """A session in short: what its node serves, or keeps for the other."""
    session = kept.session if isinstance(kept, Relay) else kept
    return {
        "id": session.id,
        "serial": session.serial,
        "service": session.service,
        "client": session.client,
        "server": session.server,
        "age_s": round(wall_s - session.opened_s, 1),
        "bytes": _bytes(session),
        "resumed": session.resumed,
        "guarded": session.guarded,
        **(_served(kept, now_s) if isinstance(kept, Relay) else _kept(kept)),
    }


def _served(relay: Relay, now_s: float) -> dict[str, Any]:
    return {
        "state": _connection_state(relay),
        "idle_s": round(now_s - relay.last_active_s, 1),
        "rate_bps": [round(rate * 8) for rate in relay.rates],
        "apps": list(relay.stack.apps),
        "app": relay.stack.app,
        "denied": relay.denied,
        "ignored": relay.stack.ignored,
    }


def _kept(session: Session) -> dict[str, Any]:
    stack = resume(session.decoder.pack())
    return {
        "state": "cached" if session.complete else "incomplete",
        "apps": list(stack.apps),
        "app": stack.app,
        "ignored": stack.ignored,
    }


def _table(tags: TagTable) -> dict[str, Any]:
    return {"nr": tags.count, "hash": tags.hash}


def _inspected(stack: Stack) -> dict[str, Any]:
    return {
        "app": stack.app,
        "apps": list(stack.apps),
        "layers": [name for name, seen in stack.layers.items() if seen],
        "pdus": list(stack.pdus),
        "ignored": stack.ignored,
        "detected": stack.detected,
        "midstream": stack.midstream,
        "held": [len(octets) for octets in stack.held],
        "tags": list(stack.tags),
        "facts": dict(stack.state.facts),
    }


def _bytes(session: Session) -> list[int]:
    return [0 if leg is None else leg.received for leg in session.legs]


def _packets(relay: Relay) -> list[list[int]]:
    for end in relay.standing():
        end.refresh()
    return [[0, 0] if leg is None else list(leg.packets) for leg in relay.session.legs]


def _tuple(leg: Leg | None, *, remote_first: bool) -> dict[str, str] | None:
    if leg is None:
        return None
    record = tcp.TcpRecord.from_wire(leg.connection)
    ends = (record.remote, record.local) if remote_first else (record.local, record.remote)
    return {"src": f"{ends[0].host}:{ends[0].port}", "dst": f"{ends[1].host}:{ends[1].port}"}


def leg_state(relay: Relay, number: int) -> str:
    """A leg's TCP state in the words of RFC 9293, as far as a proxy tells them apart."""
    end: End | None = relay.ends[number]
    if end is None:
        return "SYN-SENT"
    if not end.open:
        return "CLOSED"
    ended, finished = end.leg.ended, end.finished
    return {
        (False, False): "ESTABLISHED",
        (True, False): "CLOSE-WAIT",
        (False, True): "FIN-WAIT",
        (True, True): "CLOSING",
    }[ended, finished]


def _connection_state(relay: Relay) -> str:
    if relay.half_open:
        return "connecting"
    if relay.closing:
        return "closing"
    return "half-closed" if any(end.leg.ended for end in relay.standing()) else "established"
