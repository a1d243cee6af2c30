"""What an association remembers, how it packs, and the deltas between two moments of it.

PDUs are counted; everything else changes through `change(op)`, which applies an op and notes it. A delta is
`[PDUs from the client, PDUs from the server, op, op, ...]` in msgpack, so that in the steady state, reports
flowing and nothing new, it is three octets. `apply_delta` replays one with the very code that made it.
"""

from collections.abc import Callable
from typing import Any

import msgpack

from inspector.apps import NAMINGS, Naming
from inspector.errors import StateError
from inspector.presentation import ABSTRACT_SYNTAXES, Contexts
from inspector.results import LAYERS

VERSION = 1
CHANGES_MAX = 512
"""Ops noted before a delta says everything anew instead; bounds a state whose deltas nobody takes."""

DETECTED = 1
IGNORED = 2
RESET = 4
OSI = 8
BARE = 16
_FLAGS_ALL = 31

_SYNTAXES = ("", *sorted(ABSTRACT_SYNTAXES.values()))

Op = tuple[Any, ...]


class Association:
    """The memory of one association. Read the attributes; change only through the methods."""

    __slots__ = (
        "_changes",
        "_told",
        "apps",
        "calls",
        "contexts",
        "flags",
        "last_app",
        "layers",
        "names",
        "pdus",
    )

    def __init__(self) -> None:
        self.flags = 0
        self.layers = 0
        """Bit i is set when LAYERS[i] was seen."""
        self.pdus = [0, 0]
        self.last_app: int | None = None
        self.apps: dict[int, None] = {}
        self.contexts: Contexts = {}
        self.calls: tuple[dict[int, int], dict[int, int]] = ({}, {})
        """Per direction of the request: naming number by invoke ID."""
        self.names: dict[str, int] = {}
        self._changes: list[Op] | None = []
        self._told = [0, 0]

    def change(self, *op: Any) -> None:
        """Apply one op and note it for the next delta."""
        _OPS[op[0]](self, *op[1:])
        changes = self._changes
        if changes is not None:
            changes.append(op)
            if len(changes) > CHANGES_MAX:
                self._changes = None

    def raise_flag(self, flag: int) -> None:
        """Set a flag, noted only if it was down."""
        if not self.flags & flag:
            self.change(_FLAGS, self.flags | flag)

    def see_layers(self, mask: int) -> None:
        """Add to the layers seen, noted only if one is new."""
        if mask & ~self.layers:
            self.change(_LAYERS, self.layers | mask)

    def see_app(self, naming: Naming) -> None:
        """The association's application is now this one, noted only if it was another."""
        if naming.number != self.last_app:
            self.change(_APP, naming.number)

    def see_contexts(self, contexts: Contexts) -> None:
        """The presentation contexts proposed."""
        self.change(_CONTEXTS, [[number, _SYNTAXES.index(name)] for number, name in contexts.items()])

    def open_call(self, direction: int, invoke_id: int, number: int, calls_max: int) -> None:
        """A request went by; the oldest one is forgotten if too many await their response."""
        calls = self.calls[direction]
        if len(calls) >= calls_max and invoke_id not in calls:
            self.change(_CLOSE, direction, next(iter(calls)))
        self.change(_OPEN, direction, invoke_id, number)

    def close_call(self, direction: int, invoke_id: int | None) -> Naming | None:
        """What the request was that a response answers; None if it was not seen."""
        if invoke_id is None or invoke_id not in self.calls[direction]:
            return None
        number = self.calls[direction][invoke_id]
        self.change(_CLOSE, direction, invoke_id)
        return NAMINGS[number]

    def learn(self, name: str, kind: int, names_max: int) -> None:
        """What a name stands for, as long as there is room."""
        if self.names.get(name) != kind and (name in self.names or len(self.names) < names_max):
            self.change(_NAME, name, int(kind))

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
            return _pack([client, server])
        ops = changes if changes is not None else [(_ALL, self.pack())]
        delta = _pack([client, server, *ops])
        self.mark()
        return delta

    def mark(self) -> None:
        """From here on the next delta counts."""
        self._changes = []
        self._told[:] = self.pdus

    def apply_delta(self, delta: bytes) -> None:
        """Follow the association that made `delta`. Raises StateError."""
        ops = unpack(delta)
        try:
            client, server, *changes = ops
            self.pdus[0] += _count(client)
            self.pdus[1] += _count(server)
            for code, *args in changes:
                _OPS[code](self, *args)
        except (LookupError, TypeError, ValueError) as error:
            raise StateError("not a delta of this state") from error
        self.mark()

    def pack(self) -> list[Any]:
        """Everything, as values that msgpack takes."""
        contexts = [[number, _SYNTAXES.index(name)] for number, name in self.contexts.items()]
        calls = [[list(item) for item in table.items()] for table in self.calls]
        names = [list(item) for item in self.names.items()]
        return [
            self.flags,
            self.layers,
            list(self.pdus),
            self.last_app,
            list(self.apps),
            contexts,
            calls,
            names,
        ]

    def load(self, packed: Any) -> None:
        """Become what `pack` gave. Raises StateError."""
        try:
            flags, layers, pdus, last_app, apps, contexts, calls, names = packed
            self._set_flags(flags)
            self._set_layers(layers)
            self.pdus = [_count(pdus[0]), _count(pdus[1])]
            self.apps = {_naming(number): None for number in apps}
            self.last_app = None if last_app is None else _naming(last_app)
            self._set_contexts(contexts)
            self.calls = ({}, {})
            for direction in (0, 1):
                for invoke_id, number in calls[direction]:
                    self._open(direction, invoke_id, number)
            self.names = {}
            for name, kind in names:
                self._name(name, kind)
        except (LookupError, TypeError, ValueError) as error:
            raise StateError("not a state of this inspector") from error
        self.mark()

    def _set_flags(self, flags: int) -> None:
        if _count(flags) > _FLAGS_ALL:
            raise ValueError(flags)
        self.flags = flags

    def _set_layers(self, mask: int) -> None:
        if _count(mask) >> len(LAYERS):
            raise ValueError(mask)
        self.layers = mask

    def _set_app(self, number: int) -> None:
        self.last_app = _naming(number)
        self.apps[number] = None

    def _set_contexts(self, contexts: list[list[int]]) -> None:
        self.contexts = {_count(number): _SYNTAXES[_count(syntax)] for number, syntax in contexts}

    def _open(self, direction: int, invoke_id: int, number: int) -> None:
        calls = self.calls[_count(direction)]
        calls.pop(_count(invoke_id), None)
        calls[invoke_id] = _naming(number)

    def _close(self, direction: int, invoke_id: int) -> None:
        del self.calls[_count(direction)][invoke_id]

    def _name(self, name: str, kind: int) -> None:
        if not isinstance(name, str):
            raise TypeError(name)
        self.names[name] = _count(kind)


