"""What the answers of MMS say (ISO 9506-2): results and errors, names, types, identities, files, members.

Each function takes a decoded PDU and reads `octets[pdu.start:pdu.stop]`; what is of another form raises DecodeError.
What is kept of lists is bounded; the counts tell of all.
"""

from typing import Any, NamedTuple

from inspector import ber, objects, services, values
from inspector.ber import Octets
from inspector.limits import Limits
from inspector.mms import MmsPdu

Item = tuple[int, int, int]

ERRORS_MAX = 256
"""Errors, names and files that are kept of one answer."""

SEQUENCE = 0x30
FAILURE = 0x80
LIST_OF_ACCESS_RESULT = 0xA1
SERVICE_ERROR = {
    services.CONFIRMED_ERROR: 0xA2,
    "cancel-error": 0xA1,
}
"""Where a ServiceError stands in an error PDU; those of initiate and conclude are nothing else."""
CONTEXT_NUMBER = 0x1F


# --- results of read and write


class Results(NamedTuple):
    """The results of a read or write, in the order asked for."""

    total: int = 0
    failed: int = 0
    errors: tuple[tuple[int, str], ...] = ()
    """Which of them failed, and why; the first ERRORS_MAX."""


def results(octets: Octets, pdu: MmsPdu) -> Results:
    """The results of a read or write response; none for other responses."""
    start, stop = result_span(octets, pdu)
    count = failed = 0
    errors: list[tuple[int, str]] = []
    while start < stop:
        tag, first, last = ber.header(octets, start, stop)
        if tag == FAILURE:
            failed += 1
            if len(errors) < ERRORS_MAX:
                errors.append((count, access_error(octets, first, last)))
        count += 1
        start = last
    return Results(count, failed, tuple(errors))


def result_span(octets: Octets, pdu: MmsPdu) -> tuple[int, int]:
    """Where the results of a read or write response stand; an empty span for other responses."""
    if pdu.kind == services.CONFIRMED_RESPONSE and pdu.service == services.WRITE:
        return pdu.start, pdu.stop
    if pdu.kind == services.CONFIRMED_RESPONSE and pdu.service == services.READ:
        for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
            if tag == LIST_OF_ACCESS_RESULT:
                return start, stop
    return pdu.stop, pdu.stop


def specification(octets: Octets, pdu: MmsPdu, limits: Limits) -> tuple[str, ...]:
    """The names that a read response repeats, if the request asked it to (specificationWithResult)."""
    for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
        if tag == 0xA0:
            return objects.specification(octets, start, stop, limits)[0]
    return ()


def all_succeeded(octets: Octets, pdu: MmsPdu) -> bool:
    """Whether a read or write response has results, and every one is a success."""
    found = results(octets, pdu)
    return found.total > 0 and found.failed == 0


def access_error(octets: Octets, start: int, stop: int) -> str:
    """The name of a DataAccessError."""
    return services.named(services.DATA_ACCESS_ERRORS, ber.unsigned(octets, start, stop))


# --- errors and rejects


class ServiceError(NamedTuple):
    """Why a request came to nothing."""

    error_class: str
    code: str
    additional_code: int | None = None
    description: str | None = None

    def __str__(self) -> str:
        return f"{self.error_class}: {self.code}"


def error(octets: Octets, pdu: MmsPdu) -> ServiceError | None:
    """What an error PDU says; None for other PDUs, or if it does not say."""
    start, stop = _service_error(octets, pdu)
    found = None
    code = description = None
    for tag, first, last in ber.children(octets, start, stop):
        if tag == 0xA0:
            found = _class_and_code(octets, first, last)
        elif tag == 0x81:
            code = ber.signed(octets, first, last)
        elif tag == 0x82:
            description = values.text(octets, first, last)
    return None if found is None else ServiceError(*found, code, description)


def _service_error(octets: Octets, pdu: MmsPdu) -> tuple[int, int]:
    if pdu.kind in ("initiate-error", "conclude-error"):
        return pdu.start, pdu.stop
    wanted = SERVICE_ERROR.get(pdu.kind)
    if wanted is not None:
        for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
            if tag == wanted:
                return start, stop
    return pdu.stop, pdu.stop


def _class_and_code(octets: Octets, pos: int, end: int) -> tuple[str, str] | None:
    if pos == end:
        return None
    tag, start, stop = ber.header(octets, pos, end)
    name, codes = services.ERRORS.get(tag & CONTEXT_NUMBER, (str(tag & CONTEXT_NUMBER), ()))
    return name, services.named(codes, ber.signed(octets, start, stop))


def rejection(octets: Octets, pdu: MmsPdu) -> tuple[str, str] | None:
    """What a reject is of, and why; None for other PDUs, or if it does not say."""
    if pdu.kind == services.REJECT:
        for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
            if tag & CONTEXT_NUMBER in services.REJECTS:
                name, reasons = services.REJECTS[tag & CONTEXT_NUMBER]
                return name, services.named(reasons, ber.signed(octets, start, stop))
    return None


