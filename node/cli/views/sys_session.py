"""Proxied connections, in the look of `diagnose sys session list`.

Both tuples are shown with their translation: what the client addressed, and what the server sees.
"""

from __future__ import annotations

from typing import Any

from node.cli.views.text import Record, fill, records

# Before and after the pair, each way: the tuple, and in brackets what its translated end becomes.
ENTRY = """\
session info: proto={proto:n} proto_state={proto_state} duration={duration_s:n} expire={expire_s:n} \
timeout={timeout:n}
state={state}
statistic(bytes/packets): org={bytes[0]:n}/{received[0]:n} reply={bytes[1]:n}/{received[1]:n} tuples=4
tx speed(Bps/kbps): {octets_per_s[0]:n}/{kbps[0]:n} rx speed(Bps/kbps): {octets_per_s[1]:n}/{kbps[1]:n}
hook=pre dir=org act=dnat {client[src]}->{client[dst]}({server[dst]})
hook=post dir=org act=snat {client[src]}->{server[dst]}({server[src]})
hook=pre dir=reply act=dnat {server[dst]}->{server[src]}({client[src]})
hook=post dir=reply act=snat {server[dst]}->{client[src]}({client[dst]})
policy_id={policy} serial={serial:serial} id={id} service={service} app={app}
"""

# One digit a leg, client first, in the vendor's numbers: 1 established, 2 SYN sent, 4 FIN wait, 5 closing.
PROTO_STATES = {"connecting": "12", "established": "11", "half-closed": "14", "closing": "55"}


def render(data: object) -> str:
    """The connections; `data` is the answer to GET /connections."""
    rows = records(data)
    return "\n".join([*(_entry(record) for record in rows), f"total session {len(rows)}"])


def _entry(record: Record) -> str:
    rates = _numbers(record.get("rate_bps"))
    idle_s, expire_s = _numbers([record.get("idle_s"), record.get("expire_s")])
    derived = {
        "proto_state": PROTO_STATES.get(str(record.get("state")), "00"),
        "timeout": None if idle_s is None or expire_s is None else round(idle_s + expire_s),
        "received": [_received(packets) for packets in record.get("packets") or ()],
        "octets_per_s": [None if rate is None else rate / 8 for rate in rates],
        "kbps": [None if rate is None else rate / 1000 for rate in rates],
    }
    return fill(ENTRY, {**record, **derived})


def _received(packets: Any) -> Any:
    """A leg's packets are given as [received, sent], or as those received alone."""
    return packets[0] if isinstance(packets, list) and packets else packets


def _numbers(values: object) -> list[float | None]:
    items = values if isinstance(values, list) else []
    return [item if isinstance(item, (int, float)) else None for item in items]
