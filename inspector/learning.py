"""What was seen of peers, gathered so that a policy can be drafted from it: who they are and what each did to what.

A learner asks of each PDU what the policy would ask (`inspector.policy`), and notes it instead of judging it. It is
bounded: what does not fit any more is counted, not kept. `facts` are values for JSON; `merge` takes them back, so
that several captures, or the services of a node, come together in one.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from inspector import apps, services
from inspector.policy.rights import NAME_LISTS, OF_ASSOCIATION, OF_ITSELF, SCHEMES, WHOLE_WRITES, Need
from inspector.results import Direction, Pdu
from inspector.state import Known
from inspector.tase2 import Kind, device_of, item_of

PEERS_MAX = 256
IDENTITIES_MAX = 32
"""Values of one kind (selectors, titles, qualifiers) kept of one peer."""
ACCESSES_MAX = 16_384
"""Of one peer: kinds of access times objects."""
CODES_MAX = 64
"""Kinds of findings counted of one peer."""

IDENTITIES = tuple(f"{side}.{what}" for side in ("client", "server") for what in ("tsap", "ap_title", "ae_qualifier"))
"""What of an association's facts says who its ends are."""
SENDERS = {Direction.CLIENT_TO_SERVER: "client", Direction.SERVER_TO_CLIENT: "server"}
RIGHTS = {
    Need.READ: "read",
    Need.SELECT: "select",
    Need.TAG: "tag",
    Need.WRITE: "write",
    Need.SET: "write",
    Need.OPERATE: "operate",
    Need.REPORT: "report",
    Need.MEMBER: "report",
}
"""The right that a row needs for what was done."""
NO_OBJECT = ""
"""In an access: a service that names no object, and must be allowed by its application."""
ALL_NAMES = "/"
"""In an access: the names of the VMD were asked for."""

NOTHING_KNOWN: Mapping[str, Known] = MappingProxyType({})

_JUDGED = frozenset(
    (services.CONFIRMED_REQUEST, services.UNCONFIRMED, "initiate-request", "conclude-request", "cancel-request")
)
_PASSED = ("pass", "monitor")
_BY_OPERATION = {naming.operation: naming.number for naming in apps.NAMINGS.values() if naming.operation is not None}
_BY_SERVICE = {
    services.CONFIRMED_REQUEST: {name: number for number, name in enumerate(services.CONFIRMED_SERVICES)},
    services.UNCONFIRMED: {name: 100 + number for number, name in enumerate(services.UNCONFIRMED_SERVICES)},
}
_WITHOUT_SERVICE = {"initiate-request": 110, "conclude-request": 111, "cancel-request": 112}

_Access = tuple[str, str, str, str]
"""Sender, right, object, application."""
_Tally = tuple[int, int, int, float | None, float | None]
"""How often; first and last, ms since 1970; the lowest and the highest number written, where one was."""


class _Seen:
    """What was seen of one peer."""

    __slots__ = ("accesses", "findings", "identities", "left_off", "pdus", "reserved")

    def __init__(self) -> None:
        self.pdus = 0
        self.findings: dict[str, int] = {}
        self.identities: dict[str, dict[int | str, None]] = {name: {} for name in IDENTITIES}
        self.accesses: dict[_Access, _Tally] = {}
        self.reserved: dict[str, None] = {}
        self.left_off = 0


class Learner:
    """Gathers what policies are made of."""

    def __init__(self) -> None:
        self._peers: dict[str, _Seen] = {}
        self.left_off = 0
        """Peers that did not fit."""

    def see(
        self,
        pdu: Pdu,
        address: str,
        facts: Mapping[str, int | str],
        now_ms: int = 0,
        known: Mapping[str, Known] = NOTHING_KNOWN,
    ) -> None:
        """One more PDU, of an association of the client at `address` that remembers `facts` and what is `known`.

        `now_ms` is the wall clock, milliseconds since 1970. What a policy has denied is not learned from.
        """
        peer = self._peers.get(address) or self._new(address)
        if peer is None:
            return
        peer.pdus += bool(pdu.layers)
        for finding in pdu.findings:
            _add(peer.findings, finding.code, 1)
        if pdu.verdict not in _PASSED:
            return
        if pdu.acse is not None or not pdu.objects:
            _identify(peer, facts)
        if pdu.mms_pdu in _JUDGED:
            value = _value(pdu)
            for right, name in _accesses(pdu, peer, known):
                access = (SENDERS[pdu.direction], right, name, pdu.app or "")
                _note(peer, access, (1, now_ms, now_ms, value, value))

    def _new(self, address: str) -> _Seen | None:
        if len(self._peers) >= PEERS_MAX:
            self.left_off += 1
            return None
        self._peers[address] = peer = _Seen()
        return peer

    def facts(self) -> list[dict[str, Any]]:
        """Everything gathered, a client's address an entry, sorted; values that JSON takes."""
        return [
            {
                "address": address,
                "pdus": peer.pdus,
                "findings": dict(sorted(peer.findings.items())),
                "identities": {name: list(values) for name, values in peer.identities.items() if values},
                "reserved": sorted(peer.reserved),
                "accesses": [[*access, *kept] for access, kept in sorted(peer.accesses.items())],
                "left_off": peer.left_off,
            }
            for address, peer in sorted(self._peers.items())
        ]

    def merge(self, facts: Iterable[Mapping[str, Any]]) -> None:
        """Add what another learner gathered. Raises ValueError when it is nothing of the kind."""
        try:
            for entry in facts:
                self._merge(entry)
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError("not what a learner gathers") from error

    def _merge(self, entry: Mapping[str, Any]) -> None:
        address = entry["address"]
        peer = self._peers.get(address) or self._new(address)
        if peer is None:
            return
        peer.pdus += int(entry["pdus"])
        for code, count in entry["findings"].items():
            _add(peer.findings, str(code), int(count))
        for name, values in entry["identities"].items():
            for value in values:
                _keep(peer.identities[name], value)
        for item in entry["reserved"][:IDENTITIES_MAX]:
            peer.reserved[str(item)] = None
        peer.left_off += int(entry["left_off"])
        for sender, right, name, app, count, first, last, low, high in entry["accesses"]:
            access = (str(sender), str(right), str(name), str(app))
            _note(peer, access, (int(count), int(first), int(last), _optional(low), _optional(high)))


