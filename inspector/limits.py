"""The bounds of one inspected session."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of a `Stack`; what exceeds one is a finding, or the oldest table entry goes."""

    held_bytes: int = 262_144
    """Octets of one undecided TSDU, TPKT and COTP headers included, per direction."""
    tpkt_bytes: int = 65_535
    """Length of one TPKT, header included."""
    depth: int = 24
    """Nesting of BER values."""
    elements: int = 65_536
    """BER values in one TSDU."""
    name_bytes: int = 129
    """Length of one MMS identifier (the standard allows 32; vendors exceed it)."""
    calls: int = 256
    """Requests awaiting their response, per direction; the oldest is forgotten."""
    names: int = 1_024
    """Transfer sets, data sets and devices learned; later ones are not remembered."""
    members: int = 16_384
    """Members of all data sets together; data sets beyond are known by name only."""

    def __post_init__(self) -> None:
        if min(self.held_bytes, self.tpkt_bytes, self.depth, self.elements, self.name_bytes) < 1:
            raise ValueError("every limit must be positive")
        if self.calls < 1 or self.names < 0 or self.members < 0:
            raise ValueError("at least one outstanding call; names and members not negative")
