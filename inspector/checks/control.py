"""Control of devices (IEC 60870-6-503, Block 5): operate without select, sweeps, toggling, tags.

A device that allows an operate only after a select is selected by reading <device>_SBO and operated by writing
<device>, once. Which names are devices the association's memory knows; a write of several objects operates those
among them.
"""

from collections.abc import Iterator, Sequence

from inspector import apps
from inspector.checks.base import EVENTS_MAX, NONE
from inspector.limits import Limits
from inspector.results import Direction, Event
from inspector.seen import Seen
from inspector.state import DETECTED, Association, Device
from inspector.tase2 import SELECT_SUFFIX, TAG_SUFFIX, Kind
from inspector.watch import Watch

_STATES = {Device.KNOWN: "not selected", Device.ASKED: "the select is not answered yet"}


def select(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """A read of <device>_SBO."""
    if seen.part is None or not association.flags & DETECTED:
        return NONE
    devices = [it[: -len(SELECT_SUFFIX)] for it in seen.part.access.objects if it.endswith(SELECT_SUFFIX)]
    return [Event("control-sweep", f"select of {it}", it) for it in devices[:EVENTS_MAX]]


def write(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """A write to devices and tags."""
    if seen.part is None or not association.flags & DETECTED:
        return NONE
    events = [
        Event("tag-change", f"tag of {it[: -len(TAG_SUFFIX)]} set", it[: -len(TAG_SUFFIX)])
        for it in seen.part.access.objects[:EVENTS_MAX]
        if it.endswith(TAG_SUFFIX)
    ]
    used: set[str] = set()
    for device in _operated(seen, association):
        lacking = "operated twice" if device in used else _lacking(device, seen.direction, association)
        used.add(device)
        if lacking:
            events.append(Event("operate-without-select", f"operate of {device}: {lacking}", device))
        events.append(Event("control-sweep", f"operate of {device}", device))
        events.append(Event("control-toggle", f"operate of {device}", device))
        if len(events) >= EVENTS_MAX:
            break
    return events


def foreign_select(seen: Seen, association: Association, watch: Watch, peer: str, server: str) -> Sequence[Event]:
    """An operate on a device that another client has selected. A server's controls are of its client's own devices."""
    if seen.part is None or seen.direction is not Direction.CLIENT_TO_SERVER or not association.flags & DETECTED:
        return NONE
    events: list[Event] = []
    for device in _operated(seen, association):
        holder = watch.selected_by(device, seen.now_ms, server)
        if holder is not None and holder != peer and len(events) < EVENTS_MAX:
            events.append(Event("operate-foreign-select", f"operate of {device}, which {holder} has selected", device))
    return events


def _operated(seen: Seen, association: Association) -> Iterator[str]:
    """The devices that a write acts on, those in a data set written as a whole among them."""
    assert seen.part is not None
    objects: Sequence[str] = seen.part.access.objects
    known = association.known
    if seen.part.access.by_list and objects:
        data_set = known.get(objects[0])
        objects = data_set.value if data_set is not None and data_set.kind is Kind.DATA_SET else ()
    devices = [name for name in objects if (it := known.get(name)) is not None and it.kind is Kind.DEVICE]
    if not devices and seen.naming is apps.OPERATE:  # a control by the policy's table, which memory need not know
        devices = list(objects[:1])
    yield from devices


def _lacking(device: str, direction: int, association: Association) -> str:
    """What an operate lacks; nothing if the device was selected the same way."""
    it = association.known.get(device)
    if it is None or it.kind is not Kind.DEVICE:
        return _STATES[Device.KNOWN]
    state, selector, _ = it.value
    if state == Device.SELECTED:
        return "" if selector == direction else "selected from the other side"
    return _STATES.get(state, _STATES[Device.KNOWN])
