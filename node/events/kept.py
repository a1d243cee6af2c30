"""The node's own store of events: the latest ones in memory, and in a file of two halves that outlives the process."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from node.events.event import Event, Kind
from node.log import get

READ_BYTES_MAX = 32 * 1024 * 1024
UNKEPT = frozenset({Kind.STATS})

log = get("events")


class Kept:
    """The latest events, oldest first."""

    def __init__(self, events_max: int) -> None:
        self._events: deque[Event] = deque(maxlen=events_max)

    def take(self, event: Event) -> None:
        """Keep an event."""
        if event.kind not in UNKEPT:
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

    def load(self, files: Iterable[Path]) -> None:
        """Take up what an earlier life wrote, oldest file first; lines that are no events are passed over."""
        for file in files:
            for line in _tail(file):
                try:
                    self._events.append(Event.of(json.loads(line)))
                except (ValueError, KeyError, TypeError):
                    log.warning("a line is no event", file=str(file))


def _tail(file: Path) -> list[bytes]:
    """The file's lines, of its last part only if it is larger than it should be."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(size - READ_BYTES_MAX, 0))
            return stream.read().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("earlier events cannot be read", file=str(file), error=str(error))
        return []