def why(octets: Octets, pdu: MmsPdu) -> str | None:
    """Class and code of an error or reject as one string: `access: object-access-denied`."""
    found = error(octets, pdu)
    if found is not None:
        return str(found)
    rejected = rejection(octets, pdu)
    return None if rejected is None else ": ".join(rejected)


# --- names and members


class Names(NamedTuple):
    """The identifiers that a getNameList response lists."""

    total: int = 0
    identifiers: tuple[str, ...] = ()
    """The first ERRORS_MAX."""
    more_follows: bool = True


def names(octets: Octets, pdu: MmsPdu) -> Names:
    """What a getNameList response lists."""
    count = 0
    identifiers: list[str] = []
    more_follows = True
    for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
        if tag == 0xA0:
            listed = ber.children(octets, start, stop)
            count = len(listed)
            identifiers = [values.text(octets, first, last) for _, first, last in listed[:ERRORS_MAX]]
        elif tag == 0x81:
            more_follows = values.boolean(octets, start, stop)
    return Names(count, tuple(identifiers), more_follows)


def members(octets: Octets, pdu: MmsPdu, limits: Limits) -> list[str]:
    """The members that a getNamedVariableListAttributes response lists."""
    for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
        if tag == 0xA1:
            return list(objects.variables(octets, start, stop, limits))
    return []


def deletable(octets: Octets, pdu: MmsPdu) -> bool | None:
    """Whether what a response describes can be deleted; None if it does not say."""
    for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
        if tag == 0x80:
            return values.boolean(octets, start, stop)
    return None


class Counts(NamedTuple):
    """How many objects a deletion met, and how many it deleted."""

    matched: int = 0
    deleted: int = 0


def counts(octets: Octets, pdu: MmsPdu) -> Counts:
    """What a response to the deletion of variable lists, variables or types says."""
    numbers = {
        tag: ber.unsigned(octets, start, stop)
        for tag, start, stop in ber.children(octets, pdu.start, pdu.stop)
        if tag in (0x80, 0x81)
    }
    return Counts(numbers.get(0x80, 0), numbers.get(0x81, 0))


# --- types

_TYPES = {
    0x83: "boolean",
    0x84: "bit-string",
    0x85: "integer",
    0x86: "unsigned",
    0x89: "octet-string",
    0x8A: "visible-string",
    0x8B: "generalized-time",
    0x8C: "binary-time",
    0x8D: "bcd",
    0x8F: "object-identifier",
    0x90: "mms-string",
    0x91: "utc-time",
}
_SIZED = frozenset((0x84, 0x85, 0x86, 0x89, 0x8A, 0x8D, 0x90))
"""Types that say how many bits or octets; a negative number is the most there may be."""


def type_of(octets: Octets, pdu: MmsPdu) -> Any:
    """The type in a getVariableAccessAttributes response, fit for JSON: `integer 32`, structures as mappings."""
    for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
        if tag == 0xA2:
            return _type(octets, start, stop, 0)
    return None


def _type(octets: Octets, pos: int, end: int, depth: int) -> Any:
    if pos == end:
        return None
    tag, start, stop = ber.header(octets, pos, end)
    if depth == values.DEPTH_MAX:
        return values.CUT
    if tag == values.STRUCTURE:
        return _structure(octets, start, stop, depth + 1)
    if tag == values.ARRAY:
        return _array(octets, start, stop, depth + 1)
    if tag == 0xA7:
        widths = [ber.unsigned(octets, first, last) for _, first, last in ber.children(octets, start, stop)]
        return f"floating-point {widths[0]}" if widths else "floating-point"
    name = _TYPES.get(tag, f"type {tag:#04x}")
    return f"{name} {abs(ber.signed(octets, start, stop))}" if tag in _SIZED else name


def _structure(octets: Octets, start: int, stop: int, depth: int) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for tag, first, last in ber.children(octets, start, stop):
        if tag == 0xA1:
            for at, (_, inner, outer) in enumerate(ber.children(octets, first, last)[: values.MEMBERS_MAX]):
                fields = {it[0]: it[1:] for it in ber.children(octets, inner, outer)}
                name = values.text(octets, *fields[0x80]) if 0x80 in fields else str(at)
                shown[name] = _type(octets, *fields[0xA1], depth) if 0xA1 in fields else None
    return shown


def _array(octets: Octets, start: int, stop: int, depth: int) -> dict[str, Any]:
    fields = {it[0]: it[1:] for it in ber.children(octets, start, stop)}
    return {
        "elements": ber.unsigned(octets, *fields[0x81]) if 0x81 in fields else None,
        "of": _type(octets, *fields[0xA2], depth) if 0xA2 in fields else None,
    }


