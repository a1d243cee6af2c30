"""Partners: how each is recognised, what its bilateral table says, and what those say together that fit a session.

What several rows, or several peers that fit, have to say counts together: if one allows it, it is allowed. So the
order of rows never matters, and a row more never takes anything away.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

from inspector.patterns import NO_PATTERNS, Patterns
from inspector.policy.identity import Identity, Side
from inspector.policy.rights import OF_ITSELF, SCHEMES, Need
from inspector.policy.rows import Name, Row
from inspector.results import Direction
from inspector.tase2 import item_of


@dataclass(frozen=True, slots=True)
class Peer:
    """A partner: how it is recognised and what its bilateral table says."""

    name: str
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where the client is; empty: anywhere."""
    client: Side = field(default_factory=Side)
    server: Side = field(default_factory=Side)
    apps_allowed: Patterns = NO_PATTERNS
    """Services that name no object, by application."""
    apps_denied: Patterns = NO_PATTERNS
    client_may: tuple[Row, ...] = ()
    server_may: tuple[Row, ...] = ()

    def mismatch(self, identity: Identity) -> str | None:
        """Why the two ends are not this peer and its server, in words; None if nothing that was seen is against it."""
        address = identity.address
        if address is not None and self.networks and not self.is_at(address):
            return f"{address} is not in {' or '.join(map(str, self.networks))}"
        wrong = self.client.mismatch(identity.client_tsap, identity.client_ap_title, identity.client_ae_qualifier)
        if wrong is not None:
            return f"the client's {wrong}"
        wrong = self.server.mismatch(identity.server_tsap, identity.server_ap_title, identity.server_ae_qualifier)
        return None if wrong is None else f"the server's {wrong}"

    def is_at(self, address: str) -> bool:
        """Whether an address is in one of its networks."""
        try:
            host = ip_address(address)
        except ValueError:
            return False
        return any(host in network for network in self.networks)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Both tables."""
        return (*self.client_may, *self.server_may)

    def table(self, direction: Direction, need: Need) -> tuple[Row, ...]:
        """The rows that bear on an access; a report may stand in the table of either end."""
        if need is Need.REPORT:
            return self.rows
        return self.client_may if direction is Direction.CLIENT_TO_SERVER else self.server_may


class Grant(NamedTuple):
    """What is left to look at when a known thing is done to a known object again."""

    need: Need
    allowed: bool
    rows: tuple[Row, ...]
    """Those that allow it within limits; none if one allows it without, or none allows it."""


Known = tuple[int, bool, str]
"""A naming's number, whether it is the first object, the object."""


class Group:
    """The peers that a session may be of, and what they allow, decided once for each thing."""

    __slots__ = ("_denied", "grants", "peers")

    def __init__(self, peers: tuple[Peer, ...]) -> None:
        self.peers = peers
        self.grants: tuple[dict[Known, Grant], dict[Known, Grant]] = ({}, {})
        """Per direction, what was decided so far; whoever adds to it bounds it."""
        self._denied: dict[str, Peer | None] = {}

    @property
    def names(self) -> str:
        """In words."""
        return " or ".join(peer.name for peer in self.peers)

    def denies(self, app: str) -> Peer | None:
        """The peer that may not use an application, if one of them may not.

        Applications are those of inspector.apps and of the signatures, so what is remembered stays small.
        """
        try:
            return self._denied[app]
        except KeyError:
            found = next((peer for peer in self.peers if peer.apps_denied.match(app)), None)
            self._denied[app] = found
            return found

    def allows(self, app: str) -> bool:
        """Whether one of them may use an application that names no object."""
        return any(peer.apps_allowed.match(app) for peer in self.peers)

    def decide(self, direction: Direction, known: Known) -> Grant:
        """What the rows say, limits aside."""
        number, first, name = known
        need = SCHEMES[number](first, name)
        parts = Name.of(name)
        rows = [row for peer in self.peers for row in peer.table(direction, need) if row.allows(need, parts)]
        of_itself = bool(self.peers) and item_of(name) in OF_ITSELF.get(need, ())
        free = of_itself or any(not row.limited for row in rows)
        return Grant(need, free or bool(rows), () if free else tuple(rows))
