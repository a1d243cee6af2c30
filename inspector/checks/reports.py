"""Transfer reports: from a transfer set that was started, by the side that has it, with as many values as members.

A report of a whole data set goes by the data set's name, one by exception lists its variables; either way the first
value names the transfer set if the data set has Transfer_Set_Name for its first member, as it nearly always does. These
checks are the hot path: a few dictionary look-ups, and one count of the values.
"""

from collections.abc import Sequence

from inspector.ber import Octets
from inspector.checks.base import NONE, count, first, inside
from inspector.limits import Limits
from inspector.results import Event
from inspector.seen import Seen
from inspector.state import MIDSTREAM, Association, Known
from inspector.tase2 import PROOFS, SCOPED_NAMES, STRUCTURE, Kind, item_of

_SIDES = ("the client", "the server")


def transfer(seen: Seen, association: Association, limits: Limits) -> Sequence[Event]:
    """A transfer report."""
    if seen.part is None:
        return NONE
    name, transfer_set = _transfer_set(seen, association, limits)
    events = _origin(seen, association, limits, name, transfer_set)
    wrong = _count(seen, association) or _strangers(seen, association, transfer_set)
    return events if wrong is None else (*events, wrong)


def acknowledgement(seen: Seen, association: Association, limits: Limits) -> Sequence[Event]:
    """A report's ACK or NACK, which comes from the side that the report went to."""
    name, transfer_set = _transfer_set(seen, association, limits)
    if transfer_set is None:
        return _unknown(f"transfer set {name}", name, association, limits) if name else NONE
    if transfer_set.value[1] == seen.direction:
        return (_wrong_direction(seen, name),)
    return NONE


def nack(seen: Seen, association: Association, limits: Limits) -> Sequence[Event]:
    """A report that its receiver could not use."""
    name, _ = _transfer_set(seen, association, limits)
    return (Event("report-nack", f"a report of {name or 'a transfer set'} was refused", name),)


def _origin(
    seen: Seen, association: Association, limits: Limits, name: str, transfer_set: Known | None
) -> Sequence[Event]:
    """Whether there is such a transfer set, running, at the side that reports."""
    if transfer_set is not None:
        data_set, side, running = transfer_set.value
        if side != seen.direction:
            return (_wrong_direction(seen, name),)
        if not running and not data_set:  # one that was stopped may have had a report under way
            return _unknown(f"transfer set {name}, which was not started", name, association, limits)
        return NONE
    if name:
        return _unknown(f"transfer set {name}", name, association, limits)
    return _unnamed(seen, association, limits)


def _unnamed(seen: Seen, association: Association, limits: Limits) -> Sequence[Event]:
    """A report that does not name its transfer set: some set must have been started that could send it."""
    assert seen.part is not None
    access = seen.part.access
    data_set = access.objects[0] if access.by_list and access.objects else None
    sides = {
        it.value[1]
        for it in association.known.values()
        if it.kind is Kind.TRANSFER_SET and any(it.value[::2]) and (data_set is None or it.value[0] in ("", data_set))
    }
    if seen.direction in sides:
        return NONE
    what = data_set or "a list of variables"
    if sides:
        return (_wrong_direction(seen, what),)
    return _unknown(f"no transfer set for {what}", what, association, limits)


def _unknown(what: str, key: str, association: Association, limits: Limits) -> Sequence[Event]:
    """An event, unless the start may have been missed or could not be remembered."""
    if association.flags & MIDSTREAM or len(association.known) >= limits.names:
        return NONE
    return (Event("report-unknown-transfer-set", what, key),)


def _wrong_direction(seen: Seen, name: str) -> Event:
    return Event("report-wrong-direction", f"{_SIDES[seen.direction]} about {name}, which is the other's", name)


def _count(seen: Seen, association: Association) -> Event | None:
    """Values unlike in number to the data set's members, or to the variables listed."""
    assert seen.part is not None
    access = seen.part.access
    if not access.objects:
        return None
    expected = len(_members(access.objects[0], association) if access.by_list else access.objects)
    values = count(seen.octets, *access.data)
    if values is None or values == expected or not expected:
        return None
    what = access.objects[0] if access.by_list else "a list"
    return Event("report-member-count", f"{values} values for the {expected} members of {what}", what)


def _strangers(seen: Seen, association: Association, transfer_set: Known | None) -> Event | None:
    """A report by exception of variables that its data set does not have."""
    assert seen.part is not None
    if transfer_set is None or seen.part.access.by_list:
        return None
    data_set: str = transfer_set.value[0]
    members = set(_members(data_set, association))
    if not members:
        return None
    for name in seen.part.access.objects:
        if name not in members and item_of(name) not in PROOFS:
            return Event("report-member-count", f"{name} is no member of {data_set}", data_set)
    return None


def _members(data_set: str, association: Association) -> list[str]:
    """The members of a data set; none if they are not known."""
    known = association.known.get(data_set)
    return known.value if known is not None and known.kind is Kind.DATA_SET else []


def _transfer_set(seen: Seen, association: Association, limits: Limits) -> tuple[str, Known | None]:
    """The transfer set that the first value names (empty if it names none), and what is known of it."""
    assert seen.part is not None
    names = _names(seen.octets, *seen.part.access.data, limits.name_bytes)
    for name in names:
        known = association.known.get(name)
        if known is not None and known.kind is Kind.TRANSFER_SET:
            return name, known
    return (names[0], None) if names else ("", None)


def _names(octets: Octets, start: int, stop: int, octets_max: int) -> tuple[str, ...]:
    """What a name with its scope can mean; peers fill the domain in for objects of the VMD, too."""
    value = first(octets, start, stop)
    if value is None or value[0] != STRUCTURE:
        return ()
    members = inside(octets, value[1], value[2])
    if bytes(tag & 0xFF for tag, _, _ in members) not in SCOPED_NAMES:
        return ()
    domain, item = (octets[begin:end][:octets_max].decode("ascii", "backslashreplace") for _, begin, end in members[1:])
    return (f"{domain}/{item}", item, f"@/{item}") if domain else (item, f"@/{item}")
