"""Session layer (ISO 8327-1 / ITU-T X.225, clause 8): which SPDU it is, its parameters, and where its user data lie."""

from typing import NamedTuple

from inspector.ber import Octets
from inspector.errors import DecodeError

DATA_PREFIX = b"\x01\x00\x01\x00"
"""GIVE TOKENS without parameters, then DATA TRANSFER without: all data of an MMS association."""

NAMES = {
    0x01: "DT",
    0x05: "EX",
    0x08: "NF",
    0x09: "FN",
    0x0A: "DN",
    0x0C: "RF",
    0x0D: "CN",
    0x0E: "AC",
    0x15: "GTC",
    0x16: "GTA",
    0x19: "AB",
    0x1A: "AA",
    0x21: "TD",
}
TOKENS = {0x01: "GT", 0x02: "PT"}
"""Category 0 SPDUs, which stand alone or before one of another category in the same TSDU."""
BEHIND = ("DT", "EX", "TD")
"""SPDUs whose user information follows them instead of being one of their parameters."""

UNUSED = {
    0x00: "EXCEPTION REPORT",
    0x07: "PREPARE",
    0x0F: "CONNECT DATA OVERFLOW",
    0x10: "OVERFLOW ACCEPT",
    0x1D: "ACTIVITY RESUME",
    0x22: "RESYNCHRONIZE ACK",
    0x29: "MAJOR SYNC POINT",
    0x2A: "MAJOR SYNC ACK",
    0x2D: "ACTIVITY START",
    0x30: "EXCEPTION DATA",
    0x31: "MINOR SYNC POINT",
    0x32: "MINOR SYNC ACK",
    0x35: "RESYNCHRONIZE",
    0x39: "ACTIVITY DISCARD",
    0x3A: "ACTIVITY DISCARD ACK",
    0x3D: "CAPABILITY DATA",
    0x3E: "CAPABILITY DATA ACK",
}
"""Real SPDUs, but of functional units that MMS, which has the kernel and duplex, never uses."""

CONNECT_ITEM = 0x05
TRANSPORT_DISCONNECT = 0x11
PROTOCOL_OPTIONS = 0x13
REQUIREMENTS = 0x14
VERSION = 0x16
REASON_CODE = 0x32
"""In a refusal the user data follow the reason's first octet."""
CALLING_SELECTOR = 0x33
CALLED_SELECTOR = 0x34
ENCLOSURE_ITEM = 0x19
USER_DATA = 0xC1
EXTENDED_USER_DATA = 0xC2

WHOLE_SSDU = 0x03
LONG_LENGTH = 0xFF

REASONS = {
    0: "rejected by the called session user",
    1: "rejected by the called session user: congestion",
    2: "rejected by the called session user",
    129: "session selector unknown",
    130: "session user not attached to the SSAP",
    131: "congestion of the session provider",
    132: "proposed protocol versions not supported",
    133: "rejected by the session provider",
    134: "rejected by the session provider: implementation restriction",
}
"""Reasons of an RF (clause 8.3.5)."""


class Parameters(NamedTuple):
    """What an SPDU says beside its user data; None where it says nothing."""

    options: int | None = None
    """Protocol options; bit 0: extended concatenation."""
    version: int | None = None
    """Versions as bits: 1 for the first, 2 for the second."""
    requirements: int | None = None
    """Functional units as bits; 2 is duplex."""
    calling_selector: bytes | None = None
    called_selector: bytes | None = None
    reason: int | None = None
    """Why an RF refuses."""
    disconnect: int | None = None
    """What becomes of the transport connection; bit 0: it is not kept."""


NOTHING = Parameters()

_FIELDS = {
    PROTOCOL_OPTIONS: "options",
    VERSION: "version",
    REQUIREMENTS: "requirements",
    TRANSPORT_DISCONNECT: "disconnect",
    REASON_CODE: "reason",
    CALLING_SELECTOR: "calling_selector",
    CALLED_SELECTOR: "called_selector",
}
_SELECTORS = (CALLING_SELECTOR, CALLED_SELECTOR)
_NUMBER_OCTETS_MAX = {REQUIREMENTS: 2}


class Spdu(NamedTuple):
    """An SPDU's name, the span of its user data (empty when there are none), and its parameters."""

    name: str
    start: int
    stop: int
    parameters: Parameters = NOTHING


