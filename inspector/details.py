"""All that a PDU says, in one mapping fit for JSON: for whoever looks at a capture, never for the relay.

One key a layer (`cotp`, `session`, `presentation`, `acse`, `mms`, `tase2`), each only if there is something to say.
Selectors and octets are in hex, object identifiers dotted, codes by name where they have one. Lists are cut at bounds
that values.py and answers.py give; operations.py says what TASE.2 means. A part that cannot be read is told of under
`undecodable` instead of raising.
"""

from collections.abc import Callable
from typing import Any

from inspector import acse, answers, ber, cotp, initiate, objects, operations, presentation, services, session, values
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
            told = operations.without_blanks(read(seen))
        except DecodeError as error:
            told = {"undecodable": f"{error.code}: {error.detail}"}
        if told:
            found[layer] = told
    return found


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
    if pdu.service in _VARIABLES.get(pdu.kind, ()) and not part.access.by_list:
        said["variables"] = _variables(octets, pdu)
    return said


_VARIABLES = {
    services.CONFIRMED_REQUEST: (services.READ, services.WRITE),
    services.UNCONFIRMED: (services.INFORMATION_REPORT,),
}
"""Services with a list of variables."""


def _variables(octets: Octets, pdu: MmsPdu) -> list[Fields]:
    """The variables that are more than a name: given by address, or of which only components are accessed."""
    start, stop = pdu.start, pdu.stop
    if pdu.kind == services.CONFIRMED_REQUEST and pdu.service == services.READ:
        _, start, stop = ber.children(octets, start, stop)[-1]
    tag, start, stop = ber.header(octets, start, stop)
    listed = ber.children(octets, start, stop)[:NAMES_MAX] if tag == objects.LIST_OF_VARIABLE else []
    found = [_variable(octets, at, *item[1:]) for at, item in enumerate(listed)]
    return [it for it in found if len(it) > 1]


def _variable(octets: Octets, at: int, start: int, stop: int) -> Fields:
    """Where it stands in the list, its address, its components."""
    parts = ber.children(octets, start, stop)
    said: Fields = {"at": at}
    for nr, (tag, first, last) in enumerate(parts):
        if tag == 0xA1 and nr == 0:
            said["address"] = _address(octets, first, last)
        elif tag == 0xA5 and nr:
            said["components"] = _components(octets, first, last, 0)
    return said


def _address(octets: Octets, start: int, stop: int) -> int | str:
    tag, first, last = ber.header(octets, start, stop)
    if tag == 0x80:
        return ber.unsigned(octets, first, last)
    return values.text(octets, first, last) if tag == 0x81 else bytes(octets[first:last][: values.OCTETS_MAX]).hex()


def _components(octets: Octets, start: int, stop: int, depth: int, *, outer: bool = False) -> list[str]:
    """The names and indexes in an AlternateAccess, in the order in which they stand; bounded.

    `outer`: this is a selectAlternateAccess, the tags of whose selection are one lower.
    """
    found: list[str] = []
    for tag, first, last in ber.children(octets, start, stop):
        if tag in (0xA2, 0xA3):
            bounds = [str(ber.unsigned(octets, *it[1:])) for it in ber.children(octets, first, last)[:2]]
            found.append(f"[{'+'.join(bounds)}]")
        elif tag & ber.CONSTRUCTED:
            if depth < values.DEPTH_MAX:
                found += _components(octets, first, last, depth + 1, outer=tag == 0xA0)
        elif tag == 0x80 or (tag == 0x81 and not outer):
            found.append(values.text(octets, first, last))
        elif tag == (0x81 if outer else 0x82):
            found.append(f"[{ber.unsigned(octets, first, last)}]")
    return found[:NAMES_MAX]


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
        "files": [operations.without_blanks(it._asdict()) for it in found.files],
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


_LAYERS: dict[str, Callable[[Seen], Fields]] = {
    "cotp": _cotp,
    "session": _session,
    "presentation": _presentation,
    "acse": _acse,
    "mms": _mms,
    "tase2": operations.describe,
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
