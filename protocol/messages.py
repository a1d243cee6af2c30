"""What the primary tells the passive node over the replication stream, and what it hears back.

A frame carries a batch of messages: a msgpack array of arrays, each `[code, *fields]`. Frames are numbered by
their place in the sealed stream; the passive answers with `Commit(n)`: all frames up to n are applied. Order
within the stream is the order in which the primary did things.

What a version brings (versions.py has the rules) stands in the table below with its number: a message that a reader of
an older version does not know is not sent to it, and a message's or a session record's later fields are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgpack

from protocol.errors import MessageError
from protocol.session import FIELDS_OF_VERSION_1, Edit


class SyncBegin(NamedTuple):
    """A full sync starts. `discard`: what the passive holds from before is stale and must not be used."""

    discard: bool


class Opened(NamedTuple):
    """A session as a whole, new or dumped for a sync; replaces what the passive holds of it."""

    record: list[Any]


class Data(NamedTuple):
    """Bytes taken from a leg's peer, how many held bytes were then decided, and what else moved with them."""

    session: int
    leg: int
    data: bytes
    forward: int
    acknowledged: int
    """Bytes that the *other* leg's peer had acknowledged before these were forwarded."""
    delta: bytes | None
    """Change of the decoder's state, opaque."""
    edits: tuple[Edit, ...] = ()
    """What of the decided bytes did not go on; a message of the first version has none."""


class Ended(NamedTuple):
    """A leg's peer has finished sending (its FIN was taken)."""

    session: int
    leg: int


class Progress(NamedTuple):
    """Slow-moving facts of a leg, about once a second while they change."""

    session: int
    leg: int
    acknowledged: int
    packets_in: int
    packets_out: int


class Closed(NamedTuple):
    """The session is over."""

    session: int
    reason: str


class SyncEnd(NamedTuple):
    """Every session has been dumped since SyncBegin; what was not is gone."""


class Handover(NamedTuple):
    """Planned switchover: the primary is fenced, everything before this is all there is; take over now."""

    epoch: int


class Prepare(NamedTuple):
    """A planned switchover is near: bring up all that can be brought up before, and say when that is done."""


class Prepared(NamedTuple):
    """From the passive: what can be brought up before a switchover stands."""


class Commit(NamedTuple):
    """From the passive: every frame up to this number is applied."""

    frame: int


class Shared(NamedTuple):
    """State that all sessions share, opaque and whole; replaces what the passive holds of it."""

    state: bytes


Message = (
    SyncBegin | Opened | Data | Ended | Progress | Closed | SyncEnd | Handover | Commit | Shared | Prepare | Prepared
)
Order = Handover | Prepare
"""What is not for the cache, but for the node that keeps it."""

VERSION = 3
VERSIONS_READ = (1, 2, 3)
VERSIONS_WRITTEN = (2, 3)
"""Those that a passive node's reader may be of. Of version 1 none is left: what it cannot be told, edits, it would
miss."""
SHARED_BYTES_MAX = 1024 * 1024
"""The most that `Shared` may carry."""

_NAT = "n"  # an integer >= 0
_EDITS = "e"  # an array of edits
_EDIT = (_NAT, _NAT, bytes, bytes)
_FIELDS: dict[int, tuple[type[Any], tuple[object, ...]]] = {
    1: (SyncBegin, (bool,)),
    2: (Opened, (list,)),
    3: (Data, (_NAT, _NAT, bytes, _NAT, _NAT, (bytes, type(None)), _EDITS)),
    4: (Ended, (_NAT, _NAT)),
    5: (Progress, (_NAT, _NAT, _NAT, _NAT, _NAT)),
    6: (Closed, (_NAT, str)),
    7: (SyncEnd, ()),
    8: (Handover, (_NAT,)),
    9: (Commit, (_NAT,)),
    10: (Shared, (bytes,)),
    11: (Prepare, ()),
    12: (Prepared, ()),
}
_CODES = {kind: code for code, (kind, _) in _FIELDS.items()}
_OPENED = _CODES[Opened]


