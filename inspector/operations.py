"""What TASE.2 operations and their answers say, fit for JSON: reports and their points, transfer sets, commands, tags.

A part of details.py: for whoever looks at a capture, never for the relay.
"""

from collections.abc import Callable, Iterator
from typing import Any

from inspector import answers, apps, ber, services, values
from inspector.ber import Octets
from inspector.decoder import Part
from inspector.mms import MmsPdu
from inspector.seen import Seen

Fields = dict[str, Any]
Item = tuple[int, int, int]


def without_blanks(fields: Fields) -> Fields:
    """Without what was left out."""
    return {key: value for key, value in fields.items() if value not in (None, (), [], {})}


def describe(seen: Seen) -> Fields:
    """What the operation of a request or report, or the answer to one, says. Raises DecodeError."""
    part = seen.part
    pdu = None if part is None else part.mms
    if part is None or pdu is None:
        return {}
    if seen.naming is not None and seen.naming.operation is not None:
        read = _OPERATIONS.get(seen.naming.number)
        return {} if read is None else read(seen.octets, part)
    if seen.call is not None and pdu.kind == services.CONFIRMED_RESPONSE:
        answer = _ANSWERS.get(seen.call.number)
        return {} if answer is None else answer(seen.octets, pdu)
    return {}


def _report(octets: Octets, part: Part) -> Fields:
    """A transfer report: whose it is, why it was sent, and its points beside their names, as far as it gives them."""
    told: Fields = {"data_set": part.access.objects[0] if part.access.by_list and part.access.objects else None}
    names: tuple[str, ...] = () if part.access.by_list else part.access.objects
    points = []
    for at, item in enumerate(_items(octets, part)):
        scoped = _scoped(octets, item)
        if scoped is not None and "transfer_set" not in told:
            told["transfer_set"] = scoped
        elif "conditions" not in told and (conditions := _conditions(octets, item)):
            told["conditions"] = list(conditions)
        else:
            points.append(_point(octets, item, names[at] if at < len(names) else None))
    told["points"] = [it for it in points if it]
    return told


def _items(octets: Octets, part: Part) -> Iterator[Item]:
    """The first of the values that are written or reported."""
    pos, end = part.access.data
    for _ in range(values.MEMBERS_MAX):
        if pos >= end:
            return
        item = ber.header(octets, pos, end)
        yield item
        pos = item[2]


def _conditions(octets: Octets, item: Item) -> tuple[str, ...]:
    """DSConditions are five bits; flags, of the same type, are eight."""
    tag, start, stop = item
    if tag != values.BIT_STRING or stop - start != 2 or octets[start] != 8 - len(values.CONDITIONS):
        return ()
    return values.conditions(octets, item)


def _point(octets: Octets, item: Item, name: str | None) -> Fields:
    found = values.point(octets, item)
    if found is None:
        return without_blanks({"name": name})
    return without_blanks(
        {
            "name": name,
            "value": values.finite(found.value),
            "flags": None if found.flags is None else values.describe_flags(found.flags),
            "time": None if found.time is None else values.iso_time(found.time * 1000),
        }
    )


def _scoped(octets: Octets, item: Item) -> str | None:
    """A name with its scope: {scope, domain, item}."""
    tag, start, stop = item
    if tag != values.STRUCTURE:
        return None
    members = ber.children(octets, start, stop)
    if [it[0] for it in members[1:]] != [values.VISIBLE_STRING] * 2:
        return None
    if members[0][0] not in (values.INTEGER, values.UNSIGNED):
        return None
    domain, name = (values.text(octets, first, last) for _, first, last in members[1:])
    return f"{domain}/{name}" if domain else name


_TRANSFER_SET = (
    *("DataSetName", "StartTime", "Interval", "TLE", "BufferTime", "IntegrityCheck", "DSConditionsRequested"),
    *("BlockData", "Critical", "RBE", "AllChangesReported", "Status", "EventCodeRequested"),
)
"""The members of a DSTransferSet of the 2000-08 edition; that of 1996-08 has no AllChangesReported."""
_TRANSFER_SETS = {13: _TRANSFER_SET, 12: tuple(name for name in _TRANSFER_SET if name != "AllChangesReported")}


