"""What an association remembers, how it packs, and the deltas between two moments of it.

PDUs are counted; everything else changes through `change(op)`, which applies an op and notes it. A delta is
`[PDUs from the client, PDUs from the server, op, op, ...]` in msgpack, so that in the steady state, reports
flowing and nothing new, it is three octets. `apply_delta` replays one with the very code that made it.

Version 2 added facts, knowledge of data sets, rate windows and tags; version 1 is still read.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from inspector.apps import NAMINGS
from inspector.errors import StateError
from inspector.packed import as_count, as_text, pack, unpack
from inspector.presentation import ABSTRACT_SYNTAXES, Contexts
from inspector.results import LAYERS
from inspector.tase2 import Kind

VERSION = 2
VERSIONS_READ = (1, 2)
CHANGES_MAX = 512
"""Ops noted before a delta says everything anew instead; bounds a state whose deltas nobody takes."""
WINDOWS_MAX = 256
TAGS_MAX = 64
FACTS_MAX = 32
APPS_MAX = 256

DETECTED = 1
IGNORED = 2
RESET = 4
OSI = 8
BARE = 16
MIDSTREAM = 32
"""The first thing seen was not a connection request: what was agreed on before is not known."""
INITIATED = 64
"""MMS was initiated, and the answer was positive."""
ADMITTED = 128
"""The policy has looked at who the peers are."""
STRANGER = 256
"""A peer that no policy names was told of."""
_FLAGS_ALL = 511

UNPERMITTED = 1
"""A call's flag: the policy does not allow it, and it passed all the same (monitor)."""

_SYNTAXES = ("", *sorted(ABSTRACT_SYNTAXES.values()))

Op = tuple[Any, ...]


class Call(NamedTuple):
    """A request that awaits its response."""

    number: int
    """What it does: a number of apps.NAMINGS."""
    object: str = ""
    """The first object it names, if any."""
    flags: int = 0


class Known(NamedTuple):
    """What a name stands for."""

    kind: Kind
    value: list[Any]
    """TRANSFER_SET: [data set or "", side that reports, whether it runs]; DEVICE: [state, direction of the select,
    when in ms]; DATA_SET: the members' names, empty if too many to keep."""


class Device:
    """The states of a device under select before operate (IEC 60870-6-503, Block 5)."""

    KNOWN = 0
    ASKED = 1
    SELECTED = 2