def decode(octets: Octets, pos: int, end: int) -> Spdu:
    """The SPDU in `octets[pos:end]`, which fills the TSDU together with a token SPDU before it. Raises DecodeError."""
    if octets[pos : pos + 4] == DATA_PREFIX and pos + 4 <= end:  # the octets behind are another TSDU's
        return Spdu("DT", pos + 4, end)
    if octets[pos] not in TOKENS:
        return _spdu(octets, pos, end)
    token = TOKENS[octets[pos]]
    start, stop = _lengths(octets, pos + 1, end, token)
    if stop == end:
        return Spdu(token, *_walk(octets, start, stop, token))
    return _spdu(octets, stop, end)


def _spdu(octets: Octets, pos: int, end: int) -> Spdu:
    name = NAMES.get(octets[pos])
    if name is None:
        raise _unknown(octets[pos], pos)
    start, stop = _lengths(octets, pos + 1, end, name)
    if name in BEHIND:
        _check_whole(octets, start, stop, name)
        return Spdu(name, stop, end)
    if stop != end:
        raise DecodeError("session-length", f"{name} does not fill its TSDU", pos)
    return Spdu(name, *_walk(octets, start, stop, name))


def _unknown(identifier: int, pos: int) -> DecodeError:
    known = UNUSED.get(identifier)
    if known is not None:
        return DecodeError("session-unknown", f"{known} belongs to no functional unit that MMS uses", pos)
    return DecodeError("session-unknown", f"SPDU identifier {identifier:#04x}", pos)


def _check_whole(octets: Octets, pos: int, end: int, name: str) -> None:
    """Data may only carry an enclosure item, and only to say that nothing is segmented."""
    if pos == end:
        return
    if octets[pos:end] != bytes((ENCLOSURE_ITEM, 1, WHOLE_SSDU)):
        raise DecodeError("session-segmented", f"{name} with parameters", pos)


def _walk(octets: Octets, pos: int, end: int, name: str) -> tuple[int, int, Parameters]:
    """The span of the user data among the parameters, and the others. Of one that is repeated the last counts."""
    found = (end, end)
    fields: dict[str, int | bytes] = {}
    while pos < end:
        code = octets[pos]
        start, stop = _lengths(octets, pos + 1, end, name)
        if code in (USER_DATA, EXTENDED_USER_DATA):
            found = (start, stop)
        elif code == CONNECT_ITEM:
            _note_items(octets, start, stop, name, fields)
        else:
            _note(octets, code, start, stop, fields)
            if code == REASON_CODE and name == "RF" and stop > start:
                found = (start + 1, stop)
        pos = stop
    return *found, Parameters(**fields) if fields else NOTHING  # type: ignore[arg-type]


def _note_items(octets: Octets, pos: int, end: int, name: str, fields: dict[str, int | bytes]) -> None:
    """The items of the connect/accept group."""
    while pos < end:
        code = octets[pos]
        start, stop = _lengths(octets, pos + 1, end, name)
        _note(octets, code, start, stop, fields)
        pos = stop


def _note(octets: Octets, code: int, start: int, stop: int, fields: dict[str, int | bytes]) -> None:
    field = _FIELDS.get(code)
    if field is None or start == stop:
        return
    if code in _SELECTORS:
        fields[field] = bytes(octets[start:stop])
    else:  # a reason is its first octet, which user data may follow
        fields[field] = int.from_bytes(octets[start : min(stop, start + _NUMBER_OCTETS_MAX.get(code, 1))], "big")


def _lengths(octets: Octets, pos: int, end: int, what: str) -> tuple[int, int]:
    """The contents' span behind the length indicator at `pos`: one octet, or FF and two more."""
    if pos >= end:
        raise DecodeError("session-truncated", f"{what} ends before its length", pos)
    length = octets[pos]
    start = pos + 1
    if length == LONG_LENGTH:
        start = pos + 3
        if start > end:
            raise DecodeError("session-truncated", f"{what} ends inside its length", pos)
        length = octets[pos + 1] << 8 | octets[pos + 2]
    if start + length > end:
        raise DecodeError("session-overrun", f"a length overruns {what}", pos)
    return start, start + length
