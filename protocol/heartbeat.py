"""What nodes tell each other by datagram: the heartbeat, and the death notice.

Both name in `to` the incarnation of the receiver they are meant for, as last heard from it (0: not heard
yet). A recorded datagram thus proves nothing to a later life of its receiver.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from protocol import records
from protocol.records import Schema, flag, newer, number, one_of, text

PRIORITY_MAX = 255
TABLES_MAX = 8
"""Entries of `Heartbeat.rules`."""


class Role(StrEnum):
    """What a node is. In one incarnation a role only ever moves down this list."""

    STARTING = "starting"
    PASSIVE = "passive"
    ACTIVE = "active"
    FAULT = "fault"
    LEAVING = "leaving"


class Sync(StrEnum):
    """How far the passive's cache follows the active node, as the sender sees it."""

    OUT_OF_SYNC = "out-of-sync"
    SYNCING = "syncing"
    IN_SYNC = "in-sync"
    SOLO = "solo"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """I live, and this is what I am."""

    node: str
    priority: int
    """0 to 255, the higher the more willing."""
    role: Role
    sync: Sync
    epoch: int
    """Of an active node the epoch it is active in; of any other the highest it knows of."""
    incarnation: int
    to: int
    """The receiver's incarnation as last heard; 0: never heard."""
    data_ok: bool
    """My data networks are up."""
    stream: bool
    """The replication stream is open."""
    solo: bool
    """Active, and releasing acknowledgements without waiting for the passive."""
    stale: bool
    """Passive, and I know that my cache has missed something."""
    doubt: bool
    """Passive, and about to take over, since I hear nothing of you: if you hear this, fall silent."""
    override: bool
    """I want my role back if my priority is the higher."""
    sessions: int
    clock_ms: int
    """The sender's CLOCK_MONOTONIC when this was made, in milliseconds: tells its heartbeats' order."""
    rules: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """What the sender's sessions are held to: of each table how many entries, and their hash. Since version 2."""
    witness: bool | None = None
    """Whether the sender heeds a witness; None: it has not said. Since version 2."""
    question: int = 0
    """Active, and about to go solo: which question this is, in this life, whether the passive is and stays stale; or 0.
    Since version 2."""
    answer: int = 0
    """Passive: your latest question to which it was: my cache stale, and no stream under way that could change that. A
    stream opened afterwards ends the question, or finds you solo. Since version 2."""


@dataclass(frozen=True, slots=True)
class DeathNotice:
    """From a guard: its worker is dead and its node fenced, silent at its virtual addresses."""

    node: str
    epoch: int
    incarnation: int
    """The dead worker's."""
    to: int


def _are_tables(value: object) -> bool:
    """A few names, each with a number and a hash."""
    name, entries, digest = text(), number(2**32 - 1), text(16)
    return (
        isinstance(value, dict)
        and len(value) <= TABLES_MAX
        and all(map(name, value))
        and all(
            isinstance(each, list | tuple) and len(each) == 2 and entries(each[0]) and digest(each[1])
            for each in value.values()
        )
    )


def _may_be_said(value: object) -> bool:
    return value is None or flag(value)


_HEARTBEAT_1 = Schema(
    "heartbeat",
    1,
    {
        "node": text(),
        "priority": number(PRIORITY_MAX),
        "role": one_of(frozenset(Role)),
        "sync": one_of(frozenset(Sync)),
        "epoch": number(),
        "incarnation": number(),
        "to": number(),
        "data_ok": flag,
        "stream": flag,
        "solo": flag,
        "stale": flag,
        "doubt": flag,
        "override": flag,
        "sessions": number(),
        "clock_ms": number(),
    },
)
_DEATH = Schema("death", 1, {"node": text(), "epoch": number(), "incarnation": number(), "to": number()})
_HEARTBEATS = (
    _HEARTBEAT_1,
    newer(_HEARTBEAT_1, rules=_are_tables, witness=_may_be_said, question=number(), answer=number()),
)
"""Its versions. A field that a version brings has a default in Heartbeat: what an older node's silence means."""
VERSIONS = tuple(schema.version for schema in _HEARTBEATS)
ANSWERS = 2
"""The version from which on questions are answered."""
LOWEST = VERSIONS[0]
"""What every node reads, and so what is written to one that has not said more of itself in this life."""
_SCHEMAS = {_DEATH.kind: (_DEATH,), _HEARTBEAT_1.kind: _HEARTBEATS}


def _heartbeat(fields: dict[str, Any]) -> Heartbeat:
    if "rules" in fields:
        fields["rules"] = {name: tuple(each) for name, each in fields["rules"].items()}
    fields["role"], fields["sync"] = Role(fields["role"]), Sync(fields["sync"])
    return Heartbeat(**fields)


def _death(fields: dict[str, Any]) -> DeathNotice:
    return DeathNotice(**fields)


_BUILDERS: dict[str, Callable[[dict[str, Any]], Heartbeat | DeathNotice]] = {
    _HEARTBEAT_1.kind: _heartbeat,
    _DEATH.kind: _death,
}


def pack(message: Heartbeat | DeathNotice, version: int = LOWEST) -> bytes:
    """The payload of a datagram; a heartbeat in this version. Death notices have one version."""
    schema = _HEARTBEATS[version - LOWEST] if isinstance(message, Heartbeat) else _DEATH
    return records.pack(schema, {name: getattr(message, name) for name in schema.fields})


def unpack(payload: bytes) -> Heartbeat | DeathNotice:
    """What a datagram says; raises MessageError on anything but exactly one known message."""
    kind, fields = records.unpack(_SCHEMAS, payload)
    return _BUILDERS[kind](fields)
