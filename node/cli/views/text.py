"""The words that the views share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

ABSENT = "-"

Record = Mapping[str, Any]


def clean(value: object) -> str:
    """A value for a terminal: control characters, which a peer may have put into a name, made harmless."""
    if value is None or value == "":
        return ABSENT
    return "".join(char if char.isprintable() else "?" for char in str(value))


def whole(value: object) -> str:
    """A number without its fraction."""
    return str(int(value)) if isinstance(value, (int, float)) else ABSENT


def hexadecimal(value: object) -> str:
    """A number as the vendor writes hashes; text as it is."""
    return f"{value:x}" if isinstance(value, int) else clean(value)


def serial(value: object) -> str:
    """A number as the vendor writes serials."""
    return f"{value:08x}" if isinstance(value, int) else clean(value)


def joined(values: object) -> str:
    """A list's values, or "-"."""
    items: Iterable[object] = values if isinstance(values, (list, tuple)) else ()
    return " ".join(clean(item) for item in items) or ABSENT


class Shown:
    """A JSON value to be formatted into a template: `"{client} {bytes[0]:n}".format_map(Shown(record))`.

    Whatever is missing, at any depth, formats as "-". The format codes are the keys of FORMATS.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, key: str | int) -> Shown:
        value = self._value
        if isinstance(key, int):
            inside = isinstance(value, (list, tuple)) and key < len(value)
        else:
            inside = isinstance(value, Mapping) and key in value
        return Shown(value[key] if inside else None)

    def __format__(self, code: str) -> str:
        return FORMATS[code](self._value)


def fill(template: str, record: Record) -> str:
    """The template with the record's values, all of them clean."""
    return template.format_map(Shown(record))


def part(record: Record, key: str) -> Record:
    """A mapping within a mapping; empty when it is not there."""
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}


def records(data: object) -> list[Record]:
    """The rows of an answer."""
    return [row for row in data if isinstance(row, Mapping)] if isinstance(data, list) else []


def duration(seconds: object) -> str:
    """A span of time as people say it: two units at most."""
    if not isinstance(seconds, (int, float)):
        return ABSENT
    left = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def octets(count: object) -> str:
    """A size with its binary unit."""
    if not isinstance(count, (int, float)):
        return ABSENT
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def milliseconds(value: object) -> str:
    """A time in ms, with a decimal below 100."""
    if not isinstance(value, (int, float)):
        return ABSENT
    return f"{value:.1f} ms" if abs(value) < 100 else f"{value:.0f} ms"


FORMATS: dict[str, Callable[[object], str]] = {
    "": clean,
    "n": whole,
    "x": hexadecimal,
    "serial": serial,
    "upper": lambda value: clean(value).upper(),
    "list": joined,
    "age": duration,
    "size": octets,
    "ms": milliseconds,
    "rate": lambda value: f"{value:.1f}" if isinstance(value, (int, float)) else ABSENT,
}
