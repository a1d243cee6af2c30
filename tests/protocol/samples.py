"""Things that tests of this area make often."""

import random

from protocol.handshake import Handshake, Identity
from protocol.heartbeat import Heartbeat, Role, Sync

SECRET = bytes(range(32))
OTHER_SECRET = bytes(reversed(range(32)))


def octets(seed: int, count: int = 32) -> bytes:
    return random.Random(seed).randbytes(count)


def identity(name: str, **changes: object) -> Identity:
    fields: dict[str, object] = {
        "name": name,
        "group": "grid-east",
        "incarnation": 7,
        "epoch": 3,
        "schemas": {"messages": (1, 2), "state": (1,)},
        "software": "0.1.0",
    }
    return Identity(**{**fields, **changes})  # type: ignore[arg-type]


def handshake(name: str, *, initiator: bool, secret: bytes = SECRET, seed: int = 0, **changes: object) -> Handshake:
    number = 2 * seed + initiator
    return Handshake(
        secret,
        identity(name, **changes),
        initiator=initiator,
        private_key=octets(number),
        nonce=octets(1000 + number),
    )


def heartbeat(**changes: object) -> Heartbeat:
    fields: dict[str, object] = {
        "node": "a",
        "priority": 200,
        "role": Role.ACTIVE,
        "sync": Sync.IN_SYNC,
        "epoch": 7,
        "incarnation": 50,
        "to": 70,
        "data_ok": True,
        "stream": True,
        "solo": False,
        "stale": False,
        "doubt": False,
        "override": False,
        "sessions": 12,
        "clock_ms": 123456,
    }
    return Heartbeat(**{**fields, **changes})  # type: ignore[arg-type]