class Association:
    """The memory of one association. Read the attributes; change only through the methods."""

    __slots__ = (
        "_changes",
        "_told",
        "apps",
        "calls",
        "contexts",
        "facts",
        "flags",
        "generation",
        "known",
        "last_app",
        "layers",
        "pdus",
        "tags",
        "touched",
        "windows",
    )

    def __init__(self) -> None:
        self.flags = 0
        self.layers = 0
        """Bit i is set when LAYERS[i] was seen."""
        self.pdus = [0, 0]
        self.last_app: int | str | None = None
        """A number of apps.NAMINGS, or the name of an application that the user's signatures define."""
        self.apps: dict[int | str, None] = {}
        self.contexts: Contexts = {}
        self.calls: tuple[dict[int, Call], dict[int, Call]] = ({}, {})
        """Per direction of the request: the call by its invoke ID."""
        self.facts: dict[str, int | str] = {}
        """Who the peers are and what they agreed on; memory.py lists the keys."""
        self.known: dict[str, Known] = {}
        self.windows: dict[str, list[Any]] = {}
        """Rate windows by key: [start in ms, count] or [start in ms, thing, thing, ...]."""
        self.tags: dict[str, None] = {}
        self.generation = 0
        """Grows with every change that could bear on what a report means; not part of the state."""
        self.touched = 0
        """Grows with every change but the count of PDUs; not part of the state."""
        self._changes: list[Op] | None = []
        self._told = [0, 0]

    def change(self, *op: Any) -> None:
        """Apply one op and note it for the next delta."""
        _OPS[op[0]](self, *op[1:])
        self.touched += 1
        self.generation += op[0] not in _PASSING
        changes = self._changes
        if changes is not None:
            changes.append(op)
            if len(changes) > CHANGES_MAX:
                self._changes = None

    def raise_flag(self, flag: int) -> None:
        """Set a flag, noted only if it was down."""
        if not self.flags & flag:
            self.change(_FLAGS, self.flags | flag)

    def lower_flags(self, flags: int) -> None:
        """Take flags down, noted only if one was up."""
        if self.flags & flags:
            self.change(_FLAGS, self.flags & ~flags)

    def see_layers(self, mask: int) -> None:
        """Add to the layers seen, noted only if one is new."""
        if mask & ~self.layers:
            self.change(_LAYERS, self.layers | mask)

    def see_app(self, app: int | str) -> None:
        """The association's application is now this one, noted only if it was another."""
        if app != self.last_app and (app in self.apps or len(self.apps) < APPS_MAX):
            self.change(_APP, app)

    def see_contexts(self, contexts: Contexts) -> None:
        """The presentation contexts proposed."""
        self.change(_CONTEXTS, [[number, _SYNTAXES.index(name)] for number, name in contexts.items()])

    def open_call(self, direction: int, invoke_id: int, call: Call, calls_max: int) -> None:
        """A request went by; the oldest one is forgotten if too many await their response."""
        calls = self.calls[direction]
        if len(calls) >= calls_max and invoke_id not in calls:
            self.change(_CLOSE, direction, next(iter(calls)))
        fields = [call.number] if call[1:] == ("", 0) else list(call)
        self.change(_OPEN, direction, invoke_id, *fields)

    def call(self, direction: int, invoke_id: int | None) -> Call | None:
        """The request that a response answers; None if it was not seen."""
        return None if invoke_id is None else self.calls[direction].get(invoke_id)

    def close_call(self, direction: int, invoke_id: int) -> None:
        """The request has been answered."""
        if invoke_id in self.calls[direction]:
            self.change(_CLOSE, direction, invoke_id)

    def note(self, key: str, value: int | str) -> None:
        """A fact, noted only if it is new."""
        if self.facts.get(key) != value and (key in self.facts or len(self.facts) < FACTS_MAX):
            self.change(_FACT, key, value)

    def learn(self, name: str, kind: Kind, value: list[Any], names_max: int) -> None:
        """What a name stands for, as long as there is room."""
        if self.known.get(name) != (kind, value) and (name in self.known or len(self.known) < names_max):
            self.change(_KNOW, name, int(kind), value)

    def forget(self, name: str) -> None:
        """A name stands for nothing any more."""
        if name in self.known:
            self.change(_FORGET, name)

    def hit(self, key: str, item: str, now_ms: int, seconds: float, distinct: bool, items_max: int) -> int:
        """Count something in the window `key`: how many there are with it; 0 if it adds nothing.

        A window lasts `seconds` from its first hit. With `distinct`, things are counted and not how often they are
        met. Beyond `items_max` nothing is added. A clock that was set back begins a new window.
        """
        now_ms = max(now_ms, 1)  # 0 stands for no new window in the op
        window = self.windows.get(key)
        if (
            window is None
            or not 0 <= now_ms - window[0] <= seconds * 1000
            or isinstance(window[1], str) != distinct  # the rule counts otherwise since it was changed
        ):
            if window is None and len(self.windows) >= WINDOWS_MAX:
                self.change(_UNHIT, next(iter(self.windows)))
            self.change(_HIT, key, now_ms, item if distinct else None)
            return 1
        seen = len(window) - 1 if distinct else int(window[1])
        if seen >= items_max or (distinct and item in window[1:]):
            return 0
        self.change(_HIT, key, 0, item if distinct else None)
        return seen + 1

    def set_tag(self, tag: str) -> None:
        """Mark the association."""
        if tag not in self.tags and len(self.tags) < TAGS_MAX:
            self.change(_TAG, tag)

    def take_delta(self) -> bytes | None:
        """Everything since the last delta or `mark`; None when nothing was."""
        client = self.pdus[0] - self._told[0]
        server = self.pdus[1] - self._told[1]
        changes = self._changes
        if not changes and changes is not None:
            if not client and not server:
                return None
            self._told[:] = self.pdus
            if client < 0x80 and server < 0x80:
                return bytes((0x92, client, server))
            return pack([client, server])
        ops = changes if changes is not None else [(_ALL, self.pack())]
        delta = pack([client, server, *ops])
        self.mark()
        return delta

    def mark(self) -> None:
        """From here on the next delta counts."""
        self._told[:] = self.pdus
        self._changes = []

    def apply_delta(self, delta: bytes) -> None:
        """Follow the association that made `delta`. Raises StateError."""
        ops = unpack(delta)
        try:
            client, server, *changes = ops
            self.pdus[0] += as_count(client)
            self.pdus[1] += as_count(server)
            for code, *args in changes:
                _OPS[code](self, *args)
        except (LookupError, TypeError, ValueError) as error:
            raise StateError("not a delta of this state") from error
        self.mark()

    def pack(self) -> list[Any]:
        """Everything, as values that msgpack takes."""
        return [
            self.flags,
            self.layers,
            list(self.pdus),
            self.last_app,
            list(self.apps),
            [[number, _SYNTAXES.index(name)] for number, name in self.contexts.items()],
            [[[invoke_id, *call] for invoke_id, call in table.items()] for table in self.calls],
            [[name, int(known.kind), known.value] for name, known in self.known.items()],
            [list(item) for item in self.facts.items()],
            [list(item) for item in self.windows.items()],
            list(self.tags),
        ]

    def load(self, packed: Any) -> None:
        """Become what `pack` gave, now or in version 1. Raises StateError."""
        try:
            flags, layers, pdus, last_app, apps, contexts, calls, names, *newer = packed
            facts, windows, tags = newer or ([], [], [])
            self._set_flags(flags if newer else flags | MIDSTREAM)  # what was agreed on was not kept
            self._set_layers(layers)
            self.pdus = [as_count(pdus[0]), as_count(pdus[1])]
            self.apps = {_app(app): None for app in apps}
            self.last_app = None if last_app is None else _app(last_app)
            self._set_contexts(contexts)
            self.calls = ({}, {})
            for direction in (0, 1):
                for call in calls[direction]:
                    self._open(direction, *call)
            self.known = {}
            for name in names:
                self._know(*name)
            self.facts = {as_text(key): _fact(value) for key, value in facts}
            self.windows = {as_text(key): _window(window) for key, window in windows}
            self.tags = {as_text(tag): None for tag in tags}
        except (LookupError, TypeError, ValueError) as error:
            raise StateError("not a state of this inspector") from error
        self.generation += 1
        self.mark()

    # --- the ops

    def _set_flags(self, flags: int) -> None:
        if as_count(flags) > _FLAGS_ALL:
            raise ValueError(flags)
        self.flags = flags

    def _set_layers(self, mask: int) -> None:
        if as_count(mask) >> len(LAYERS):
            raise ValueError(mask)
        self.layers = mask

    def _set_app(self, app: int | str) -> None:
        self.last_app = _app(app)
        self.apps[app] = None

    def _set_contexts(self, contexts: list[list[int]]) -> None:
        self.contexts = {as_count(number): _SYNTAXES[as_count(syntax)] for number, syntax in contexts}

    def _open(self, direction: int, invoke_id: int, number: int, name: str = "", flags: int = 0) -> None:
        calls = self.calls[as_count(direction)]
        calls.pop(as_count(invoke_id), None)
        calls[invoke_id] = Call(_naming(number), as_text(name), as_count(flags))

    def _close(self, direction: int, invoke_id: int) -> None:
        del self.calls[as_count(direction)][invoke_id]

    def _know(self, name: str, kind: int, value: list[Any] | None = None) -> None:
        """Version 1 knew kinds only."""
        known = Known(Kind(kind), list(_UNTOLD[Kind(kind)] if value is None else value))
        expected = _VALUES.get(known.kind, (str,) * len(known.value))
        if len(known.value) != len(expected) or not all(map(isinstance, known.value, expected)):
            raise ValueError(value)
        self.known[as_text(name)] = known

    def _forget(self, name: str) -> None:
        del self.known[name]

    def _note(self, key: str, value: int | str) -> None:
        self.facts[as_text(key)] = _fact(value)

    def _hit(self, key: str, start_ms: int, item: str | None) -> None:
        """A new window if it says when it starts, else one thing more in the old one."""
        if start_ms:
            self.windows.pop(as_text(key), None)
            self.windows[key] = [as_count(start_ms), 1 if item is None else as_text(item)]
        elif item is None:
            self.windows[key][1] += 1
        else:
            self.windows[key].append(as_text(item))

    def _unhit(self, key: str) -> None:
        del self.windows[key]

    def _tag(self, tag: str) -> None:
        self.tags[as_text(tag)] = None


