"""One decoded PDU in its place: what the checks look at, and what the association's memory learns from."""

from typing import NamedTuple

from inspector.apps import Naming
from inspector.ber import Octets
from inspector.cotp import Connection
from inspector.decoder import Part
from inspector.results import Direction
from inspector.state import Call


class Seen(NamedTuple):
    """A PDU, what it is called, and when and by whom it was sent."""

    direction: Direction
    cotp: str
    """The TPDU: DT, CR, CC, DR or ER."""
    connection: Connection | None
    """What CR, CC, DR and ER say."""
    session: str | None
    presentation: str | None
    part: Part | None
    """The value of ACSE or MMS, for DT."""
    naming: Naming | None
    """What a request or report does."""
    call: Call | None
    """The request that this answers."""
    octets: Octets
    """The buffer that all spans point into."""
    tsdu_bytes: int
    now_ms: int
    """Wall clock, milliseconds since 1970."""
