"""The points that a PDU reports and that the policy has limits for.

Signatures cannot tell false data from true: only who runs the plant knows what a value can be. Whether it is that is
for `inspector.policy.Points.judge` to say, which also counts how often a point is reported.
"""

from collections.abc import Callable, Iterator, Sequence

from inspector import answers, apps, services, values
from inspector.ber import Octets
from inspector.checks.base import Item, inside
from inspector.errors import DecodeError
from inspector.mms import MmsPdu
from inspector.policy.points import PointLimit, Reported
from inspector.seen import Seen
from inspector.state import Association, Call
from inspector.tase2 import Kind

Limit = Callable[[str], PointLimit | None]
"""What a point may be, by its name; None if that was not said."""


def reported(seen: Seen, association: Association, limit: Limit) -> list[Reported]:
    """The points in a report or in the response to a read that have limits, with what they are said to be."""
    found = []
    for name, item in _named_values(seen, association):
        if limit(name) is None:
            continue
        point = _point(seen.octets, item)
        if point is not None:
            found.append(Reported(name, point.value, point.quality))
    return found


def _point(octets: Octets, item: Item) -> values.Point | None:
    try:
        return values.point(octets, item)
    except DecodeError:
        return None


def _named_values(seen: Seen, association: Association) -> Iterator[tuple[str, Item]]:
    """Values beside the names they belong to; nothing if they cannot be told apart."""
    part = seen.part
    if part is None or part.mms is None:
        return iter(())
    if part.mms.kind == services.UNCONFIRMED:
        access = part.access
        names = _members(access.objects[0], association) if access.by_list and access.objects else access.objects
        return _together(names, inside(seen.octets, *access.data))
    if part.mms.kind == services.CONFIRMED_RESPONSE and part.mms.service == services.READ and seen.call is not None:
        return _read(seen.octets, part.mms, seen.call, association)
    return iter(())


def _read(octets: Octets, pdu: MmsPdu, call: Call, association: Association) -> Iterator[tuple[str, Item]]:
    try:
        results = inside(octets, *answers.result_span(octets, pdu))
    except DecodeError:
        return iter(())
    if call.number == apps.GET_DATA_SET_VALUES.number:
        return _together(_members(call.object, association), results)
    return _together((call.object,), results[:1]) if call.object else iter(())


def _members(name: str, association: Association) -> Sequence[str]:
    known = association.known.get(name)
    return known.value if known is not None and known.kind is Kind.DATA_SET else ()


def _together(names: Sequence[str], items: list[Item]) -> Iterator[tuple[str, Item]]:
    return zip(names, items, strict=True) if len(names) == len(items) else iter(())
