"""Answers unlike what was asked for, and larger than clients are built to take.

Clients trust their servers, and so do their libraries: libiec61850 before 1.6 copies the strings of an identify
response into buffers of 100 octets (CVE-2024-45971), of a file directory's entries the name into 400 and the time into
40 (CVE-2024-45970), likewise the time of a file opened, each with a zero behind it, whatever their length.
"""

from collections.abc import Iterator, Sequence

from inspector import apps, services, tase2
from inspector.answers import result_span
from inspector.ber import Octets
from inspector.checks.base import EVENTS_MAX, NONE, Item, count, inside
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.results import Event
from inspector.seen import Seen
from inspector.state import Association, Call
from inspector.tase2 import Kind

IDENTITY_BYTES = 99
"""vendorName, modelName, revision."""
FILE_NAME_BYTES = 399
FILE_TIME_BYTES = 39
_IDENTITIES = {0x80: "vendor name", 0x81: "model name", 0x82: "revision"}

_SEQUENCE = 0x30
_LIST = 0xA0
_FILE_NAME = 0xA0
_FILE_ATTRIBUTES = 0xA1
_LAST_MODIFIED = 0x81


def _asked() -> dict[int, int]:
    """The MMS service of what a call's number stands for."""
    asked = {number: number for number in range(len(services.CONFIRMED_SERVICES))}
    asked |= {naming.number: service for service, naming in (*tase2.SERVICES.items(), *tase2.BY_LIST.items())}
    asked |= {naming.number: services.READ for naming in (*tase2.READS.values(), apps.SELECT, apps.GET_TAG)}
    asked[apps.GET_DATA_SET_NAMES.number] = services.GET_NAME_LIST
    writes = (apps.START_TRANSFER, apps.STOP_TRANSFER, apps.ENABLE_MESSAGES, apps.DISABLE_MESSAGES)
    asked |= {naming.number: services.WRITE for naming in (*writes, apps.OPERATE, apps.SET_TAG)}
    return asked


ASKED = _asked()


def mismatched(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """A response of another service than its request's, or with more results than its data set has members."""
    if seen.call is None or seen.part is None or seen.part.mms is None:
        return NONE
    asked, service = ASKED.get(seen.call.number), seen.part.mms.service
    if asked is None or service is None:
        return NONE
    if asked != service:
        names = services.CONFIRMED_SERVICES
        return (Event("response-mismatch", f"{names[service]} in answer to {names[asked]}", seen.call.object),)
    return _too_many(seen, seen.call, association) if seen.call.number in _WHOLE else NONE


_WHOLE = frozenset(naming.number for naming in tase2.BY_LIST.values())


def _too_many(seen: Seen, call: Call, association: Association) -> Sequence[Event]:
    """More results than the data set read or written has members."""
    data_set = association.known.get(call.object)
    if data_set is None or data_set.kind is not Kind.DATA_SET or not data_set.value:
        return NONE
    results, members = _results(seen), len(data_set.value)
    if results <= members:
        return NONE
    return (Event("response-mismatch", f"{results} results for the {members} members asked for", call.object),)


def _results(seen: Seen) -> int:
    """How many results a read or write response has."""
    assert seen.part is not None and seen.part.mms is not None
    try:
        return count(seen.octets, *result_span(seen.octets, seen.part.mms)) or 0
    except DecodeError:
        return 0


def identity(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """The strings of an identify response."""
    return [
        _oversized(_IDENTITIES[tag], stop - start, IDENTITY_BYTES)
        for tag, start, stop in _contents(seen)
        if tag in _IDENTITIES and stop - start > IDENTITY_BYTES
    ]


def names(seen: Seen, _association: Association, limits: Limits) -> Sequence[Event]:
    """The identifiers of a name list; the first that is too long tells."""
    for tag, start, stop in _contents(seen):
        for _, first, last in inside(seen.octets, start, stop) if tag == _LIST else ():
            if last - first > limits.name_bytes:
                return (_oversized("name in a list", last - first, limits.name_bytes),)
    return NONE


def directory(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """The names and times in a file directory."""
    found = []
    for field, size, most in _file_fields(seen.octets, _contents(seen)):
        if size > most:
            found.append(_oversized(field, size, most))
            if len(found) == EVENTS_MAX:
                break
    return found


def opened(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """The time of a file that was opened."""
    return [
        _oversized("file time", size, FILE_TIME_BYTES)
        for tag, start, stop in _contents(seen)
        if tag == _FILE_ATTRIBUTES
        for size in _times(inside(seen.octets, start, stop))
        if size > FILE_TIME_BYTES
    ][:EVENTS_MAX]


def _file_fields(octets: Octets, contents: list[Item]) -> Iterator[tuple[str, int, int]]:
    """What is copied of each entry, how long it is and may be. Of a name that is its first part, of whatever type."""
    for _, start, stop in _entries(octets, contents):
        for tag, first, last in inside(octets, start, stop):
            parts = inside(octets, first, last)
            if tag == _FILE_NAME and parts:
                yield "file name", parts[0][2] - parts[0][1], FILE_NAME_BYTES
            elif tag == _FILE_ATTRIBUTES:
                yield from (("file time", size, FILE_TIME_BYTES) for size in _times(parts))


def _times(attributes: list[Item]) -> list[int]:
    """The lengths of what says when a file was last modified."""
    return [stop - start for tag, start, stop in attributes if tag == _LAST_MODIFIED]


def _entries(octets: Octets, contents: list[Item]) -> Iterator[Item]:
    """The entries in listOfDirectoryEntry, whether its tag is explicit, as ISO 9506-2 has it, or implicit."""
    for tag, start, stop in contents:
        for item in inside(octets, start, stop) if tag == _LIST else ():
            yield item
            yield from (it for it in inside(octets, item[1], item[2]) if it[0] == _SEQUENCE)


def _contents(seen: Seen) -> list[Item]:
    """The values of a response."""
    if seen.part is None or seen.part.mms is None:
        return []
    return inside(seen.octets, seen.part.mms.start, seen.part.mms.stop)


def _oversized(field: str, size: int, most: int) -> Event:
    return Event("response-oversized", f"a {field} of {size} octets, and some clients take {most}", field)
