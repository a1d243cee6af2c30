"""What the inspector answers. Named tuples: frozen, without a dict, and cheap to build once per PDU."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

LAYERS = ("tpkt", "cotp", "session", "presentation", "acse", "mms", "tase2")
"""Every layer a PDU can show, lowest first."""

Severity = Literal["low", "medium", "high"]


class Action(IntEnum):
    """What becomes of a PDU; of several actions the highest counts."""

    PASS = 0
    MONITOR = 1
    """It passes, and is told of."""
    DENY = 2
    """It is not forwarded; whoever asked gets an MMS error with its invoke ID."""
    RESET = 3
    """The session ends."""
    QUARANTINE = 4
    """The session ends, and its peer is refused for a time."""


class Direction(IntEnum):
    """Which way octets travel; the number is that of the leg they came from."""

    CLIENT_TO_SERVER = 0
    SERVER_TO_CLIENT = 1


class Event(NamedTuple):
    """Something that a check noticed. Whether it is a finding is up to the rules."""

    code: str
    detail: str
    key: str = ""
    """What a rule counts when it counts distinct things: the device, the object."""
    offset: int = 0


class Finding(NamedTuple):
    """Something a peer should not have sent, or a policy does not allow."""

    code: str
    severity: Severity
    detail: str
    offset: int = 0
    """Octets from the head of the TSDU as framed; inside the joined user data if it was segmented."""
    sid: int = 0
    """The number of the signature; 0 for what the decoders refuse."""
    attack: tuple[str, ...] = ()
    """Techniques of MITRE ATT&CK for ICS."""
    action: Action = Action.PASS


NO_DETAILS: Mapping[str, Any] = MappingProxyType({})


class Pdu(NamedTuple):
    """One inspected PDU. A name is None where the layer is absent or says nothing."""

    direction: Direction
    layers: tuple[str, ...]
    length: int
    """Octets on the wire, TPKT headers included; 0 for the second and later PDUs of one TSDU."""
    cotp: str
    session: str | None = None
    presentation: str | None = None
    acse: str | None = None
    mms_pdu: str | None = None
    mms_service: str | None = None
    """As ISO 9506 (and tshark) spells it."""
    invoke_id: int | None = None
    operation: str | None = None
    """The TASE.2 operation (IEC 60870-6-503), of the request for a response."""
    app: str | None = None
    """The application; responses have none, they belong to their request's."""
    objects: tuple[str, ...] = ()
    """`domain/item`, `item` of the VMD, `@/item` of the association, `domain/` for a whole domain."""
    verdict: str = "pass"
    """The action on its TSDU, in lower case."""
    findings: tuple[Finding, ...] = ()
    details: Mapping[str, Any] = NO_DETAILS
    """What else the PDU says; filled on demand."""


class Edit(NamedTuple):
    """Decided octets that do not go on, and what is sent instead of them. Positions as in `Result.forward`."""

    start: int
    stop: int
    instead: bytes
    """Goes on in their place; whole TPKTs or nothing."""
    back: bytes
    """Goes to whoever sent them; whole TPKTs or nothing."""


class Result(NamedTuple):
    """The answer to one `feed`."""

    forward: int
    """How many octets, from the head of those held before and those just fed, are decided: they leave now, but
    for those that an edit takes out."""
    pdus: tuple[Pdu, ...]
    findings: tuple[Finding, ...]
    reset: bool
    """The session must be reset: nothing more of it may pass."""
    edits: tuple[Edit, ...] = ()
    """Spans of the decided octets that do not go on, in order."""
    quarantine_s: float = 0.0
    """For how long the client is to be refused."""
    new_apps: tuple[str, ...] = ()
    """Applications that the session had not shown before."""
