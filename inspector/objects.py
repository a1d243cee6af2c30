"""Which objects an MMS request or report touches (ISO 9506-2: ObjectName, VariableAccessSpecification).

Objects are strings: `domain/item`, `item` of the VMD, `@/item` of the association, `domain/` for a whole domain,
`file:name` for a file, `(unnamed)` for a variable without a name. A variable of which only components are accessed is
still that variable.
"""

from collections.abc import Callable
from typing import NamedTuple

from inspector import ber, services
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.mms import MmsPdu

VMD_SPECIFIC = 0x80
DOMAIN_SPECIFIC = 0xA1
ASSOCIATION_SPECIFIC = 0x82

LIST_OF_VARIABLE = 0xA0
VARIABLE_LIST_NAME = 0xA1
NAMED = 0xA0
UNNAMED = "(unnamed)"
"""Stands for a variable given by address or description."""

FILE_PREFIX = "file:"
FILE_NAME_OCTETS_MAX = 1024

NAMED_VARIABLE_LIST_CLASS = 2


class Access(NamedTuple):
    """What a service touches. `data` is where its list of values lies, `by_list` whether it names a whole
    variable list, `object_class` what a getNameList asks for."""

    objects: tuple[str, ...] = ()
    by_list: bool = False
    data: tuple[int, int] = (0, 0)
    object_class: int | None = None


NOTHING = Access()


def access(octets: Octets, pdu: MmsPdu, limits: Limits) -> Access:
    """What the request or report `pdu` touches; nothing for services that name no objects."""
    parsers = _UNCONFIRMED if pdu.kind == services.UNCONFIRMED else _PARSERS
    parse = parsers.get(pdu.service or 0)
    return NOTHING if parse is None else parse(octets, pdu.start, pdu.stop, limits)


