"""Values of MMS (ISO 9506-2, Data) to look at, and those of TASE.2 (IEC 60870-6-802) that mean more: points, tags,
conditions. Bounded in depth and number; what there is too much of is cut off."""

import struct
from typing import Any, NamedTuple

from inspector import ber
from inspector.ber import Octets
from inspector.errors import DecodeError

Item = tuple[int, int, int]
"""A value's tag, and the span of its contents."""

FAILURE = 0x80
ARRAY = 0xA1
STRUCTURE = 0xA2
BOOLEAN = 0x83
BIT_STRING = 0x84
INTEGER = 0x85
UNSIGNED = 0x86
FLOATING_POINT = 0x87
VISIBLE_STRING = 0x8A
GENERALIZED_TIME = 0x8B
BINARY_TIME = 0x8C
BOOLEAN_ARRAY = 0x8E
OBJECT_IDENTIFIER = 0x8F
MMS_STRING = 0x90
UTC_TIME = 0x91

DEPTH_MAX = 8
MEMBERS_MAX = 256
"""Values shown of one PDU."""
OCTETS_MAX = 256
"""Of one string."""
CUT = "…"
"""Stands for what is cut off."""

_FLOATS = {(4, 8): ">f", (8, 11): ">d"}
"""By octets and exponent width."""

QUALITIES = ("valid", "held", "suspect", "not_valid")
SOURCES = ("telemetered", "calculated", "entered", "estimated")
CONDITIONS = ("interval", "integrity", "change", "operator", "external")
"""DSConditions by bit: why a report is sent."""
DAY_S = 86_400
_TIMES = range(946_684_800, 1 << 31)
"""Seconds since 1970 that are in this century, and in the 32 bits of a time stamp."""
EPOCH_1984_DAYS = 5_113
"""From 1970 to 1984, where the days of a binary time count from."""


class Point(NamedTuple):
    """A point's value as reported; None for what it does not say."""

    value: float | None
    quality: str | None = None
    """One of QUALITIES."""
    flags: int | None = None
    """The octet of flags: state, validity, source (two bits each, from the top), normal, time-stamp quality."""
    time: int | None = None
    """Seconds since 1970."""


# --- any value


def show(octets: Octets, start: int, stop: int) -> list[Any]:
    """The values side by side in `octets[start:stop]`, fit for JSON. Raises DecodeError."""
    return _Display(octets).all(start, stop, 0)


class _Display:
    """Counts what it shows of one PDU."""

    def __init__(self, octets: Octets) -> None:
        self._octets = octets
        self._left = MEMBERS_MAX

    def all(self, pos: int, end: int, depth: int) -> list[Any]:
        shown: list[Any] = []
        while pos < end:
            if self._left == 0:
                shown.append(CUT)
                break
            self._left -= 1
            item = ber.header(self._octets, pos, end)
            shown.append(self._one(item, depth))
            pos = item[2]
        return shown

    def _one(self, item: Item, depth: int) -> Any:
        tag, start, stop = item
        if tag in (STRUCTURE, ARRAY):
            return self.all(start, stop, depth + 1) if depth < DEPTH_MAX else CUT
        read = _READERS.get(tag)
        try:
            return _hex(self._octets, start, stop) if read is None else read(self._octets, start, stop)
        except DecodeError:  # a value of an odd size: its octets are all there is to show
            return _hex(self._octets, start, stop)


def _hex(octets: Octets, start: int, stop: int) -> str:
    return bytes(octets[start : min(stop, start + OCTETS_MAX)]).hex() + (CUT if stop - start > OCTETS_MAX else "")


def text(octets: Octets, start: int, stop: int) -> str:
    """A string of any type, cut off if it is long; what is not ASCII is shown as escapes."""
    shown = bytes(octets[start : min(stop, start + OCTETS_MAX)]).decode("ascii", "backslashreplace")
    return shown + (CUT if stop - start > OCTETS_MAX else "")


def boolean(octets: Octets, start: int, stop: int) -> bool:
    """Any octet but zero is true."""
    return any(octets[start : min(stop, start + 1)])


