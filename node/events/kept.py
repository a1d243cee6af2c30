"""The node's own store of events: the latest ones in memory, and in a file of two halves that outlives the process."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from node.config import Node
from node.events.event import Event, Kind
from node.events.files import numbered
from node.log import get

FILE_BYTES_MAX = 8 * 1024 * 1024
"""Of each half."""

log = get("events")


class Kept:
    """The latest events, oldest first."""

    def __init__(self, events_max: int) -> None:
        self._events: deque[Event] = deque(maxlen=events_max)

    def take(self, event: Event) -> None:
        """Keep an event."""
        if event.kind is not Kind.STATS:
            self._events.append(event)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def since(self, incident: int) -> tuple[list[Event], int]:
        """Events with a higher serial than this, and the latest serial there is."""
        last = self._events[-1].incident if self._events else 0
        if last <= incident:
            return [], last
        start = bisect_right(self._events, incident, key=lambda event: event.incident)
        return list(islice(self._events, start, None)), last

    def load(self, file: Path) -> None:
        """Take up what earlier lives wrote; lines that are no events are passed over."""
        lines = [*_tail(numbered(file, 1)), *_tail(file)][-(self._events.maxlen or 0) :]
        earlier = [event for line in lines if (event := _event(line)) is not None]
        if len(earlier) < len(lines):
            log.warning("lines that are no events", file=str(file), count=len(lines) - len(earlier))
        self._events.extendleft(reversed(earlier))


def kept_file(node: Node) -> Path:
    """Where a node keeps its events."""
    return node.state_dir / f"{node.name}.events"


def kept_line(event: Event) -> bytes:
    """An event as the file has it."""
    return json.dumps(event.record(), separators=(",", ":")).encode() + b"\n"


def _event(line: bytes) -> Event | None:
    try:
        return Event.of(json.loads(line))
    except (ValueError, KeyError, TypeError):
        return None


def _tail(file: Path) -> list[bytes]:
    """The file's lines, of its last part only if it is larger than it should be."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(size - FILE_BYTES_MAX, 0))
            return stream.read().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("earlier events cannot be read", file=str(file), error=str(error))
        return []
