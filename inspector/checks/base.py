"""What all checks have in common: their shape, and a walk over values that never raises."""

from collections.abc import Callable, Sequence

from inspector import ber
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.results import Event
from inspector.seen import Seen
from inspector.state import Association
from inspector.watch import Watch

Check = Callable[[Seen, Association, Limits], Sequence[Event]]
"""Looks at one PDU before the association's memory learns from it. Changes nothing, raises nothing."""
WatchedCheck = Callable[[Seen, Association, Watch, str, str], Sequence[Event]]
"""Likewise, with what is remembered of peers beyond this session, the peer's name and the server's."""

NONE: tuple[Event, ...] = ()
EVENTS_MAX = 64
"""Events of one check for one PDU; a sweep over more objects is one all the same."""
SIDES = ("client", "server")
"""As the association's facts call them, by direction."""

Item = tuple[int, int, int]


def inside(octets: Octets, start: int, stop: int) -> list[Item]:
    """The values side by side in `octets[start:stop]`; none if these are no values (a primitive's contents)."""
    try:
        return ber.children(octets, start, stop)
    except DecodeError:
        return []


def first(octets: Octets, start: int, stop: int) -> Item | None:
    """The first value in `octets[start:stop]`, if there is one."""
    try:
        return ber.header(octets, start, stop)
    except DecodeError:
        return None


def count(octets: Octets, start: int, stop: int) -> int | None:
    """How many values stand side by side in `octets[start:stop]`; None if these are no values.

    Reports pay for this: one loop, and no call for the usual short header.
    """
    found = 0
    while start < stop:
        if start + 1 < stop and octets[start] & ber.LONG_TAG != ber.LONG_TAG and octets[start + 1] < 0x80:
            start += 2 + octets[start + 1]
        else:
            item = first(octets, start, stop)
            if item is None:
                return None
            start = item[2]
        found += 1
    return found if start == stop else None