def _bit_string(octets: Octets, start: int, stop: int) -> str:
    """As ones and zeros."""
    if stop - start > OCTETS_MAX:
        return _hex(octets, start, stop)
    contents, count = ber.bits(octets, start, stop)
    return f"{int.from_bytes(contents, 'big'):0{len(contents) * 8}b}"[:count] if count else ""


def floating(octets: Octets, start: int, stop: int) -> float:
    """The width of the exponent, then an IEEE 754 number of 32 or 64 bits. Raises DecodeError."""
    layout = _FLOATS.get((stop - start - 1, octets[start])) if stop > start else None
    if layout is None:
        raise DecodeError("mms-float", "a floating point number of neither 32 nor 64 bits", start)
    value: float = struct.unpack(layout, octets[start + 1 : stop])[0]
    return value


def finite(value: float | None) -> float | str | None:
    """JSON knows neither infinities nor what is no number."""
    return value if value is None or value - value == 0 else str(value)


def _float(octets: Octets, start: int, stop: int) -> float | str | None:
    return finite(floating(octets, start, stop))


def _utc_time(octets: Octets, start: int, stop: int) -> str:
    """Seconds since 1970, a fraction of 24 bits, and an octet of quality."""
    if stop - start != 8:
        raise DecodeError("mms-time", "a UTC time has eight octets", start)
    seconds = int.from_bytes(octets[start : start + 4], "big")
    fraction = int.from_bytes(octets[start + 4 : start + 7], "big") * 1000 >> 24
    return iso_time(seconds * 1000 + fraction)


def _binary_time(octets: Octets, start: int, stop: int) -> str:
    """Milliseconds since midnight, and the days since 1984 if there are six octets."""
    if stop - start not in (4, 6):
        raise DecodeError("mms-time", "a binary time has four or six octets", start)
    milliseconds = int.from_bytes(octets[start : start + 4], "big")
    days = int.from_bytes(octets[start + 4 : stop], "big") + EPOCH_1984_DAYS
    whole = iso_time(milliseconds + days * DAY_S * 1000)
    return whole if stop - start == 6 else whole[11:]


def iso_time(milliseconds: int) -> str:
    """Milliseconds since 1970 as ISO 8601; there is no clock in this package, so the calendar is its own."""
    days, milliseconds = divmod(milliseconds, DAY_S * 1000)
    days += 719_468  # from the first of March of the year 0, after Howard Hinnant's civil_from_days
    era, day_of_era = divmod(days, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}Z"


def _unsigned(octets: Octets, start: int, stop: int) -> int:
    """As `ber.signed`, but some peers leave the leading zero out."""
    return ber.signed(octets, start, stop) % (1 << 8 * (stop - start))


_READERS = {
    BOOLEAN: boolean,
    BIT_STRING: _bit_string,
    INTEGER: ber.signed,
    UNSIGNED: _unsigned,
    FLOATING_POINT: _float,
    VISIBLE_STRING: text,
    GENERALIZED_TIME: text,
    BINARY_TIME: _binary_time,
    BOOLEAN_ARRAY: _bit_string,
    OBJECT_IDENTIFIER: ber.oid,
    MMS_STRING: text,
    UTC_TIME: _utc_time,
}


# --- values that mean more


def number(octets: Octets, start: int, stop: int) -> float | None:
    """The first number in what is written: a command or set-point, bare or as a structure's first number.

    None if there is none within the bounds of what is looked at. Raises DecodeError.
    """
    ends = [stop]
    for _ in range(MEMBERS_MAX):
        while ends and start >= ends[-1]:
            ends.pop()
        if not ends:
            return None
        tag, first, last = ber.header(octets, start, ends[-1])
        if tag in (STRUCTURE, ARRAY):
            if len(ends) > DEPTH_MAX:
                return None
            ends.append(last)
            start = first
            continue
        if tag in _NUMBERS:
            return _number(octets, (tag, first, last))
        start = last
    return None


_INTEGERS = {INTEGER: ber.signed, UNSIGNED: _unsigned}
_NUMBERS = (*_INTEGERS, FLOATING_POINT)