# --- who a peer is, and what it can do


class Identity(NamedTuple):
    """What an identify response says."""

    vendor: str = ""
    model: str = ""
    revision: str = ""


def identity(octets: Octets, pdu: MmsPdu) -> Identity:
    """Vendor, model and revision of an identify response."""
    texts = {
        tag: values.text(octets, start, stop)
        for tag, start, stop in ber.children(octets, pdu.start, pdu.stop)
        if tag in (0x80, 0x81, 0x82)
    }
    return Identity(texts.get(0x80, ""), texts.get(0x81, ""), texts.get(0x82, ""))


def status(octets: Octets, pdu: MmsPdu) -> tuple[str, str] | None:
    """The logical and physical state in a status response or an unsolicited one; None if it does not say both."""
    level = ber.children(octets, pdu.start, pdu.stop)[:2]
    if [it[0] for it in level] != [0x80, 0x81]:
        return None
    logical, physical = (ber.unsigned(octets, start, stop) for _, start, stop in level)
    return services.named(services.LOGICAL_STATES, logical), services.named(services.PHYSICAL_STATES, physical)


def version(octets: Octets, pdu: MmsPdu) -> tuple[int, int] | None:
    """Major and minor of TASE2_Version, in the response to its read: 1996 and 8, 2000 and 8."""
    item = _first_result(octets, pdu)
    if item is None or item[0] != values.STRUCTURE:
        return None
    numbers = [it for it in ber.children(octets, item[1], item[2]) if it[0] in (values.INTEGER, values.UNSIGNED)]
    if len(numbers) != 2:
        return None
    major, minor = (ber.signed(octets, start, stop) for _, start, stop in numbers)
    return major, minor


def features(octets: Octets, pdu: MmsPdu) -> tuple[int, ...] | None:
    """The conformance blocks in the response to a read of Supported_Features."""
    item = _first_result(octets, pdu)
    if item is None or item[0] != values.BIT_STRING or item[2] - item[1] > values.OCTETS_MAX:
        return None
    contents, count = ber.bits(octets, item[1], item[2])
    return tuple(bit + 1 for bit in range(count) if contents[bit // 8] & 0x80 >> bit % 8)


def _first_result(octets: Octets, pdu: MmsPdu) -> Item | None:
    start, stop = result_span(octets, pdu)
    return ber.header(octets, start, stop) if start < stop else None


# --- files


class File(NamedTuple):
    """An entry of a file directory."""

    name: str
    size: int | None = None
    """Octets."""
    modified: str | None = None


class Files(NamedTuple):
    """What a fileDirectory response lists."""

    total: int = 0
    files: tuple[File, ...] = ()
    """The first ERRORS_MAX."""
    more_follows: bool = False


def files(octets: Octets, pdu: MmsPdu) -> Files:
    """What a fileDirectory response lists."""
    found: list[File] = []
    count = 0
    more_follows = False
    for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
        if tag == 0xA0:
            entries = _entries(octets, start, stop)
            count = len(entries)
            found = [_file(octets, first, last) for _, first, last in entries[:ERRORS_MAX]]
        elif tag == 0x81:
            more_follows = values.boolean(octets, start, stop)
    return Files(count, tuple(found), more_follows)


def _entries(octets: Octets, start: int, stop: int) -> list[Item]:
    """The list's tag is explicit in ISO 9506-2; some peers take it for implicit."""
    level = ber.children(octets, start, stop)
    if len(level) != 1:
        return level
    _, first, last = level[0]
    return ber.children(octets, first, last) if first == last or octets[first] == SEQUENCE else level


def _file(octets: Octets, start: int, stop: int) -> File:
    name = ""
    size = modified = None
    for tag, first, last in ber.children(octets, start, stop):
        if tag == 0xA0:
            name = objects.file_name(octets, first, last)
        elif tag == 0xA1:
            size, modified = file_attributes(octets, first, last)
    return File(name, size, modified)


def file_attributes(octets: Octets, start: int, stop: int) -> tuple[int | None, str | None]:
    """A file's size in octets, and when it was last modified."""
    size = modified = None
    for tag, first, last in ber.children(octets, start, stop):
        if tag == 0x80:
            size = ber.unsigned(octets, first, last)
        elif tag == 0x81:
            modified = values.text(octets, first, last)
    return size, modified


def opened(octets: Octets, pdu: MmsPdu) -> tuple[int, int | None, str | None] | None:
    """A fileOpen response: the file's number (FRSM), its size in octets, when it was last modified."""
    number = None
    attributes: tuple[int | None, str | None] = (None, None)
    for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
        if tag == 0x80:
            number = ber.signed(octets, start, stop)
        elif tag == 0xA1:
            attributes = file_attributes(octets, start, stop)
    return None if number is None else (number, *attributes)
