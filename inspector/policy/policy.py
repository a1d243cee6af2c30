"""A policy compiled: whom it admits, what it allows, and every decision made once.

Each PDU is judged, so the way for what is known is one lookup for each object: the key says who, what and which
object, the entry says which limits are left to look at, usually none. Both tables are bounded and begin anew when
full: an attacker who makes up names gains nothing but recomputing.

What several rows, or several peers that fit, have to say counts together: if one allows it, it is allowed. So the
order of rows never matters, and a row more never takes anything away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal, NamedTuple

from inspector.apps import Naming
from inspector.patterns import NO_PATTERNS, Patterns
from inspector.policy.actions import ALLOWED, Hit, Judgement, told, worst
from inspector.policy.identity import Identity, Side
from inspector.policy.points import PointRow, Points
from inspector.policy.rights import (
    CONTROLS,
    NAME_LISTS,
    OF_ASSOCIATION,
    OF_ITSELF,
    SCHEMES,
    VERBS,
    Need,
    only_looks,
)
from inspector.policy.rows import Name, Row
from inspector.results import Action, Direction
from inspector.tase2 import item_of

IDENTITIES_REMEMBERED = 1_024
GRANTS_REMEMBERED = 32_768
CONTROLS_REMEMBERED = 32_768


class Deed(NamedTuple):
    """What one request or report would do."""

    direction: Direction
    naming: Naming
    service: str | None
    """Of MMS."""
    kind: str
    """Of the MMS PDU."""
    objects: tuple[str, ...]
    value: float | None = None
    """The number written, if one object is written."""
    values: tuple[float | None, ...] = ()
    """The numbers written, object by object, if there are several."""
    app: str | None = None
    """The user's own name for it, if he has one."""


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
        if address is not None and self.networks and not self._is_at(address):
            return f"{address} is not in {' or '.join(map(str, self.networks))}"
        wrong = self.client.mismatch(identity.client_tsap, identity.client_ap_title, identity.client_ae_qualifier)
        if wrong is not None:
            return f"the client's {wrong}"
        wrong = self.server.mismatch(identity.server_tsap, identity.server_ap_title, identity.server_ae_qualifier)
        return None if wrong is None else f"the server's {wrong}"

    def _is_at(self, address: str) -> bool:
        try:
            host = ip_address(address)
        except ValueError:
            return False
        return any(host in network for network in self.networks)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Both tables."""
        return (*self.client_may, *self.server_may)


class _Grant(NamedTuple):
    """What is left to look at when a known thing is done to a known object again."""

    need: Need
    allowed: bool
    rows: tuple[Row, ...]
    """Those that allow it within limits; none if one allows it without, or none allows it."""


class Policy:
    """What holds for the sessions of a service. Its answers depend on its arguments alone."""

    def __init__(
        self,
        number: int,
        name: str = "",
        *,
        default: Action = Action.PASS,
        unknown_peer: Action = Action.PASS,
        on_undecodable: Literal["reset", "pass"] | None = None,
        ignore_after: int = 0,
        quarantine_s: float = 300.0,
        peers: Iterable[Peer] = (),
        points: Iterable[PointRow] = (),
        guarded: bool = False,
    ) -> None:
        self.number = number
        self.name = name
        self.default_action = default
        """For what no row allows."""
        self.unknown_peer = unknown_peer
        self.on_undecodable = on_undecodable
        """None: as the service says."""
        self.ignore_after = ignore_after
        """Octets after which what is not ICCP is let through uninspected; 0: never."""
        self.quarantine_s = quarantine_s
        self.peers = tuple(peers)
        rows = tuple(points)
        self.points = Points(rows) if rows else None
        """The limits of reported values, if there are any."""
        self.guarded = guarded or self._denies()
        """Whether some PDU may be denied."""
        self._idle = default is Action.PASS and not self.peers
        self._who: dict[Identity, tuple[Peer, ...]] = {}
        self._grants: dict[tuple[tuple[str, ...], Direction, int, bool, str], _Grant] = {}
        self._controls: dict[str, bool] = {}

    @classmethod
    def default(cls, number: int) -> "Policy":
        """Everything passes, and nothing is guarded."""
        return cls(number)

    def __str__(self) -> str:
        return f"policy {self.number} ({self.name})" if self.name else f"policy {self.number}"

    def _denies(self) -> bool:
        limited = any(row.limited and row.action is Action.DENY for peer in self.peers for row in peer.rows)
        refused = any(peer.apps_denied for peer in self.peers)
        points = self.points is not None and self.points.deny
        return self.default_action is Action.DENY or limited or refused or points

    # --- who

    def admit(self, identity: Identity) -> Judgement:
        """Whether the two ends, as far as they have said who they are, may go on."""
        if self.unknown_peer is Action.PASS or self._matching(identity):
            return ALLOWED
        return told(self.unknown_peer, "unknown-peer", self._unknown(identity), identity.address or "")

    def _unknown(self, identity: Identity) -> str:
        """Says how near it was, if it was near to one."""
        near = [peer for peer in self.peers if peer.networks and peer._is_at(identity.address or "")]
        near = near if near else list(self.peers[:1]) if len(self.peers) == 1 else []
        reasons = "; ".join(f"not {peer.name}, for {peer.mismatch(identity)}" for peer in near[:3])
        return f"{identity} is no peer of {self}" + (f": {reasons}" if reasons else "")

    def _matching(self, identity: Identity) -> tuple[Peer, ...]:
        try:
            return self._who[identity]
        except KeyError:
            pass
        if len(self._who) >= IDENTITIES_REMEMBERED:
            self._who.clear()
        found = tuple(peer for peer in self.peers if peer.mismatch(identity) is None)
        self._who[identity] = found
        return found

    # --- what

    def judge(self, deed: Deed, identity: Identity, hit: Hit) -> Judgement:
        """Whether a request or report may pass. `hit` counts in the association's windows."""
        if self._idle:
            return ALLOWED
        peers = self._matching(identity)
        app = deed.app or deed.naming.app or ""
        for peer in peers:
            if peer.apps_denied and peer.apps_denied.match(app):
                why = f"{self._actor(deed, identity)} used {app}: {self} denies it to peer {peer.name}"
                return told(self._at_least_deny, _code(deed), why, _first(deed))
        number = deed.naming.number
        objects = deed.objects or (("",) if number in NAME_LISTS else ())
        if number not in SCHEMES or not objects:
            return self._without_objects(deed, identity, peers, app)
        if number in NAME_LISTS and any(peer.apps_allowed.match(app) for peer in peers):
            return ALLOWED
        return self._with_objects(deed, identity, peers, objects, hit)

    def _with_objects(
        self, deed: Deed, identity: Identity, peers: tuple[Peer, ...], objects: tuple[str, ...], hit: Hit
    ) -> Judgement:
        number = deed.naming.number
        group = tuple(peer.name for peer in peers)
        found: list[Judgement] = []
        for nr, name in enumerate(objects):
            key = (group, deed.direction, number, nr == 0, name)
            grant = self._grants.get(key) or self._decide(key, peers)
            if not grant.allowed:
                found.append(self._unlisted(deed, identity, grant.need, name))
            elif grant.rows:
                found.append(self._within_limits(deed, identity, grant, nr, name, hit))
        return worst(found)

    def _decide(self, key: tuple[tuple[str, ...], Direction, int, bool, str], peers: tuple[Peer, ...]) -> _Grant:
        _, direction, number, first, name = key
        need = SCHEMES[number](first, name)
        parts = Name.of(name)
        rows = [row for peer in peers for row in _table(peer, direction, need) if row.allows(need, parts)]
        of_itself = bool(peers) and item_of(name) in OF_ITSELF.get(need, ())
        free = of_itself or any(not row.limited for row in rows)
        grant = _Grant(need, free or bool(rows), () if free else tuple(rows))
        if len(self._grants) >= GRANTS_REMEMBERED:
            self._grants.clear()
        self._grants[key] = grant
        return grant

    def _within_limits(self, deed: Deed, identity: Identity, grant: _Grant, nr: int, name: str, hit: Hit) -> Judgement:
        """Every row counts it, so that their order does not matter; the one most in favour decides."""
        value = _value(deed, nr)
        who = self._actor(deed, identity)
        judgements = [row.judge(grant.need, name, value, hit, who) for row in grant.rows]
        return min(judgements, key=lambda each: (each.action, each.why))

    def _unlisted(self, deed: Deed, identity: Identity, need: Need, name: str) -> Judgement:
        if self.default_action is Action.PASS:
            return ALLOWED
        peers = self._matching(identity)
        table = f"no row of {self} for peer {' or '.join(peer.name for peer in peers)} allows it"
        why = table if peers else f"it is no peer of {self}"
        subject = name if name.strip("/") else f"the names of {name or 'the VMD'}"
        code = "unauthorized-write" if need in CONTROLS else "unauthorized-access"
        detail = f"{self._actor(deed, identity)} may not {VERBS[need]} {subject}: {why}"
        return told(self.default_action, code, detail, name)

    def _without_objects(self, deed: Deed, identity: Identity, peers: tuple[Peer, ...], app: str) -> Judgement:
        if deed.naming.number in OF_ASSOCIATION or any(peer.apps_allowed.match(app) for peer in peers):
            return ALLOWED
        if self.default_action is Action.PASS:
            return ALLOWED
        why = f"{self._actor(deed, identity)} used {app}: {self} does not allow it"
        return told(self.default_action, _code(deed), why, app)

    def is_control(self, name: str) -> bool:
        """Whether the tables list an object as something to operate and not as something to write."""
        try:
            return self._controls[name]
        except KeyError:
            pass
        if len(self._controls) >= CONTROLS_REMEMBERED:
            self._controls.clear()
        parts = Name.of(name)
        rows = [row for peer in self.peers for row in peer.rows]
        operated = any(row.allows(Need.OPERATE, parts) for row in rows)
        found = operated and not any(row.allows(Need.WRITE, parts) for row in rows)
        self._controls[name] = found
        return found

    @cached_property
    def _at_least_deny(self) -> Action:
        return max(Action.DENY, self.default_action)

    @staticmethod
    def _actor(deed: Deed, identity: Identity) -> str:
        if deed.direction is Direction.CLIENT_TO_SERVER:
            return str(identity)
        title = identity.server_ap_title
        return "the server" if title is None else f"the server (AP-title {title})"


def _table(peer: Peer, direction: Direction, need: Need) -> tuple[Row, ...]:
    """The rows that bear on an access; a report may stand in the table of either end."""
    if need is Need.REPORT:
        return peer.rows
    return peer.client_may if direction is Direction.CLIENT_TO_SERVER else peer.server_may


def _value(deed: Deed, nr: int) -> float | None:
    """The number written to an object; with several and their numbers not told apart there is none."""
    if deed.values:
        return deed.values[nr] if nr < len(deed.values) else None
    return deed.value if len(deed.objects) == 1 else None


def _code(deed: Deed) -> str:
    scheme = SCHEMES.get(deed.naming.number)
    if scheme is not None:
        return "unauthorized-write" if scheme(True, _first(deed)) in CONTROLS else "unauthorized-access"
    return "unauthorized-access" if only_looks(deed.service) else "unauthorized-write"


def _first(deed: Deed) -> str:
    return deed.objects[0] if deed.objects else ""
