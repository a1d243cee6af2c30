"""ACSE (ISO 8650-1 / ITU-T X.227, clause 7): the APDU, who its ends are, and the MMS PDU in its user information."""

from collections.abc import Callable
from typing import NamedTuple

from inspector import ber
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits

NAMES = {0x60: "AARQ", 0x61: "AARE", 0x62: "RLRQ", 0x63: "RLRE", 0x64: "ABRT"}

USER_INFORMATION = 0xBE
EXTERNAL = 0x28
INTEGER = 0x02
OBJECT_IDENTIFIER = 0x06
SINGLE_ASN1_TYPE = 0xA0
OCTET_ALIGNED = 0x81
DIAGNOSTIC = 0xA3
"""In an AARE: who gives the result, and why."""

DIRECTORY_NAME_OCTETS_MAX = 256

RESULTS = {0: "accepted", 1: "rejected-permanent", 2: "rejected-transient"}
SOURCES = {0xA1: "acse-service-user", 0xA2: "acse-service-provider"}
DIAGNOSTICS = {
    "acse-service-user": (
        *("null", "no-reason-given", "application-context-name-not-supported", "calling-AP-title-not-recognized"),
        *("calling-AP-invocation-identifier-not-recognized", "calling-AE-qualifier-not-recognized"),
        *("calling-AE-invocation-identifier-not-recognized", "called-AP-title-not-recognized"),
        *("called-AP-invocation-identifier-not-recognized", "called-AE-qualifier-not-recognized"),
        *("called-AE-invocation-identifier-not-recognized", "authentication-mechanism-name-not-recognized"),
        *("authentication-mechanism-name-required", "authentication-failure", "authentication-required"),
    ),
    "acse-service-provider": ("null", "no-reason-given", "no-common-acse-version"),
}
RELEASES = {
    "RLRQ": {0: "normal", 1: "urgent", 30: "user-defined"},
    "RLRE": {0: "normal", 1: "not-finished", 30: "user-defined"},
}
ABORT_SOURCES = {0: "acse-service-user", 1: "acse-service-provider"}
ABORT_DIAGNOSTICS = {
    1: "no-reason-given",
    2: "protocol-error",
    3: "authentication-mechanism-name-not-recognized",
    4: "authentication-mechanism-name-required",
    5: "authentication-failure",
    6: "authentication-required",
}


class Apdu(NamedTuple):
    """An APDU's name, the span of the value it carries (empty when there is none), and what it says beside it."""

    name: str
    start: int
    stop: int
    application_context: str | None = None
    """An object identifier, dotted."""
    called_ap_title: str | None = None
    """Dotted if it is an object identifier; the octets of a directory name in hex."""
    called_ae_qualifier: int | str | None = None
    """A number; the octets of a directory name in hex."""
    calling_ap_title: str | None = None
    calling_ae_qualifier: int | str | None = None
    responding_ap_title: str | None = None
    responding_ae_qualifier: int | str | None = None
    called_ap_invocation: int | None = None
    called_ae_invocation: int | None = None
    calling_ap_invocation: int | None = None
    calling_ae_invocation: int | None = None
    responding_ap_invocation: int | None = None
    responding_ae_invocation: int | None = None
    mechanism: str | None = None
    """The authentication mechanism, dotted."""
    authenticated: bool = False
    """Whether there is an authentication value. What it is is nobody's business here."""
    result: int | None = None
    source: str | None = None
    """Who gives the result: a name of SOURCES."""
    diagnostic: int | None = None
    """Why, of DIAGNOSTICS; or an ABRT's, of ABORT_DIAGNOSTICS."""
    reason: int | None = None
    """Of a release."""
    abort_source: int | None = None
    context: int | None = None
    """The presentation context of the value carried, if it names one."""


def decode(octets: Octets, pos: int, end: int, limits: Limits) -> Apdu:
    """The APDU that fills `octets[pos:end]`. Of a field that is repeated the last counts. Raises DecodeError."""
    tag, start, stop = ber.header(octets, pos, end)
    name = NAMES.get(tag)
    if name is None or stop != end:
        raise DecodeError("acse-unknown", f"no APDU of ACSE: {tag:#04x}", pos)
    readers = _READERS[name]
    fields: dict[str, object] = {}
    value: tuple[int, int, int | None] = (stop, stop, None)
    for item, first, last in ber.children(octets, start, stop):
        if item == USER_INFORMATION:
            value = _user_information(octets, first, last, limits)
        elif item == DIAGNOSTIC and name == "AARE":
            fields["source"], fields["diagnostic"] = _diagnostic(octets, first, last)
        elif item in readers:
            field, read = readers[item]
            fields[field] = read(octets, first, last)
    return Apdu(name, value[0], value[1], context=value[2], **fields)  # type: ignore[arg-type]