def object_name(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[str, int]:
    """The ObjectName at `pos` as one string, and where it stops."""
    tag, start, stop = ber.header(octets, pos, end)
    if tag == DOMAIN_SPECIFIC:
        _, first, last = ber.header(octets, start, stop)
        _, second, ending = ber.header(octets, last, stop)
        domain = _identifier_text(octets, first, last, limits)
        if domain == "@":
            domain = "\\x40"
        return f"{domain}/{_identifier_text(octets, second, ending, limits)}", stop
    if tag == VMD_SPECIFIC:
        return _identifier_text(octets, start, stop, limits), stop
    if tag == ASSOCIATION_SPECIFIC:
        return f"@/{_identifier_text(octets, start, stop, limits)}", stop
    raise DecodeError("mms-object-name", f"no object name: {tag:#04x}", pos)


def _identifier_text(octets: Octets, start: int, stop: int, limits: Limits) -> str:
    """An identifier; a slash, which none may have, is escaped, lest a name pass for one of another scope."""
    text = ber.text(octets, start, stop, limits.name_bytes)
    return text.replace("/", "\\x2f") if "/" in text else text


def variables(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[str, ...]:
    """The names in a list of variables. Raises DecodeError."""
    names = []
    while pos < end:
        _, start, pos = ber.header(octets, pos, end)
        names.append(_variable(octets, start, pos, limits))
    return tuple(names)


def _variable(octets: Octets, pos: int, end: int, limits: Limits) -> str:
    tag, start, stop = ber.header(octets, pos, end)
    return object_name(octets, start, stop, limits)[0] if tag == NAMED else UNNAMED


def file_name(octets: Octets, pos: int, end: int) -> str:
    """A FileName: its parts, as many as there are, with slashes between. Raises DecodeError."""
    if end - pos > FILE_NAME_OCTETS_MAX:
        raise DecodeError("name-too-long", f"a file name of more than {FILE_NAME_OCTETS_MAX} octets", pos)
    parts = ber.children(octets, pos, end)
    return "/".join(ber.text(octets, start, stop, FILE_NAME_OCTETS_MAX) for _, start, stop in parts)


def specification(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[tuple[str, ...], bool, int]:
    """A VariableAccessSpecification: its names, whether it is a variable list's name, where it stops.

    Raises DecodeError.
    """
    tag, start, stop = ber.header(octets, pos, end)
    if tag == VARIABLE_LIST_NAME:
        return (object_name(octets, start, stop, limits)[0],), True, stop
    if tag == LIST_OF_VARIABLE:
        return variables(octets, start, stop, limits), False, stop
    raise DecodeError("mms-variable-access", f"no variable access specification: {tag:#04x}", pos)


def _variables_and_data(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    names, by_list, stop = specification(octets, pos, end, limits)
    _, start, last = ber.header(octets, stop, end)
    _ends(last, end)
    return Access(names, by_list, (start, last))


def _ends(stop: int, end: int) -> None:
    """A second list would be read by whoever takes the last one for the first."""
    if stop != end:
        raise DecodeError("mms-length", "octets after the arguments of a service", stop)


def _read(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    tag, start, stop = ber.header(octets, pos, end)
    if tag == VMD_SPECIFIC:  # specificationWithResult, in the same place
        tag, start, stop = ber.header(octets, stop, end)
    if tag != VARIABLE_LIST_NAME:
        raise DecodeError("mms-variable-access", "a read of nothing", pos)
    _ends(stop, end)
    names, by_list, last = specification(octets, start, stop, limits)
    _ends(last, stop)
    return Access(names, by_list)


def _name_list(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    _, start, stop = ber.header(octets, pos, end)
    tag, first, last = ber.header(octets, start, stop)
    object_class = ber.unsigned(octets, first, last) if tag == VMD_SPECIFIC else None
    _, start, stop = ber.header(octets, stop, end)
    tag, first, last = ber.header(octets, start, stop)
    domain = f"{ber.text(octets, first, last, limits.name_bytes)}/"
    return Access((domain,) if tag == 0x81 else (), object_class=object_class)


def _one_variable(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    return Access((_variable(octets, pos, end, limits),))


def _one_name(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    return Access((object_name(octets, pos, end, limits)[0],), by_list=True)


def _definition(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    name, stop = object_name(octets, pos, end, limits)
    _, start, last = ber.header(octets, stop, end)
    return Access((name, *variables(octets, start, last, limits)), by_list=True)


# --- services whose objects are fields of theirs


_Reader = Callable[[Octets, int, int, Limits], list[str]]
_Parser = Callable[[Octets, int, int, Limits], Access]


def _object(octets: Octets, pos: int, end: int, limits: Limits) -> list[str]:
    return [object_name(octets, pos, end, limits)[0]]


def _objects(octets: Octets, pos: int, end: int, limits: Limits) -> list[str]:
    names = []
    while pos < end:
        name, pos = object_name(octets, pos, end, limits)
        names.append(name)
    return names


def _identifier(octets: Octets, pos: int, end: int, limits: Limits) -> list[str]:
    return [ber.text(octets, pos, end, limits.name_bytes)]


def _domain(octets: Octets, pos: int, end: int, limits: Limits) -> list[str]:
    return [f"{ber.text(octets, pos, end, limits.name_bytes)}/"]


def _domains(octets: Octets, pos: int, end: int, limits: Limits) -> list[str]:
    return [name for _, start, stop in ber.children(octets, pos, end) for name in _domain(octets, start, stop, limits)]


def _file(octets: Octets, pos: int, end: int, _limits: Limits) -> list[str]:
    return [FILE_PREFIX + file_name(octets, pos, end)]


def _number(octets: Octets, pos: int, end: int, _limits: Limits) -> list[str]:
    """No name, but a number that other stacks read into an integer whatever its length."""
    ber.unsigned(octets, pos, end)
    return []


def _fields(readers: dict[int, _Reader], *, by_list: bool = False) -> _Parser:
    """A parser of services that name objects in some of their fields."""

    def parse(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
        names: list[str] = []
        for tag, start, stop in ber.children(octets, pos, end):
            if tag in readers:
                names += readers[tag](octets, start, stop, limits)
        return Access(tuple(names), by_list)

    return parse


def _whole(reader: _Reader) -> _Parser:
    """A parser of services that are the name of an object and no more."""

    def parse(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
        return Access(tuple(reader(octets, pos, end, limits)))

    return parse


def _rename(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    """The old name, and the new one in the same scope."""
    names: list[str] = []
    for tag, start, stop in ber.children(octets, pos, end):
        if tag == 0xA1:
            names += _object(octets, start, stop, limits)
        elif tag == 0x82 and names:
            scope, slash, _ = names[0].rpartition("/")
            names.append(scope + slash + _identifier_text(octets, start, stop, limits))
    return Access(tuple(names))


_NAMED_FIRST = _fields({0xA0: _object})
_PROGRAM = _fields({0x80: _identifier})
_DOMAIN = _fields({0x80: _domain})
_DELETION = _fields({0x80: _number, 0xA1: _objects, 0x82: _domain}, by_list=True)
_CHOSEN = _fields({0xA0: _objects, 0x82: _domain})

_BY_PARSER: dict[_Parser, tuple[str, ...]] = {
    _name_list: ("getNameList",),
    _read: ("read",),
    _variables_and_data: ("write",),
    _one_variable: ("getVariableAccessAttributes",),
    _definition: ("defineNamedVariableList",),
    _one_name: ("getNamedVariableListAttributes",),
    _DELETION: ("deleteNamedVariableList", "deleteVariableAccess", "deleteNamedType"),
    _rename: ("rename",),
    _NAMED_FIRST: (
        *("defineNamedVariable", "defineScatteredAccess", "takeControl", "relinquishControl", "defineSemaphore"),
        *("reportPoolSemaphoreStatus", "reportSemaphoreEntryStatus", "defineEventCondition"),
        *("alterEventConditionMonitoring", "triggerEvent", "defineEventAction", "alterEventEnrollment"),
        *("acknowledgeEventNotification", "readJournal", "writeJournal", "initializeJournal", "createJournal"),
        "deleteJournal",
    ),
    _whole(_object): (
        *("getScatteredAccessAttributes", "defineNamedType", "getNamedTypeAttributes", "deleteSemaphore"),
        *("reportSemaphoreStatus", "getEventConditionAttributes", "reportEventConditionStatus"),
        *("getEventActionAttributes", "reportEventActionStatus", "reportEventEnrollmentStatus", "reportJournalStatus"),
    ),
    _DOMAIN: ("initiateDownloadSequence", "terminateDownloadSequence"),
    _whole(_domain): ("downloadSegment", "initiateUploadSequence", "deleteDomain", "getDomainAttributes"),
    _fields({0x80: _domain, 0xA4: _file}): ("requestDomainDownload", "loadDomainContent"),
    _fields({0x80: _domain, 0xA1: _file}): ("requestDomainUpload", "storeDomainContent"),
    _fields({0x80: _identifier, 0xA1: _domains}): ("createProgramInvocation",),
    _PROGRAM: ("start", "stop", "resume", "reset", "kill", "input", "output"),
    _whole(_identifier): ("deleteProgramInvocation", "getProgramInvocationAttributes"),
    _CHOSEN: ("deleteEventCondition", "deleteEventAction"),
    _fields({0xA0: _object, 0xA1: _object}): ("defineEventEnrollment",),
    _fields({0xA0: _objects, 0xA1: _object, 0xA2: _object}): ("deleteEventEnrollment",),
    _fields({0xA1: _objects, 0xA3: _object, 0xA4: _object}): ("getEventEnrollmentAttributes",),
    _fields({0xA1: _file, 0xA2: _file}): ("obtainFile",),
    _fields({0xA0: _file}): ("fileOpen", "fileDirectory"),
    _fields({0xA0: _file, 0xA1: _file}): ("fileRename",),
    _whole(_file): ("fileDelete",),
}
_PARSERS: dict[int, _Parser] = {
    services.CONFIRMED_SERVICES.index(name): parser for parser, names in _BY_PARSER.items() for name in names
}
_UNCONFIRMED: dict[int, _Parser] = {
    services.INFORMATION_REPORT: _variables_and_data,
    services.EVENT_NOTIFICATION: _fields({0xA0: _object, 0xA1: _object}),
}
