"""Session layer (ISO 8327-1 / ITU-T X.225, clause 8): which SPDU it is, and where its user data lie."""

from typing import NamedTuple

from inspector.ber import Octets
from inspector.errors import DecodeError

DATA_PREFIX = b"\x01\x00\x01\x00"
"""GIVE TOKENS without parameters, then DATA TRANSFER without: all data of an MMS association."""

NAMES = {
    0x01: "DT",
    0x09: "FN",
    0x0A: "DN",
    0x0C: "RF",
    0x0D: "CN",
    0x0E: "AC",
    0x19: "AB",
    0x1A: "AA",
}
TOKENS = {0x01: "GT", 0x02: "PT"}
"""Category 0 SPDUs, which stand before one of another category in the same TSDU."""

USER_DATA = 0xC1
EXTENDED_USER_DATA = 0xC2
REASON_CODE = 0x32
"""In a refusal the user data follow the reason's first octet."""
ENCLOSURE_ITEM = 0x19
WHOLE_SSDU = 0x03
LONG_LENGTH = 0xFF


class Spdu(NamedTuple):
    """An SPDU's name and the span of its user data (empty when there are none)."""

    name: str
    start: int
    stop: int


def decode(octets: Octets, pos: int, end: int) -> Spdu:
    """The SPDU in `octets[pos:end]`, which fills the TSDU together with a token SPDU before it."""
    if octets[pos : pos + 4] == DATA_PREFIX:
        return Spdu("DT", pos + 4, end)
    name = TOKENS.get(octets[pos]) or NAMES.get(octets[pos])
    if name is None:
        raise DecodeError("session-unknown", f"SPDU identifier {octets[pos]:#04x}", pos)
    start, stop = _lengths(octets, pos + 1, end, name)
    if octets[pos] in TOKENS:
        return _after_tokens(octets, stop, end)
    if stop != end:
        raise DecodeError("session-length", f"{name} does not fill its TSDU", pos)
    return Spdu(name, *_user_data(octets, start, stop, name))


def _after_tokens(octets: Octets, pos: int, end: int) -> Spdu:
    name = NAMES.get(octets[pos]) if pos < end else None
    if name is None:
        raise DecodeError("session-unknown", "tokens without an SPDU behind them", pos)
    start, stop = _lengths(octets, pos + 1, end, name)
    if name == "DT":
        _check_whole(octets, start, stop)
        return Spdu(name, stop, end)
    if stop != end:
        raise DecodeError("session-length", f"{name} does not fill its TSDU", pos)
    return Spdu(name, *_user_data(octets, start, stop, name))


def _check_whole(octets: Octets, pos: int, end: int) -> None:
    """DATA TRANSFER may only carry an enclosure item, and only to say that nothing is segmented."""
    if pos == end:
        return
    if octets[pos:end] != bytes((ENCLOSURE_ITEM, 1, WHOLE_SSDU)):
        raise DecodeError("session-segmented", "DATA TRANSFER with parameters", pos)


def _user_data(octets: Octets, pos: int, end: int, name: str) -> tuple[int, int]:
    """Walk the parameters; the span of the user data among them."""
    found = (end, end)
    while pos < end:
        code = octets[pos]
        start, stop = _lengths(octets, pos + 1, end, name)
        if code in (USER_DATA, EXTENDED_USER_DATA):
            found = (start, stop)
        elif code == REASON_CODE and name == "RF" and stop > start:
            found = (start + 1, stop)
        pos = stop
    return found


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
