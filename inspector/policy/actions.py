"""What a policy answers."""

from collections.abc import Callable
from typing import NamedTuple

from inspector.results import Action, Event

Hit = Callable[[str, float, int], int]
"""`hit(key, seconds, most)`: counts one more of a key within so many seconds, up to `most`; how many there are with
it, 0 beyond the most."""

EVENTS_MAX = 8
"""Events of one PDU; one that names a thousand objects is not told of a thousand times."""


class Judgement(NamedTuple):
    """What is to become of a PDU or a session, and why."""

    action: Action
    events: tuple[Event, ...] = ()
    why: str = ""
    """The first event's words; empty if all is well."""


ALLOWED = Judgement(Action.PASS)


def told(action: Action, code: str, why: str, key: str) -> Judgement:
    """A judgement with one event; what simply passes is not told of."""
    if action is Action.PASS:
        return ALLOWED
    return Judgement(action, (Event(code, why, key),), why)


def worst(judgements: list[Judgement]) -> Judgement:
    """All of them as one: the highest action, every event."""
    if len(judgements) < 2:
        return judgements[0] if judgements else ALLOWED
    events = tuple(event for each in judgements for event in each.events)[:EVENTS_MAX]
    first = max(judgements, key=lambda each: each.action)
    return Judgement(first.action, events, first.why)
