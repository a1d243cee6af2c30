"""What is remembered of peers beyond one session: one object, shared by all sessions of a node.

Everything is bounded (of a full table the oldest entry goes), takes the time as an argument (wall clock, ms since
1970), and bears a clock that was set back: windows begin anew, selects are forgotten, quarantines last at most
QUARANTINE_MS from whatever the clock says now.
"""

from collections.abc import Iterable
from typing import Any

from inspector.errors import StateError
from inspector.packed import as_count, as_text, pack, unpack

VERSION = 1

PEERS_MAX = 1024
"""Peers with open connections, and peers in quarantine."""
WINDOWS_MAX = 4096
ITEMS_MAX = 1024
"""Things counted in one window, whatever a rule asks for."""
DEVICES_MAX = 1024
SELECT_MS = 120_000
"""For how long a select is taken to last at most; how long it does is up to each device, and not said on the wire."""
QUARANTINE_MS = 7 * 86_400_000
"""The longest quarantine; one that would end later was begun by a clock that has been set back since."""


class Watch:
    """Rates, open connections, selects and quarantines of all peers."""

    __slots__ = ("_connections", "_quarantines", "_selects", "changed", "windows")

    def __init__(self) -> None:
        self.changed = False
        """Whether something changed since whoever copies the watch last put this to False."""
        self.windows: dict[str, list[Any]] = {}
        """[start in ms, count] or [start in ms, thing, thing, ...]."""
        self._connections: dict[str, int] = {}
        self._selects: dict[str, tuple[str, int]] = {}
        """Server and device: who selected it, and when in ms."""
        self._quarantines: dict[str, int] = {}
        """Peer: until when in ms."""

    def hit(self, key: str, item: str, now_ms: int, seconds: float, distinct: bool, items_max: int) -> int:
        """Count something in the window `key`: how many there are with it; 0 if it adds nothing.

        A window lasts `seconds` from its first hit. With `distinct`, things are counted and not how often they are
        met. Beyond `items_max` nothing is added. A clock that was set back begins a new window, and so does a rule
        that now counts otherwise.
        """
        window = self.windows.get(key)
        if window is None or not 0 <= now_ms - window[0] <= seconds * 1000 or isinstance(window[1], str) != distinct:
            _put(self.windows, key, [max(now_ms, 0), item if distinct else 1], WINDOWS_MAX)
            self.changed = True
            return 1
        seen = len(window) - 1 if distinct else int(window[1])
        if seen >= min(items_max, ITEMS_MAX) or (distinct and item in window[1:]):
            return 0
        if distinct:
            window.append(item)
        else:
            window[1] += 1
        self.changed = True
        return seen + 1

    def connected(self, peer: str, now_ms: int) -> int:  # noqa: ARG002 (every method that notes something takes it)
        """A connection of `peer` was opened: how many it has open now."""
        count = self._connections.get(peer, 0) + 1
        _put(self._connections, peer, count, PEERS_MAX)
        self.changed = True
        return count

    def closed(self, peer: str) -> None:
        """A connection of `peer` was closed."""
        count = self._connections.get(peer, 0)
        if count > 1:
            self._connections[peer] = count - 1
        elif count:
            del self._connections[peer]
        self.changed |= bool(count)

    def connections(self, peer: str) -> int:
        """How many connections `peer` has open."""
        return self._connections.get(peer, 0)

    def recount(self, peers: Iterable[str]) -> None:
        """The open connections are these, one peer each: after `restore`, when not every session came along."""
        self._connections.clear()
        for peer in peers:
            self.connected(peer, 0)
        self.changed = True

    def select(self, device: str, peer: str, now_ms: int, server: str = "") -> None:
        """`peer` has selected `device` of `server`."""
        _put(self._selects, f"{server} {device}", (peer, max(now_ms, 0)), DEVICES_MAX)
        self.changed = True

    def selected_by(self, device: str, now_ms: int, server: str = "") -> str | None:
        """Who has `device` selected; None if nobody has, or so long ago that it no longer counts."""
        peer, at_ms = self._selects.get(f"{server} {device}", ("", 0))
        return peer if peer and 0 <= now_ms - at_ms <= SELECT_MS else None

    def quarantine(self, peer: str, until_ms: int) -> None:
        """Refuse `peer` until then."""
        _put(self._quarantines, peer, max(until_ms, 0), PEERS_MAX)
        self.changed = True

    def quarantined(self, peer: str, now_ms: int) -> bool:
        """Whether `peer` is to be refused."""
        return 0 < self._quarantines.get(peer, now_ms) - now_ms <= QUARANTINE_MS

    def release(self, peer: str) -> None:
        """End the quarantine of `peer`."""
        if self._quarantines.pop(peer, None) is not None:
            self.changed = True

    def quarantines(self, now_ms: int) -> dict[str, int]:
        """Who is in quarantine, and until when (ms)."""
        return {peer: until for peer, until in self._quarantines.items() if self.quarantined(peer, now_ms)}

    def pack(self) -> bytes:
        """Everything."""
        fields = {
            "v": VERSION,
            "windows": [list(it) for it in self.windows.items()],
            "connections": [list(it) for it in self._connections.items()],
            "selects": [[device, *it] for device, it in self._selects.items()],
            "quarantines": [list(it) for it in self._quarantines.items()],
        }
        return pack(fields)

    @classmethod
    def restore(cls, packed: bytes) -> "Watch":
        """The watch that was packed. Raises StateError."""
        fields = unpack(packed)
        if not isinstance(fields, dict) or fields.get("v") != VERSION:
            raise StateError("not a watch, or one of an unknown version")
        watch = cls()
        try:
            watch._load(fields)
        except (LookupError, TypeError, ValueError) as error:
            raise StateError("not a watch of this inspector") from error
        return watch

    def take_up(self, packed: bytes) -> None:
        """Go on with what was packed instead of what is remembered here. Raises StateError; nothing changes then."""
        other = Watch.restore(packed)
        self.windows, self._connections = other.windows, other._connections
        self._selects, self._quarantines = other._selects, other._quarantines

    def _load(self, fields: dict[str, Any]) -> None:
        for key, window in fields["windows"]:
            _put(self.windows, as_text(key), _window(window), WINDOWS_MAX)
        for peer, count in fields["connections"]:
            _put(self._connections, as_text(peer), as_count(count), PEERS_MAX)
        for device, peer, at_ms in fields["selects"]:
            _put(self._selects, as_text(device), (as_text(peer), as_count(at_ms)), DEVICES_MAX)
        for peer, until_ms in fields["quarantines"]:
            _put(self._quarantines, as_text(peer), as_count(until_ms), PEERS_MAX)


def _put(table: dict[str, Any], key: str, value: Any, most: int) -> None:
    """The newest entry stands last; the first goes if there are too many."""
    if table.pop(key, None) is None and len(table) >= most:
        del table[next(iter(table))]
    table[key] = value


def _window(value: Any) -> list[Any]:
    start_ms, *items = value
    if len(items) > ITEMS_MAX or not items:
        raise ValueError("a window of nothing, or of too much")
    if all(isinstance(item, str) for item in items):
        return [as_count(start_ms), *items]
    (number,) = items
    return [as_count(start_ms), as_count(number)]
