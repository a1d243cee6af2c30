"""Writes that the policy does not allow, and that succeeded."""

from collections.abc import Sequence

from inspector.checks.base import NONE, inside
from inspector.limits import Limits
from inspector.results import Event
from inspector.seen import Seen
from inspector.state import UNPERMITTED, Association

SUCCESS = 0x81
"""In a write response: success [1]; a failure is [0] (ISO 9506-2, Write-Response)."""


def succeeded(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """A positive response to a write that was let through only to be told of."""
    call = seen.call
    if call is None or not call.flags & UNPERMITTED or seen.part is None or seen.part.mms is None:
        return NONE
    results = inside(seen.octets, seen.part.mms.start, seen.part.mms.stop)
    done = sum(tag == SUCCESS for tag, _, _ in results)
    if not done:
        return NONE
    what = call.object or "an object"
    return (Event("write-succeeded", f"{done} of {len(results)} written, {what} first of them", call.object),)
