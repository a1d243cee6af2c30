"""Strict records: what a peer sends is a msgpack map of exactly the known fields, each checked.

A record is `{"kind": ..., "v": ..., field: value, ...}`. A field too many, one too few, a wrong type or a
value out of bounds refuses the whole record.

A kind's versions stand in a table, each the one before and some fields more (versions.py has the rules). A record is
written in a version that its reader knows, and so without the fields that came later. Of a version later than the
table's last, the fields of that last one are read, which are all still there; the rest is left alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from protocol.errors import MessageError

Check = Callable[[object], bool]

RECORD_BYTES_MAX = 1024
NAME_CHARS_MAX = 64
_U64_MAX = 2**64 - 1


def number(most: int = _U64_MAX) -> Check:
    """An integer from 0 to `most`; booleans are none."""
    return lambda value: type(value) is int and 0 <= value <= most


def text(chars_max: int = NAME_CHARS_MAX) -> Check:
    """Printable text of 1 to `chars_max` characters."""
    return lambda value: isinstance(value, str) and 1 <= len(value) <= chars_max and value.isprintable()


def flag(value: object) -> bool:
    """True or false."""
    return isinstance(value, bool)


def one_of(values: frozenset[str]) -> Check:
    """One of these words."""
    return lambda value: isinstance(value, str) and value in values


@dataclass(frozen=True, slots=True)
class Schema:
    """One kind of record in one version."""

    kind: str
    version: int
    fields: Mapping[str, Check]


def newer(schema: Schema, **fields: Check) -> Schema:
    """The next version of a schema: these fields more."""
    return Schema(schema.kind, schema.version + 1, {**schema.fields, **fields})


def pack(schema: Schema, values: Mapping[str, Any]) -> bytes:
    """The record's bytes; our own values must fit the schema."""
    assert all(check(values[name]) for name, check in schema.fields.items()), f"{schema.kind}: {values}"
    fields = {name: values[name] for name in schema.fields}
    data = bytes(msgpack.packb({"kind": schema.kind, "v": schema.version, **fields}))
    assert len(data) <= RECORD_BYTES_MAX, f"a {schema.kind} of {len(data)} bytes"
    return data


def unpack(schemas: Mapping[str, Sequence[Schema]], data: bytes) -> tuple[str, dict[str, Any]]:
    """A record of one of these kinds, whose versions stand oldest first: its kind and its fields.

    Raises MessageError: `oversized`, `malformed`, `unknown-message`, `version`.
    """
    record = _decode(data)
    kind, version = record.pop("kind", None), record.pop("v", None)
    if not isinstance(kind, str) or kind not in schemas:
        raise MessageError("unknown-message", repr(kind)[:80])
    schema = _schema(schemas[kind], version)
    if schema.version != version:
        record = {name: value for name, value in record.items() if name in schema.fields}
    if record.keys() != schema.fields.keys():
        odd = sorted(repr(name)[:40] for name in record.keys() ^ schema.fields.keys())
        raise MessageError("malformed", f"{kind}: fields {', '.join(odd[:8])}")
    for name, check in schema.fields.items():
        if not check(record[name]):
            raise MessageError("malformed", f"{kind}: {name}")
    return kind, record


def _schema(versions: Sequence[Schema], version: object) -> Schema:
    """The schema to read a record of this version by."""
    oldest, latest = versions[0], versions[-1]
    if type(version) is not int or version < oldest.version:
        raise MessageError("version", f"{oldest.kind} in version {version!r:.20}, here {oldest.version} and later")
    return versions[min(version, latest.version) - oldest.version]


def _decode(data: bytes) -> dict[Any, Any]:
    if len(data) > RECORD_BYTES_MAX:
        raise MessageError("oversized", f"{len(data)} bytes")
    try:
        record = msgpack.unpackb(data, raw=False, use_list=True, strict_map_key=True, ext_hook=_no_extension)
    except (ValueError, msgpack.UnpackException) as error:
        raise MessageError("malformed", f"not msgpack: {error}") from None
    if not isinstance(record, dict):
        raise MessageError("malformed", "a record is a map")
    return record


def _no_extension(code: int, data: bytes) -> object:
    raise ValueError(f"extension type {code} of {len(data)} bytes")