_FLAGS, _LAYERS, _APP, _CONTEXTS, _OPEN, _CLOSE, _NAME, _ALL = range(8)
"""The ops. They stand in replicated deltas: never reuse or change a number, only add."""

_OPS: dict[int, Callable[..., None]] = {
    _FLAGS: Association._set_flags,
    _LAYERS: Association._set_layers,
    _APP: Association._set_app,
    _CONTEXTS: Association._set_contexts,
    _OPEN: Association._open,
    _CLOSE: Association._close,
    _NAME: Association._name,
    _ALL: Association.load,
}


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def _naming(number: Any) -> int:
    return NAMINGS[number].number


def _pack(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value)
    return packed


def unpack(data: bytes) -> Any:
    """The value that `data` packs. Raises StateError."""
    try:
        return msgpack.unpackb(data)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise StateError("not msgpack") from error


def pack_versioned(fields: dict[str, Any]) -> bytes:
    """A snapshot or checkpoint: its fields beside the version."""
    return _pack({"v": VERSION, **fields})


def unpack_versioned(data: bytes, *fields: str) -> list[Any]:
    """The named fields of a snapshot or checkpoint. Raises StateError."""
    value = unpack(data)
    if not isinstance(value, dict) or value.get("v") != VERSION:
        raise StateError("not a state, or one of an unknown version")
    if any(field not in value for field in fields):
        raise StateError("a state without all its parts")
    return [value[field] for field in fields]
