"""All that a PDU says, in one mapping fit for JSON: for whoever looks at a capture, never for the relay.

One key a layer (`cotp`, `session`, `presentation`, `acse`, `mms`, `tase2`), each only if there is something to say.
Selectors and octets are in hex, object identifiers dotted, codes by name where they have one. Lists are cut at bounds
that values.py and answers.py give. A part that cannot be read is told of under `undecodable` instead of raising.
"""

from collections.abc import Callable, Iterator
from typing import Any

from inspector import acse, answers, apps, ber, cotp, initiate, presentation, services, session, values
from inspector.ber import Octets
from inspector.decoder import Part
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.mms import MmsPdu
from inspector.seen import Seen

NAMES_MAX = values.MEMBERS_MAX
_LIMITS = Limits()

Fields = dict[str, Any]
Item = tuple[int, int, int]


def describe(seen: Seen) -> Fields:
    """What a PDU says, by layer. Never raises."""
    found: Fields = {}
    for layer, read in _LAYERS.items():
        try:
            said = _said(read(seen))
        except DecodeError as error:
            said = {"undecodable": f"{error.code}: {error.detail}"}
        if said:
            found[layer] = said
    return found


def _said(fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if value not in (None, (), [], {})}


def _hex(octets: bytes | None) -> str | None:
    return None if octets is None else octets.hex()


# --- below MMS


def _cotp(seen: Seen) -> Fields:
    connection = seen.connection
    if connection is None:
        return {}
    names = cotp.CAUSES if connection.name == "ER" else cotp.REASONS
    return {
        "source_ref": connection.source_ref,
        "destination_ref": connection.destination_ref,
        "tpdu_octets": connection.tpdu_octets,
        "calling_tsap": _hex(connection.calling_tsap),
        "called_tsap": _hex(connection.called_tsap),
        "reason": _named(names, connection.reason),
    }


def _named(names: dict[int, str], number: int | None) -> str | None:
    return None if number is None else names.get(number, str(number))


def _session(seen: Seen) -> Fields:
    if seen.part is None or seen.part.spdu is None:
        return {}
    said = seen.part.spdu.parameters
    return {
        **said._asdict(),
        "calling_selector": _hex(said.calling_selector),
        "called_selector": _hex(said.called_selector),
        "reason": _named(session.REASONS, said.reason),
    }


def _presentation(seen: Seen) -> Fields:
    if seen.part is None:
        return {}
    context = seen.part.context
    if seen.part.ppdu is None:
        return {"context": context}
    said = seen.part.ppdu.parameters
    names = presentation.ABORTS if seen.part.ppdu.name == "ARP" else presentation.REFUSALS
    return {
        "context": context,
        "calling_selector": _hex(said.calling_selector),
        "called_selector": _hex(said.called_selector),
        "responding_selector": _hex(said.responding_selector),
        "contexts": [it._asdict() for it in said.proposals or ()],
        "results": [_named(presentation.RESULTS, it) for it in said.results or ()],
        "deleted": list(said.deleted),
        "reason": _named(names, said.reason),
    }


def _acse(seen: Seen) -> Fields:
    apdu = None if seen.part is None else seen.part.acse
    if apdu is None:
        return {}
    said = apdu._asdict()
    for key in ("name", "start", "stop"):
        del said[key]
    said["authenticated"] = apdu.authenticated or None
    said["result"] = _named(acse.RESULTS, apdu.result)
    said["diagnostic"] = _diagnostic(apdu)
    said["reason"] = _named(acse.RELEASES.get(apdu.name, {}), apdu.reason)
    said["abort_source"] = _named(acse.ABORT_SOURCES, apdu.abort_source)
    return said


def _diagnostic(apdu: acse.Apdu) -> str | None:
    if apdu.diagnostic is None:
        return None
    if apdu.name == "ABRT":
        return _named(acse.ABORT_DIAGNOSTICS, apdu.diagnostic)
    return services.named(acse.DIAGNOSTICS.get(apdu.source or "", ()), apdu.diagnostic)


# --- MMS


def _mms(seen: Seen) -> Fields:
    part = seen.part
    pdu = None if part is None else part.mms
    if part is None or pdu is None:
        return {}
    if pdu.kind in ("initiate-request", "initiate-response"):
        return _initiate(seen.octets, pdu)
    if pdu.kind == services.CONFIRMED_RESPONSE:
        read = _RESPONSES.get(pdu.service or 0)
        return {} if read is None else read(seen.octets, pdu)
    if pdu.kind in (services.CONFIRMED_REQUEST, services.UNCONFIRMED):
        return _request(seen.octets, part, pdu)
    return _failure(seen.octets, pdu)


def _initiate(octets: Octets, pdu: MmsPdu) -> Fields:
    said = initiate.decode(octets, pdu.start, pdu.stop)
    return {
        **said._asdict(),
        "parameter_cbb": said.parameter_cbb.hex(),
        "services": said.services.hex(),
        "parameters": _bits(initiate.PARAMETERS, said.parameter_cbb),
        "supported": _bits((*services.CONFIRMED_SERVICES[:78], *initiate.OTHER_SERVICES), said.services),
    }