def _user_information(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[int, int, int | None]:
    """The first EXTERNAL's value and its presentation context; an association of MMS carries one."""
    tag, start, stop = ber.header(octets, pos, end)
    if tag != EXTERNAL or stop != end:
        raise DecodeError("acse-user-information", "not one EXTERNAL", pos)
    context = None
    for item, first, last in ber.children(octets, start, stop):
        if item == INTEGER:
            context = ber.unsigned(octets, first, last)
        elif item == SINGLE_ASN1_TYPE:
            return first, last, context
        elif item == OCTET_ALIGNED:
            ber.check(octets, first, last, limits.depth, limits.elements)
            return first, last, context
    raise DecodeError("acse-user-information", "an EXTERNAL without a value", start)


def _inside(octets: Octets, pos: int, end: int) -> tuple[int, int, int]:
    """The one value that an explicit tag holds."""
    item = ber.header(octets, pos, end)
    if item[2] != end:
        raise DecodeError("acse-field", "a field of more than one value", pos)
    return item


def _title(octets: Octets, pos: int, end: int) -> str:
    tag, start, stop = _inside(octets, pos, end)
    return ber.oid(octets, start, stop) if tag == OBJECT_IDENTIFIER else _directory_name(octets, pos, stop)


def _qualifier(octets: Octets, pos: int, end: int) -> int | str:
    """A number, as text should it be negative: nobody counts so, and what is remembered has no room for it."""
    tag, start, stop = _inside(octets, pos, end)
    if tag != INTEGER:
        return _directory_name(octets, pos, stop)
    number = ber.signed(octets, start, stop)
    return number if number >= 0 else str(number)


def _directory_name(octets: Octets, pos: int, end: int) -> str:
    if end - pos > DIRECTORY_NAME_OCTETS_MAX:
        raise DecodeError("acse-field", f"a name of more than {DIRECTORY_NAME_OCTETS_MAX} octets", pos)
    return bytes(octets[pos:end]).hex()


def _integer(octets: Octets, pos: int, end: int) -> int:
    _, start, stop = _inside(octets, pos, end)
    return ber.signed(octets, start, stop)


def _object_identifier(octets: Octets, pos: int, end: int) -> str:
    _, start, stop = _inside(octets, pos, end)
    return ber.oid(octets, start, stop)


def _present(_octets: Octets, _pos: int, _end: int) -> bool:
    return True


def _diagnostic(octets: Octets, pos: int, end: int) -> tuple[str | None, int]:
    tag, start, stop = _inside(octets, pos, end)
    return SOURCES.get(tag), _integer(octets, start, stop)


_Reader = tuple[str, Callable[[Octets, int, int], object]]

_READERS: dict[str, dict[int, _Reader]] = {
    "AARQ": {
        0xA1: ("application_context", _object_identifier),
        0xA2: ("called_ap_title", _title),
        0xA3: ("called_ae_qualifier", _qualifier),
        0xA4: ("called_ap_invocation", _integer),
        0xA5: ("called_ae_invocation", _integer),
        0xA6: ("calling_ap_title", _title),
        0xA7: ("calling_ae_qualifier", _qualifier),
        0xA8: ("calling_ap_invocation", _integer),
        0xA9: ("calling_ae_invocation", _integer),
        0x8B: ("mechanism", ber.oid),
        0xAC: ("authenticated", _present),
    },
    "AARE": {
        0xA1: ("application_context", _object_identifier),
        0xA2: ("result", _integer),
        0xA4: ("responding_ap_title", _title),
        0xA5: ("responding_ae_qualifier", _qualifier),
        0xA6: ("responding_ap_invocation", _integer),
        0xA7: ("responding_ae_invocation", _integer),
        0x89: ("mechanism", ber.oid),
        0xAA: ("authenticated", _present),
    },
    "RLRQ": {0x80: ("reason", ber.signed)},
    "RLRE": {0x80: ("reason", ber.signed)},
    "ABRT": {0x80: ("abort_source", ber.signed), 0x81: ("diagnostic", ber.signed)},
}
