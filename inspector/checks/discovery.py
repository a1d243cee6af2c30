"""Looking around: listing names, asking for types and members, reading what nobody told of; and failing at it.

What every client does at start-up (Bilateral_Table_ID and the like) and identify, the usual keepalive, do not count.
"""

from collections.abc import Sequence

from inspector import answers, services
from inspector.checks.base import EVENTS_MAX, NONE
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.results import Event
from inspector.seen import Seen
from inspector.state import Association
from inspector.tase2 import PROOFS, READS, SELECT_SUFFIX, item_of

WHOLE_VMD = "(vmd)"
"""The key of an enumeration that is not of one domain."""
_EXPECTED = frozenset((*READS, *PROOFS))

_REFUSALS = frozenset(("object-access-denied", "object-undefined", "object-non-existent"))
"""Data access errors that guessing meets."""
_ERROR_CLASS = "access"
_UNDEFINED = answers.ServiceError("definition", "object-undefined")


def listing(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """A request for names, capabilities, a type or the members of a list."""
    if seen.part is None or seen.part.mms is None:
        return NONE
    service = services.CONFIRMED_SERVICES[seen.part.mms.service or 0]
    scope = seen.part.access.objects[0] if seen.part.access.objects else WHOLE_VMD
    return (Event("enumeration", f"{service} of {scope}", scope),)


def read(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """A read of objects of which nothing is known."""
    if seen.part is None:
        return NONE
    known = association.known
    found = []
    for name in seen.part.access.objects:
        if name in known or item_of(name) in _EXPECTED or name.endswith(SELECT_SUFFIX):
            continue
        found.append(Event("enumeration", f"read of {name}", name))
        if len(found) == EVENTS_MAX:
            break
    return found


def failed_results(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """Objects in a read or write response that are not there, or not for this peer."""
    if seen.part is None or seen.part.mms is None:
        return NONE
    try:
        errors = answers.results(seen.octets, seen.part.mms).errors
    except DecodeError:
        return NONE
    if not errors:
        return NONE
    name = "" if seen.call is None else seen.call.object
    refused = [
        (name if name and not index else f"object {index + 1}", why) for index, why in errors if why in _REFUSALS
    ]
    return [Event("access-error", f"{why}: {what}", what) for what, why in refused[:EVENTS_MAX]]


def error(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """A confirmed error of class access, or for an object that is not defined."""
    if seen.part is None or seen.part.mms is None:
        return NONE
    try:
        found = answers.error(seen.octets, seen.part.mms)
    except DecodeError:
        return NONE
    if found is None or (found.error_class != _ERROR_CLASS and found[:2] != _UNDEFINED[:2]):
        return NONE
    what = "" if seen.call is None else seen.call.object
    return (Event("access-error", f"{found.code}: {what or 'what was asked for'}", what),)
