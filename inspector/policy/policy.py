"""A policy compiled: whom it admits, what it allows, and every decision made once.

Each PDU is judged, so the way for what is known is one lookup for each object: the key says what is done to which
object, the entry says which limits are left to look at, usually none. All that is remembered is bounded and begins
anew when full: an attacker who makes up names gains nothing but recomputing.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from inspector.apps import Naming
from inspector.policy.actions import ALLOWED, Hit, Judgement, told, worst
from inspector.policy.identity import Identity
from inspector.policy.peers import Grant, Group, Known, Peer
from inspector.policy.points import PointRow, Points
from inspector.policy.rights import (
    CONTROLS,
    NAME_LISTS,
    OF_ASSOCIATION,
    OPERATE,
    SCHEMES,
    SET,
    SINGLE_WRITES,
    VERBS,
    WHOLE_WRITES,
    Need,
    only_looks,
)
from inspector.policy.rows import Name
from inspector.results import Action, Direction

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
    by_list: bool = False
    """Whether the object named is a data set, and all of its members are meant."""
    members: tuple[str, ...] = ()
    """Those members, if they are known, of a data set that is written; `values` are then theirs."""


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
        self._at_least_deny = max(Action.DENY, default)
        self._groups: dict[tuple[Peer, ...], Group] = {}
        self._who: dict[Identity, Group] = {}
        self._granted = 0
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
        if self.unknown_peer is Action.PASS or self._group(identity).peers:
            return ALLOWED
        return told(self.unknown_peer, "unknown-peer", self._unknown(identity), identity.address or "")

    def _unknown(self, identity: Identity) -> str:
        """Says how near it was, if it was near to one."""
        near = [peer for peer in self.peers if peer.networks and peer.is_at(identity.address or "")]
        near = near if near else list(self.peers[:1]) if len(self.peers) == 1 else []
        reasons = "; ".join(f"not {peer.name}, for {peer.mismatch(identity)}" for peer in near[:3])
        return f"{identity} is no peer of {self}" + (f": {reasons}" if reasons else "")

    def _group(self, identity: Identity) -> Group:
        try:
            return self._who[identity]
        except KeyError:
            pass
        if len(self._who) >= IDENTITIES_REMEMBERED:
            self._forget()
        peers = tuple(peer for peer in self.peers if peer.mismatch(identity) is None)
        found = self._groups.get(peers)
        if found is None:
            found = self._groups[peers] = Group(peers)
        self._who[identity] = found
        return found

    def _forget(self) -> None:
        self._who.clear()
        self._groups.clear()
        self._granted = 0

    # --- what

    def judge(self, deed: Deed, identity: Identity, hit: Hit) -> Judgement:
        """Whether a request or report may pass. `hit` counts in the association's windows."""
        if self._idle:
            return ALLOWED
        group = self._group(identity)
        naming = deed.naming
        app = deed.app or naming.app or ""
        if (peer := group.denies(app)) is not None:
            why = f"{self._actor(deed, identity)} used {app}: {self} denies it to peer {peer.name}"
            return told(self._at_least_deny, _code(deed), why, _first(deed))
        number = naming.number
        objects = deed.objects or (("",) if number in NAME_LISTS else ())
        if number not in SCHEMES or not objects or (number in NAME_LISTS and group.allows(app)):
            return self._without_objects(deed, identity, group, app)
        if number in WHOLE_WRITES and (deed.by_list or number not in SINGLE_WRITES):
            number, objects = (SET, deed.members) if deed.members else (OPERATE, objects)
        return self._with_objects(deed, identity, group, number, objects, hit)

    def _with_objects(
        self, deed: Deed, identity: Identity, group: Group, number: int, objects: tuple[str, ...], hit: Hit
    ) -> Judgement:
        grants = group.grants[deed.direction]
        found: list[Judgement] = []
        for nr, name in enumerate(objects):
            known = (number, nr == 0, name)
            grant = grants.get(known) or self._decide(deed, group, known)
            if not grant.allowed:
                found.append(self._unlisted(deed, identity, group, grant.need, name))
            elif grant.rows:
                found.append(self._within_limits(deed, identity, grant, nr, name, hit))
        return worst(found) if found else ALLOWED

    def _decide(self, deed: Deed, group: Group, known: Known) -> Grant:
        if self._granted >= GRANTS_REMEMBERED:
            for each in self._groups.values():
                for grants in each.grants:
                    grants.clear()
            self._granted = 0
        self._granted += 1
        grant = group.decide(deed.direction, known)
        group.grants[deed.direction][known] = grant
        return grant

    def _within_limits(self, deed: Deed, identity: Identity, grant: Grant, nr: int, name: str, hit: Hit) -> Judgement:
        """Every row counts it, so that their order does not matter; the one most in favour decides."""
        value = _value(deed, nr)
        who = self._actor(deed, identity)
        judgements = [row.judge(grant.need, name, value, hit, who) for row in grant.rows]
        return min(judgements, key=lambda each: (each.action, each.why))

    def _unlisted(self, deed: Deed, identity: Identity, group: Group, need: Need, name: str) -> Judgement:
        if self.default_action is Action.PASS:
            return ALLOWED
        table = f"no row of {self} for peer {group.names} allows it"
        why = table if group.peers else f"it is no peer of {self}"
        parts = Name.of(name)
        subject = name if parts.item else f"the names of {parts.domain or 'the VMD'}"
        code = "unauthorized-write" if need in CONTROLS else "unauthorized-access"
        detail = f"{self._actor(deed, identity)} may not {VERBS[need]} {subject}: {why}"
        return told(self.default_action, code, detail, name)

    def _without_objects(self, deed: Deed, identity: Identity, group: Group, app: str) -> Judgement:
        if deed.naming.number in OF_ASSOCIATION or group.allows(app):
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

    @staticmethod
    def _actor(deed: Deed, identity: Identity) -> str:
        if deed.direction is Direction.CLIENT_TO_SERVER:
            return str(identity)
        title = identity.server_ap_title
        return "the server" if title is None else f"the server (AP-title {title})"


def _value(deed: Deed, nr: int) -> float | None:
    """The number written to an object; with several and their numbers not told apart there is none."""
    if deed.values:
        return deed.values[nr] if nr < len(deed.values) else None
    return deed.value if len(deed.objects) == 1 and not deed.members else None


def _code(deed: Deed) -> str:
    scheme = SCHEMES.get(deed.naming.number)
    if scheme is not None:
        return "unauthorized-write" if scheme(True, _first(deed)) in CONTROLS else "unauthorized-access"
    return "unauthorized-access" if only_looks(deed.service) else "unauthorized-write"


def _first(deed: Deed) -> str:
    return deed.objects[0] if deed.objects else ""
