"""Events in the look of `execute log display`: how many there are, then numbered lines of key=value, newest first."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from node.cli.views.text import Record, part, records, whole
from node.events import Event, fortios


def render(data: object, zone: tzinfo | None = None) -> str:
    """The events; `data` is the answer to GET /log. Times in `zone`, by default the host's."""
    answer: Record = data if isinstance(data, dict) else {}
    first = answer.get("start")
    number = first if isinstance(first, int) else 1
    lines = [f"{number + nr}: {_line(record, zone)}" for nr, record in enumerate(records(answer.get("events")))]
    head = [f"{whole(answer.get('found'))} logs found.", f"{whole(answer.get('returned'))} logs returned."]
    return "\n".join([*head, *(["", *lines] if lines else [])])


def _line(record: Record, zone: tzinfo | None) -> str:
    try:
        return fortios.line(Event.of(record), zone)
    except (KeyError, TypeError, ValueError):
        return _unknown(record)


def _unknown(record: Record) -> str:
    """An event of a later release: what it says of itself."""
    told: dict[str, Any] = {name: record.get(name) for name in ("ts", "type", "incident", "message")}
    return " ".join(f"{name}={fortios.quoted(value)}" for name, value in {**told, **part(record, "facts")}.items())
