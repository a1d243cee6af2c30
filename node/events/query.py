"""Which events somebody wants to see: the filters of `tandem execute log display`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from node.events.event import NS_PER_S, Event, Severity

COUNT = 10
COUNT_MAX = 1000

Wanted = Callable[[Event], bool]


class QueryError(ValueError):
    """A filter that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Query:
    """Filters that all must fit, and which of the events that do are given."""

    wanted: tuple[Wanted, ...] = ()
    start: int = 1
    """The first line that is given; 1 is the newest event."""
    count: int = COUNT

    def answer(self, events: Iterable[Event]) -> dict[str, Any]:
        """The events that fit, newest first; `events` is oldest first."""
        found = [event for event in events if all(wanted(event) for wanted in self.wanted)]
        found.reverse()
        given = [event.record() for event in islice(found, self.start - 1, self.start - 1 + self.count)]
        return {"found": len(found), "returned": len(given), "start": self.start, "events": given}


def parse(given: Mapping[str, str]) -> Query:
    """The query that words ask for; raises QueryError, which says what is wrong."""
    if unknown := given.keys() - _FILTERS.keys() - {"start", "count"}:
        raise QueryError(f"no filter is called {min(unknown)}; there are {', '.join(sorted(_FILTERS))}, start, count")
    wanted = tuple(_FILTERS[name](text) for name, text in given.items() if name in _FILTERS)
    start, count = _number(given, "start", 1, 1_000_000), _number(given, "count", COUNT, COUNT_MAX)
    return Query(wanted, start, count)


def _number(given: Mapping[str, str], name: str, default: int, highest: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= highest):
        raise QueryError(f"{name} must be a number from 1 to {highest}, not {text!r}")
    return int(text)


def _time(text: str) -> int:
    """An instant in ns; without a zone it is the host's time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(f"{text!r} is no time: write it as 2026-03-01T12:00 or 2026-03-01T12:00:00+01:00") from None
    return int(at.timestamp() * NS_PER_S)


def _since(text: str) -> Wanted:
    since_ns = _time(text)
    return lambda event: event.time_ns >= since_ns


def _until(text: str) -> Wanted:
    until_ns = _time(text)
    return lambda event: event.time_ns <= until_ns


def _severity(text: str) -> Wanted:
    """That severity and above."""
    if text not in list(Severity):
        raise QueryError(f"no severity is called {text!r}; there are {', '.join(Severity)}")
    least = Severity(text).rank
    return lambda event: event.severity.rank >= least


def _session(text: str) -> Wanted:
    """By id or serial."""
    return lambda event: bool(event.id) and text.lower() in (str(event.id), event.serial, event.serial.lstrip("0"))


def _pattern(name: str) -> Callable[[str], Wanted]:
    return lambda text: lambda event: fnmatchcase(str(getattr(event, name)).lower(), text.lower())


def _end(name: str) -> Callable[[str], Wanted]:
    """A pattern for an address, with its port or without."""

    def wanted(text: str) -> Wanted:
        return lambda event: any(fnmatchcase(it, text) for it in _end_and_host(getattr(event, name)))

    return wanted


def _end_and_host(end: str) -> tuple[str, str]:
    return end, end.rpartition(":")[0]


_FILTERS: dict[str, Callable[[str], Wanted]] = {
    "since": _since,
    "until": _until,
    "severity": _severity,
    "session": _session,
    "type": _pattern("kind"),
    "action": _pattern("action"),
    "app": _pattern("app"),
    "client": _end("client"),
    "server": _end("server"),
}