def _number(octets: Octets, item: Item) -> float | None:
    tag, start, stop = item
    if tag == FLOATING_POINT:
        return floating(octets, start, stop)
    read = _INTEGERS.get(tag)
    return None if read is None else float(read(octets, start, stop))


def point(octets: Octets, item: Item) -> Point | None:
    """A point as reported or read (IEC 60870-6-802): alone, or a structure {value, [time], flags, [changes]}.

    Points of state have no value of their own: it is the upper two of their flags. The structures of a number with
    flags and of a state with a time are of one shape; what could be a time after 2000 is taken for one. None for
    what is no point. Raises DecodeError.
    """
    tag, start, stop = item
    if tag != STRUCTURE:
        return _bare(octets, item)
    members = ber.children(octets, start, stop)
    at = next((at for at, member in enumerate(members) if _flags(octets, member) is not None), len(members))
    flags = _flags(octets, members[at]) if at < len(members) else None
    before = members[:at]
    if flags is not None and _is_state(octets, before, more=at + 1 < len(members)):
        return Point(float(flags >> 6), _quality(flags), flags, _time(octets, before))
    if not before or before[0][0] not in _NUMBERS:
        return None
    return Point(_number(octets, before[0]), _quality(flags), flags, _time(octets, before[1:]))


def _is_state(octets: Octets, before: list[Item], *, more: bool) -> bool:
    """Whether what stands before the flags is no value: nothing, or a time alone. `more`: something follows them."""
    if not before:
        return True
    if len(before) > 1 or before[0][0] == FLOATING_POINT:
        return False
    time = _time(octets, before)
    return time is not None and (before[0][0] == STRUCTURE or more or time in _TIMES)


def _bare(octets: Octets, item: Item) -> Point | None:
    if item[0] in _NUMBERS:
        return Point(_number(octets, item))
    flags = _flags(octets, item)
    return None if flags is None else Point(float(flags >> 6), _quality(flags), flags)


def _flags(octets: Octets, item: Item) -> int | None:
    tag, start, stop = item
    if tag != BIT_STRING or stop - start != 2 or octets[start] != 0:
        return None
    return octets[start + 1]


def _quality(flags: int | None) -> str | None:
    return None if flags is None else QUALITIES[flags >> 4 & 3]


def _time(octets: Octets, members: list[Item]) -> int | None:
    """The time stamp, first of what is left: seconds since 1970, alone or with milliseconds in a structure."""
    if members and members[0][0] == STRUCTURE:
        members = ber.children(octets, *members[0][1:])
    if not members:
        return None
    tag, start, stop = members[0]
    read = _INTEGERS.get(tag)
    return None if read is None else read(octets, start, stop)


def describe_flags(flags: int) -> dict[str, Any]:
    """The flags of a point by name."""
    return {
        "state": flags >> 6,
        "quality": QUALITIES[flags >> 4 & 3],
        "source": SOURCES[flags >> 2 & 3],
        "normal": not flags & 2,
        "time_valid": not flags & 1,
    }


def tag(octets: Octets, start: int, stop: int) -> tuple[str, str] | None:
    """The tag of a device, the first of the values in `octets[start:stop]`: its bits, and why it was set.

    None if the value is none. Raises DecodeError.
    """
    if start >= stop:
        return None
    kind, first, last = ber.header(octets, start, stop)
    if kind != STRUCTURE:
        return None
    members = ber.children(octets, first, last)
    if [it[0] for it in members[:2]] != [BIT_STRING, VISIBLE_STRING]:
        return None
    return _bit_string(octets, *members[0][1:]), text(octets, *members[1][1:])


def conditions(octets: Octets, item: Item) -> tuple[str, ...]:
    """The names of the DSConditions that are set. Raises DecodeError."""
    kind, start, stop = item
    if kind != BIT_STRING or stop - start > OCTETS_MAX:
        return ()
    return tuple(name for name, bit in zip(CONDITIONS, _bit_string(octets, start, stop), strict=False) if bit == "1")