def _accesses(pdu: Pdu, peer: _Seen, known: Mapping[str, Known]) -> list[tuple[str, str]]:
    """The right that each object of a PDU needs; nothing for what every peer may do."""
    number = _number(pdu)
    if number in OF_ASSOCIATION:
        return []
    objects = pdu.objects or ((ALL_NAMES,) if number in NAME_LISTS else ())
    if number in WHOLE_WRITES and len(objects) == 1:
        number, objects = _members(number, objects, known.get(objects[0]))
    scheme = SCHEMES.get(number)
    if scheme is None or not objects:
        return [("", NO_OBJECT)]
    found = []
    for nr, name in enumerate(objects):
        need = scheme(nr == 0, name)
        item = item_of(name)
        if item and item in OF_ITSELF.get(need, ()):
            if len(peer.reserved) < IDENTITIES_MAX:
                peer.reserved[item] = None
        else:
            found.append((RIGHTS[need], _subject(need, name)))
    if number == services.WRITE and len(objects) == 1:
        # outside TASE.2 nothing tells a variable from a list of them, for which a policy wants more
        found += [("operate", name) for right, name in found if right == "write"]
    return found


def _members(number: int, objects: tuple[str, ...], known: Known | None) -> tuple[int, tuple[str, ...]]:
    """A data set that is written as a whole stands for its members, if they are known."""
    if known is None or known.kind is not Kind.DATA_SET or not known.value:
        return number, objects
    return apps.SET_VALUE.number, tuple(known.value)


def _note(peer: _Seen, access: _Access, more: _Tally) -> None:
    kept = peer.accesses.get(access)
    if kept is not None:
        peer.accesses[access] = (
            kept[0] + more[0],
            min(kept[1], more[1]),
            max(kept[2], more[2]),
            min(kept[3], more[3]) if kept[3] is not None and more[3] is not None else _either(kept[3], more[3]),
            max(kept[4], more[4]) if kept[4] is not None and more[4] is not None else _either(kept[4], more[4]),
        )
    elif len(peer.accesses) < ACCESSES_MAX:
        peer.accesses[access] = more
    else:
        peer.left_off += 1


def _add(counts: dict[str, int], code: str, count: int) -> None:
    if code in counts or len(counts) < CODES_MAX:
        counts[code] = counts.get(code, 0) + count


def _either(one: float | None, other: float | None) -> float | None:
    return other if one is None else one


def _optional(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _identify(peer: _Seen, facts: Mapping[str, int | str]) -> None:
    for name in IDENTITIES:
        value = facts.get(name)
        if value is not None:
            _keep(peer.identities[name], value)


def _keep(values: dict[int | str, None], value: int | str) -> None:
    if len(values) < IDENTITIES_MAX:
        values[value] = None


def _number(pdu: Pdu) -> int:
    """The number of a request's or report's name (inspector.apps); -1 for none known."""
    if pdu.operation is not None:
        return _BY_OPERATION.get(pdu.operation, -1)
    kind = pdu.mms_pdu or ""
    if pdu.mms_service is None:
        return _WITHOUT_SERVICE.get(kind, -1)
    return _BY_SERVICE.get(kind, {}).get(pdu.mms_service, -1)


def _subject(need: Need, name: str) -> str:
    """The object that a row should name: the device, where its select or tag name was used."""
    device = device_of(name) if need in (Need.SELECT, Need.TAG) else None
    return device if device is not None and item_of(device) else name


def _value(pdu: Pdu) -> float | None:
    """The number that an object was given, where the details say it."""
    said = pdu.details.get("tase2")
    value = said.get("command") if isinstance(said, Mapping) else None
    return float(value) if isinstance(value, int | float) else None
