"""What the inspector answers. Named tuples: frozen, without a dict, and cheap to build once per PDU."""

from enum import IntEnum
from typing import Literal, NamedTuple

LAYERS = ("tpkt", "cotp", "session", "presentation", "acse", "mms", "tase2")
"""Every layer a PDU can show, lowest first."""

Severity = Literal["low", "medium", "high"]


class Direction(IntEnum):
    """Which way octets travel; the number is that of the leg they came from."""

    CLIENT_TO_SERVER = 0
    SERVER_TO_CLIENT = 1


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


class Finding(NamedTuple):
    """Something a peer should not have sent."""

    code: str
    severity: Severity
    detail: str
    offset: int
    """Octets from the head of the TSDU as framed; inside the joined user data if it was segmented."""


class Result(NamedTuple):
    """The answer to one `feed`."""

    forward: int
    """How many octets from the head of those held before and those just fed may leave now."""
    pdus: tuple[Pdu, ...]
    findings: tuple[Finding, ...]
    reset: bool
    """The session must be reset: nothing more of it may pass."""