def _bits(names: tuple[str, ...], bits: bytes) -> list[str]:
    return [name for bit, name in enumerate(names[: len(bits) * 8]) if name and bits[bit // 8] & 0x80 >> bit % 8]


def _failure(octets: Octets, pdu: MmsPdu) -> Fields:
    error = answers.error(octets, pdu)
    rejected = answers.rejection(octets, pdu)
    return {
        "error": None if error is None else str(error),
        "additional_code": None if error is None else error.additional_code,
        "description": None if error is None else error.description,
        "reject": None if rejected is None else ": ".join(rejected),
    }


def _request(octets: Octets, part: Part, pdu: MmsPdu) -> Fields:
    if pdu.service == services.ADDITIONAL_SERVICE and pdu.kind == services.CONFIRMED_REQUEST:
        return _additional(octets, pdu)
    said: Fields = {"values": values.show(octets, *part.access.data)}
    if part.access.object_class is not None:
        said["object_class"] = services.named(services.OBJECT_CLASSES, part.access.object_class)
    if pdu.service == services.STATUS + 1 and pdu.kind == services.UNCONFIRMED:
        said["status"] = answers.status(octets, pdu)
    return said


def _additional(octets: Octets, pdu: MmsPdu) -> Fields:
    if pdu.start == pdu.stop:
        return {}
    tag = ber.header(octets, pdu.start, pdu.stop)[0]
    return {"additional_service": services.named(services.ADDITIONAL_SERVICES, tag & 0x1F)}


def _results(octets: Octets, pdu: MmsPdu) -> Fields:
    found = answers.results(octets, pdu)
    said: Fields = {
        "results": found.total,
        "failed": found.failed or None,
        "errors": [{"at": at, "error": error} for at, error in found.errors],
    }
    if pdu.service == services.READ:
        said["values"] = _read_values(octets, pdu)
        said["specification"] = list(answers.specification(octets, pdu, _LIMITS)[:NAMES_MAX])
    return said


def _read_values(octets: Octets, pdu: MmsPdu) -> list[Any]:
    """What was read; an error where there is no value."""
    start, stop = answers.result_span(octets, pdu)
    errors = dict(answers.results(octets, pdu).errors)
    shown = values.show(octets, start, stop)
    return [{"error": errors[at]} if at in errors else value for at, value in enumerate(shown)]


def _names(octets: Octets, pdu: MmsPdu) -> Fields:
    found = answers.names(octets, pdu)
    return {"total": found.total, "names": list(found.identifiers), "more_follows": found.more_follows}


def _counts(octets: Octets, pdu: MmsPdu) -> Fields:
    return answers.counts(octets, pdu)._asdict()


def _identity(octets: Octets, pdu: MmsPdu) -> Fields:
    return answers.identity(octets, pdu)._asdict()


def _status(octets: Octets, pdu: MmsPdu) -> Fields:
    return {"status": answers.status(octets, pdu)}


def _files(octets: Octets, pdu: MmsPdu) -> Fields:
    found = answers.files(octets, pdu)
    return {
        "total": found.total,
        "files": [_said(it._asdict()) for it in found.files],
        "more_follows": found.more_follows,
    }


def _opened(octets: Octets, pdu: MmsPdu) -> Fields:
    found = answers.opened(octets, pdu)
    return {} if found is None else {"frsm": found[0], "size": found[1], "modified": found[2]}


def _members(octets: Octets, pdu: MmsPdu) -> Fields:
    found = answers.members(octets, pdu, _LIMITS)
    return {
        "deletable": answers.deletable(octets, pdu),
        "total": len(found),
        "members": found[:NAMES_MAX],
    }


def _attributes(octets: Octets, pdu: MmsPdu) -> Fields:
    return {"deletable": answers.deletable(octets, pdu), "type": answers.type_of(octets, pdu)}


# --- TASE.2


def _tase2(seen: Seen) -> Fields:
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
    said: Fields = {"data_set": part.access.objects[0] if part.access.by_list and part.access.objects else None}
    names: tuple[str, ...] = () if part.access.by_list else part.access.objects
    points = []
    for at, item in enumerate(_items(octets, part)):
        scoped = _scoped(octets, item)
        if scoped is not None and "transfer_set" not in said:
            said["transfer_set"] = scoped
        elif "conditions" not in said and (conditions := _conditions(octets, item)):
            said["conditions"] = list(conditions)
        else:
            points.append(_point(octets, item, names[at] if at < len(names) else None))
    said["points"] = [it for it in points if it]
    return said


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
        return _said({"name": name})
    return _said(
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
    said: Fields = {"transfer_set": part.access.objects[0] if part.access.objects else None}
    for tag, start, stop in _items(octets, part):
        members = ber.children(octets, start, stop) if tag == values.STRUCTURE else []
        names = _TRANSFER_SETS.get(len(members))
        if names is None:
            break
        said["data_set"] = _scoped(octets, members[0])
        shown = dict(zip(names, values.show(octets, start, stop), strict=False))
        del shown["DataSetName"]
        shown["DSConditionsRequested"] = list(values.conditions(octets, members[6]))
        said["parameters"] = shown
        break
    return said


def _create(_octets: Octets, part: Part) -> Fields:
    name, *members = part.access.objects or ("",)
    return {"data_set": name, "total": len(members), "members": members[:NAMES_MAX]}


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


_LAYERS: dict[str, Callable[[Seen], Fields]] = {
    "cotp": _cotp,
    "session": _session,
    "presentation": _presentation,
    "acse": _acse,
    "mms": _mms,
    "tase2": _tase2,
}
_RESPONSES: dict[int, Callable[[Octets, MmsPdu], Fields]] = {
    services.STATUS: _status,
    services.GET_NAME_LIST: _names,
    services.IDENTIFY: _identity,
    services.GET_VARIABLE_ACCESS_ATTRIBUTES: _attributes,
    services.READ: _results,
    services.WRITE: _results,
    services.DELETE_VARIABLE_ACCESS: _counts,
    services.DELETE_NAMED_VARIABLE_LIST: _counts,
    services.DELETE_NAMED_TYPE: _counts,
    services.GET_NAMED_VARIABLE_LIST_ATTRIBUTES: _members,
    services.FILE_OPEN: _opened,
    services.FILE_DIRECTORY: _files,
    services.ADDITIONAL_SERVICE: _additional,
}
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
