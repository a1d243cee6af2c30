"""The order and the bounds that the peers agreed on: initiate first, invoke IDs, sizes, contexts."""

from collections.abc import Sequence

from inspector.checks.base import NONE, SIDES
from inspector.limits import Limits
from inspector.results import Direction, Event
from inspector.seen import Seen
from inspector.state import BARE, INITIATED, MIDSTREAM, OSI, Association

MIDSTREAM_PDUS = 64
"""PDUs of one direction among which answers to requests from before the first octet seen are no surprise."""

_SENDERS = {"CR": Direction.CLIENT_TO_SERVER, "CC": Direction.SERVER_TO_CLIENT}


def connection(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """CR and CC come once each, first of all that their senders say (X.224, clause 6.5)."""
    name, direction = seen.cotp, seen.direction
    if direction != _SENDERS[name]:
        why = f"{name} from the {SIDES[direction]}"
    elif association.flags & (BARE | OSI) or association.pdus[direction]:
        why = f"{name} within a connection"
    else:
        return NONE
    return (Event("cotp-unexpected", why, name),)


def context(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """A value whose presentation context is another's, or nobody's."""
    part = seen.part
    if part is None or part.in_context:
        return NONE
    what = "ACSE" if part.acse is not None else "MMS"
    return (Event("wrong-context", f"{what} in presentation context {part.context}", str(part.context)),)


def before_initiate(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """Nothing but initiate may be said before it has been answered (ISO 9506-2, clause 8)."""
    if association.flags & (INITIATED | MIDSTREAM) or seen.part is None or seen.part.mms is None:
        return NONE
    kind = seen.part.mms.kind
    return (Event("pdu-before-initiate", f"{kind} from the {SIDES[seen.direction]}", kind),)


def too_large(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """An MMS PDU over what its receiver said it can take (localDetail of initiate)."""
    side = SIDES[1 - seen.direction]
    most = association.facts.get(f"pdu.{side}")
    if not isinstance(most, int) or seen.tsdu_bytes <= most or not most or seen.part is None or seen.part.mms is None:
        return NONE
    size = seen.part.mms.stop - seen.part.start
    if size <= most:
        return NONE
    return (Event("pdu-too-large", f"over {size} octets, and the {side} takes {most}", side),)


def orphan(seen: Seen, association: Association, limits: Limits) -> Sequence[Event]:
    """An answer to no request that is known to be open."""
    if seen.call is not None or seen.part is None or seen.part.mms is None:
        return NONE
    if association.flags & MIDSTREAM and association.pdus[seen.direction] < MIDSTREAM_PDUS:
        return NONE
    if len(association.calls[1 - seen.direction]) >= limits.calls:
        return NONE  # its request may have been forgotten
    pdu = seen.part.mms
    return (Event("orphan-invoke-id", f"{pdu.kind} to no request, invoke ID {pdu.invoke_id}", str(pdu.invoke_id)),)


def duplicate(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """A request under the invoke ID of one that is not answered yet."""
    if seen.part is None or seen.part.mms is None:
        return NONE
    invoke_id = seen.part.mms.invoke_id
    if invoke_id not in association.calls[seen.direction]:
        return NONE
    return (Event("duplicate-invoke-id", f"invoke ID {invoke_id} is not answered yet", str(invoke_id)),)


def outstanding(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """A request beyond what the peers agreed to have open.

    Stacks differ in whose requests "calling" and "called" bound in initiate, so the larger number counts for both.
    """
    calls = len(association.calls[seen.direction]) + 1
    if calls == 1:
        return NONE
    agreed = [it for side in SIDES if isinstance(it := association.facts.get(f"outstanding.{side}"), int) and it]
    if not agreed or calls <= max(agreed):
        return NONE
    side = SIDES[seen.direction]
    return (Event("too-many-outstanding", f"{calls} requests of the {side} open, agreed on {max(agreed)}", side),)