class _Brought(NamedTuple):
    """What a version brought, and a reader of the one before must be spared. Messages go by their codes."""

    messages: frozenset[int] = frozenset()
    fields: Mapping[int, int] = {}
    """Messages that became longer: how many fields they had before, and have still if the rest is left out."""
    record: int | None = None
    """How many fields a session's record had before."""


_BROUGHT = {
    2: _Brought(frozenset({_CODES[Shared]}), {_CODES[Data]: 6}, FIELDS_OF_VERSION_1),
    3: _Brought(frozenset({_CODES[Prepare], _CODES[Prepared]})),
}
_SHORTER = frozenset(older for brought in _BROUGHT.values() for older in brought.fields.items())
_Item = tuple[Any, ...]


def pack(messages: Iterable[Message], version: int = VERSION) -> bytes:
    """A frame's payload for a reader of this version."""
    items: list[_Item] = [(_CODES[type(message)], *message) for message in messages]
    for later in range(VERSION, version, -1):
        items = [_without(_BROUGHT[later], item) for item in items if item[0] not in _BROUGHT[later].messages]
    return bytes(msgpack.packb(items))


def understood(kind: type[Message], version: int) -> bool:
    """Whether a reader of this version knows such messages."""
    return all(_CODES[kind] not in _BROUGHT[later].messages for later in range(version + 1, VERSION + 1))


def _without(brought: _Brought, item: _Item) -> _Item:
    code, *fields = item
    if code == _OPENED:
        fields[0] = fields[0][: brought.record]
    return code, *fields[: brought.fields.get(code)]


def unpack(payload: bytes) -> list[Message]:
    """The messages of a frame; raises MessageError on anything that is not exactly one batch of known ones."""
    try:
        batch = msgpack.unpackb(payload, use_list=True)
    except (ValueError, msgpack.UnpackException) as error:
        raise MessageError("malformed", f"not msgpack: {error}") from error
    if not isinstance(batch, list):
        raise MessageError("malformed", "a frame holds an array of messages")
    return [_message(item) for item in batch]


def _message(item: object) -> Message:
    if not isinstance(item, list) or not item or not isinstance(item[0], int):
        raise MessageError("malformed", "a message is [code, fields...]")
    if item[0] not in _FIELDS:
        raise MessageError("unknown-message", f"code {item[0]}")
    kind, expected = _FIELDS[item[0]]
    fields = item[1:]
    if (item[0], len(fields)) in _SHORTER:
        fields += list(kind._field_defaults.values())[len(fields) - len(expected) :]
    if len(fields) != len(expected) or not all(map(_fits, fields, expected)):
        raise MessageError("malformed", f"fields of {kind.__name__}")
    if kind is Data:
        fields[-1] = tuple(map(tuple, fields[-1]))
    message: Message = kind(*fields)
    return message


def _fits(value: object, expected: Any) -> bool:
    if expected is _NAT:
        return type(value) is int and value >= 0
    if expected is _EDITS:
        return isinstance(value, list | tuple) and all(map(_is_edit, value))
    return isinstance(value, expected)


def _is_edit(value: object) -> bool:
    return isinstance(value, list) and len(value) == len(_EDIT) and all(map(_fits, value, _EDIT))


def size(messages: Sequence[Message]) -> int:
    """About how many bytes the batch takes on the wire: what bounds a frame and the lag."""
    return sum(map(_size, messages))


def _size(message: Message) -> int:
    match message:
        case Data():
            return 64 + len(message.data) + sum(16 + len(instead) + len(back) for _, _, instead, back in message.edits)
        case Shared():
            return 64 + len(message.state)
        case Opened():
            return 64 + _octets(message.record)
    return 64


def _octets(value: Any) -> int:
    """Of all byte strings in a record."""
    if isinstance(value, list | tuple):
        return sum(map(_octets, value))
    return len(value) if isinstance(value, bytes) else 0