def _transfer(octets: Octets, part: Part) -> Fields:
    """Start or stop transfer: the transfer set, and what is asked of it."""
    told: Fields = {"transfer_set": part.access.objects[0] if part.access.objects else None}
    for tag, start, stop in _items(octets, part):
        members = ber.children(octets, start, stop) if tag == values.STRUCTURE else []
        names = _TRANSFER_SETS.get(len(members))
        if names is None:
            break
        told["data_set"] = _scoped(octets, members[0])
        shown = dict(zip(names, values.show(octets, start, stop), strict=False))
        del shown["DataSetName"]
        shown["DSConditionsRequested"] = list(values.conditions(octets, members[6]))
        told["parameters"] = shown
        break
    return told


def _create(_octets: Octets, part: Part) -> Fields:
    name, *members = part.access.objects or ("",)
    return {"data_set": name, "total": len(members), "members": members[: values.MEMBERS_MAX]}


def _command(octets: Octets, part: Part) -> Fields:
    return {"command": values.finite(values.number(octets, *part.access.data))}


def _written_tag(octets: Octets, part: Part) -> Fields:
    return _tag(octets, *part.access.data)


def _read_tag(octets: Octets, pdu: MmsPdu) -> Fields:
    return _tag(octets, *answers.result_span(octets, pdu))


def _tag(octets: Octets, start: int, stop: int) -> Fields:
    found = values.tag(octets, start, stop)
    return {} if found is None else {"tag": found[0], "reason": found[1]}


def _message(octets: Octets, part: Part) -> Fields:
    """An information message: {InfoReference, LocalReference, MessageId, size} and its octets, which are not shown."""
    items = list(_items(octets, part))
    if not items or items[0][0] != values.STRUCTURE:
        return {}
    numbers = values.show(octets, items[0][1], items[0][2])
    fields = ("info_reference", "local_reference", "message_id", "size")
    return dict(zip(fields, numbers, strict=False))


def _acknowledged(octets: Octets, part: Part) -> Fields:
    for item in _items(octets, part):
        return {"transfer_set": _scoped(octets, item)}
    return {}


def _version(octets: Octets, pdu: MmsPdu) -> Fields:
    found = answers.version(octets, pdu)
    return {} if found is None else {"version": f"{found[0]}-{found[1]:02}"}


def _features(octets: Octets, pdu: MmsPdu) -> Fields:
    return {"blocks": list(answers.features(octets, pdu) or ())}


def _offered(octets: Octets, pdu: MmsPdu) -> Fields:
    start, stop = answers.result_span(octets, pdu)
    item = ber.header(octets, start, stop) if start < stop else None
    return {"transfer_set": None if item is None else _scoped(octets, item)}


def _read_points(octets: Octets, pdu: MmsPdu) -> Fields:
    """The points that were read; anything else that was read is under `mms` as it is."""
    pos, end = answers.result_span(octets, pdu)
    points: list[Fields] = []
    while pos < end and len(points) < values.MEMBERS_MAX:
        item = ber.header(octets, pos, end)
        points.append(_point(octets, item, None))
        pos = item[2]
    return {"points": points} if any(points) else {}


_OPERATIONS: dict[int, Callable[[Octets, Part], Fields]] = {
    apps.TRANSFER_REPORT.number: _report,
    apps.REPORT_ACK.number: _acknowledged,
    apps.REPORT_NACK.number: _acknowledged,
    apps.INFORMATION_MESSAGE.number: _message,
    apps.START_TRANSFER.number: _transfer,
    apps.STOP_TRANSFER.number: _transfer,
    apps.CREATE_DATA_SET.number: _create,
    apps.OPERATE.number: _command,
    apps.SET_VALUE.number: _command,
    apps.SET_TAG.number: _written_tag,
}
_ANSWERS: dict[int, Callable[[Octets, MmsPdu], Fields]] = {
    apps.GET_VERSION.number: _version,
    apps.GET_FEATURES.number: _features,
    apps.GET_NEXT_DS.number: _offered,
    apps.GET_TAG.number: _read_tag,
    apps.GET_VALUE.number: _read_points,
    apps.GET_DATA_SET_VALUES.number: _read_points,
}