_FLAGS, _LAYERS, _APP, _CONTEXTS, _OPEN, _CLOSE, _KNOW, _ALL, _FACT, _FORGET, _HIT, _UNHIT, _TAG = range(13)
"""The ops. They stand in replicated deltas: never reuse or change a number, only add."""

_PASSING = frozenset((_APP, _OPEN, _CLOSE, _HIT, _UNHIT))

_OPS: dict[int, Callable[..., None]] = {
    _FLAGS: Association._set_flags,
    _LAYERS: Association._set_layers,
    _APP: Association._set_app,
    _CONTEXTS: Association._set_contexts,
    _OPEN: Association._open,
    _CLOSE: Association._close,
    _KNOW: Association._know,
    _ALL: Association.load,
    _FACT: Association._note,
    _FORGET: Association._forget,
    _HIT: Association._hit,
    _UNHIT: Association._unhit,
    _TAG: Association._tag,
}

_VALUES: dict[Kind, tuple[type, ...]] = {Kind.TRANSFER_SET: (str, int, int), Kind.DEVICE: (int, int, int)}
"""What stands in a Known.value; for a data set, any number of names."""
_UNTOLD: dict[Kind, list[Any]] = {
    Kind.TRANSFER_SET: ["", 1, 1],
    Kind.DEVICE: [Device.KNOWN, 0, 0],
    Kind.DATA_SET: [],
}
"""What version 1, which did not say, is taken to mean: transfer sets report from the server."""


def _fact(value: Any) -> int | str:
    return value if isinstance(value, str) else as_count(value)


def _window(value: Any) -> list[Any]:
    start_ms, *items = value
    return [as_count(start_ms), *(item if isinstance(item, str) else as_count(item) for item in items)]


def _naming(number: Any) -> int:
    return NAMINGS[number].number


def _app(app: Any) -> int | str:
    return app if isinstance(app, str) else _naming(app)


def pack_versioned(fields: dict[str, Any]) -> bytes:
    """A snapshot or checkpoint: its fields beside the version."""
    return pack({"v": VERSION, **fields})


def unpack_versioned(data: bytes, *fields: str) -> list[Any]:
    """The named fields of a snapshot or checkpoint. Raises StateError."""
    value = unpack(data)
    if not isinstance(value, dict) or value.get("v") not in VERSIONS_READ:
        raise StateError("not a state, or one of an unknown version")
    if any(field not in value for field in fields):
        raise StateError("a state without all its parts")
    return [value[field] for field in fields]
