"""One event: what happened on this node, as data. Every format is made from it, and it goes to JSON and back whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

NS_PER_S = 1_000_000_000


class Kind(StrEnum):
    """What kinds of events there are."""

    APP = "app"
    """An application shows for the first time on a session."""
    FINDING = "finding"
    """A signature or a decoder tells of something; the event's action says what became of the PDU."""
    DENIAL = "denial"
    """A PDU did not pass, and no signature tells why."""
    SESSION_START = "session-start"
    SESSION_END = "session-end"
    TAKEOVER = "takeover"
    """This node has become active."""
    ROLE = "role"
    SYNC = "sync"
    """How far the passive node's cache follows has changed."""
    LINK = "link"
    CONFIG = "config"
    """What the node is held to, at its start or after a change."""
    NODE = "node"
    """Something else about the node itself."""
    LOSS = "loss"
    """Events were not written somewhere; told when writing is possible again."""
    STATS = "stats"


class Severity(StrEnum):
    """How much an event matters, in the inspector's words and one below."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """From 0, information only, to 3."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Fields that say nothing are left out of its record."""

    incident: int
    """The event's serial: unique on its node, over all of the node's lives; below 2^53, which JSON readers keep."""
    time_ns: int
    """CLOCK_REALTIME."""
    kind: Kind
    severity: Severity
    node: str
    epoch: int
    message: str

    # the session, the same after a takeover as before
    id: int = 0
    serial: str = ""
    service: str = ""
    policy: int = 0
    client: str = ""
    server: str = ""
    listen: str = ""
    """The virtual address that the client speaks to."""
    source: str = ""
    """The virtual address that the server sees."""
    client_interface: str = ""
    server_interface: str = ""

    # the PDU
    direction: str = ""
    """`client->server` or `server->client`."""
    mms_pdu: str = ""
    mms_service: str = ""
    invoke_id: int | None = None
    operation: str = ""
    app: str = ""
    app_id: int = 0
    category: str = ""
    risk: int = 0
    """Of the application, from 1, harmless, to 5, critical."""
    objects: tuple[str, ...] = ()
    verdict: str = ""

    # the finding
    code: str = ""
    sid: int | None = None
    """The signature's number; 0 for what the decoders refuse."""
    signature: str = ""
    detail: str = ""
    attack: tuple[str, ...] = ()
    """Techniques of MITRE ATT&CK for ICS."""
    action: str = ""
    """pass, monitor, deny, reset, quarantine: what became of the PDU."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else there is to say about an event of its kind: numbers, words, flat."""

    @property
    def at(self) -> datetime:
        """When it happened, UTC."""
        return datetime.fromtimestamp(self.time_ns / NS_PER_S, UTC)

    @property
    def from_server(self) -> bool:
        """Whether the server sent the PDU."""
        return self.direction == "server->client"

    def record(self) -> dict[str, Any]:
        """As JSON-able data, with `ts` for people and `type` for the kind."""
        told: dict[str, Any] = {"ts": self.at.isoformat(timespec="microseconds"), "type": str(self.kind)}
        for name in _NAMES:
            value = getattr(self, name)
            if name != "kind" and value != _UNSAID.get(name):
                told[name] = list(value) if isinstance(value, tuple) else value
        return told

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Event:
        """The event that a record tells of; raises ValueError, KeyError or TypeError for what is no such record."""
        given = {name: record[name] for name in _NAMES if name in record}
        for name in ("objects", "attack"):
            given[name] = tuple(given.get(name, ()))
        given |= {"kind": Kind(record["type"]), "severity": Severity(record["severity"])}
        return cls(**given)


_NAMES = tuple(each.name for each in fields(Event))
_UNSAID: dict[str, Any] = {"facts": {}}
_UNSAID |= {each.name: each.default for each in fields(Event) if each.default is not MISSING}
