"""The whole stack for one session: octets in; what may leave, and what was seen, out."""

from typing import Any, Literal

from inspector import cotp, decoder
from inspector.apps import NAMINGS
from inspector.decoder import Part, Tsdu
from inspector.errors import DecodeError, StateError
from inspector.framer import Framer
from inspector.limits import Limits
from inspector.meaning import Interpreter
from inspector.results import LAYERS, Direction, Finding, Pdu, Result
from inspector.state import (
    BARE,
    DETECTED,
    IGNORED,
    OSI,
    RESET,
    Association,
    pack_versioned,
    unpack_versioned,
)

OnUndecodable = Literal["reset", "pass"]

_UNDECIDED = Result(0, (), (), False)
_REFUSED = Result(0, (), (), True)
_DIRECTIONS = (Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT)
_DEFAULT_LIMITS = Limits()

_TPKT, _COTP, _SESSION, _PRESENTATION, _ACSE, _MMS, _TASE2 = (1 << bit for bit in range(len(LAYERS)))
_SENDERS = {"CR": Direction.CLIENT_TO_SERVER, "CC": Direction.SERVER_TO_CLIENT}
_TRANSPORT = _TPKT | _COTP
_LAYER_NAMES = tuple(
    tuple(name for bit, name in enumerate(LAYERS) if mask >> bit & 1) for mask in range(1 << len(LAYERS))
)


class Stack:
    """Inspects one session, both directions. Deterministic; peers' octets never make it raise."""

    def __init__(self, limits: Limits = _DEFAULT_LIMITS, *, on_undecodable: OnUndecodable = "reset") -> None:
        self._limits = limits
        self._pass_on = on_undecodable == "pass"
        self._framers = (Framer(limits), Framer(limits))
        self._state = Association()
        self._interpreter = Interpreter(self._state, limits)

    def feed(self, direction: Direction | int, data: bytes) -> Result:
        """Octets that arrived on the leg `direction`; the answer counts from the head of those still held.

        After undecodable octets nothing more passes (`reset`), or everything does, uninspected (`ignored`):
        what the other direction still holds then leaves with its next feed, which may be an empty one.
        """
        flags = self._state.flags
        framer = self._framers[direction]
        if flags & (RESET | IGNORED):
            return _REFUSED if flags & RESET else Result(framer.release(data), (), (), False)
        if not framer.add(data):
            return _UNDECIDED
        pdus: list[Pdu] = []
        findings: list[Finding] = []
        try:
            while framer.advance():
                self._inspect(_DIRECTIONS[direction], framer, pdus, findings)
        except DecodeError as error:
            return self._fail(framer, error, pdus, findings)
        return Result(framer.settle(), tuple(pdus), tuple(findings), False)

    def _fail(self, framer: Framer, error: DecodeError, pdus: list[Pdu], findings: list[Finding]) -> Result:
        findings.append(Finding(error.code, "high", error.detail, error.offset - framer.origin))
        decided = framer.head
        everything = framer.release()
        self._state.raise_flag(IGNORED if self._pass_on else RESET)
        forward = everything if self._pass_on else decided
        return Result(forward, tuple(pdus), tuple(findings), not self._pass_on)

    def _inspect(self, direction: Direction, framer: Framer, pdus: list[Pdu], findings: list[Finding]) -> None:
        if framer.kind == cotp.DT:
            self._data(direction, framer, pdus, findings)
        else:
            self._connection(direction, framer, pdus, findings)

    def _connection(self, direction: Direction, framer: Framer, pdus: list[Pdu], findings: list[Finding]) -> None:
        state = self._state
        name = cotp.connection(framer.octets, framer.start, framer.stop)
        if name in _SENDERS and (state.flags & (BARE | OSI) or direction != _SENDERS[name]):
            findings.append(Finding("cotp-unexpected", "medium", f"{name} out of its place", 0))
        state.see_layers(_TRANSPORT)
        state.pdus[direction] += 1
        pdus.append(Pdu(direction, _LAYER_NAMES[_TRANSPORT], framer.length, name))

    def _data(self, direction: Direction, framer: Framer, pdus: list[Pdu], findings: list[Finding]) -> None:
        """One TSDU: first it is decoded, which can fail, then it is remembered."""
        state = self._state
        tsdu = decoder.decode(framer.octets, framer.start, framer.stop, state.contexts, self._limits)
        stacking = BARE if tsdu.session is None else OSI
        if state.flags & (BARE | OSI) & ~stacking:
            raise DecodeError("session-changed", "MMS both with and without a session layer", framer.start)
        state.raise_flag(stacking)
        if tsdu.contexts is not None:
            state.see_contexts(tsdu.contexts)
        length = framer.length
        for part in tsdu.parts:
            if not part.in_context:
                findings.append(_out_of_context(part.start - framer.origin))
            pdus.append(self._name(direction, framer, tsdu, part, length))
            length = 0

    def _name(self, direction: Direction, framer: Framer, tsdu: Tsdu, part: Part, length: int) -> Pdu:
        state = self._state
        pdu = part.mms
        meaning = self._interpreter.interpret(int(direction), part, framer.octets)
        mask = _TRANSPORT
        if tsdu.session is not None:
            mask |= _SESSION if tsdu.presentation is None else _SESSION | _PRESENTATION
        if part.acse is not None:
            mask |= _ACSE
        if pdu is not None:
            mask |= _MMS
        if meaning.operation is not None:
            mask |= _TASE2
        state.see_layers(mask)
        state.pdus[direction] += 1
        return Pdu(
            direction,
            _LAYER_NAMES[mask],
            length,
            "DT",
            tsdu.session,
            tsdu.presentation,
            part.acse,
            None if pdu is None else pdu.kind,
            None if pdu is None else pdu.service_name,
            None if pdu is None else pdu.invoke_id,
            *meaning,
        )

    @property
    def state(self) -> Association:
        """What the association remembers; to read, not to change."""
        return self._state

    @property
    def held(self) -> tuple[bytes, bytes]:
        """The undecided octets of both directions."""
        return self._framers[0].held, self._framers[1].held

    @property
    def app(self) -> str | None:
        """The application seen last."""
        last = self._state.last_app
        return None if last is None else NAMINGS[last].app

    @property
    def apps(self) -> tuple[str, ...]:
        """Every application seen, the first one first."""
        names = (NAMINGS[number].app for number in self._state.apps)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def layers(self) -> dict[str, bool]:
        """Which layers were seen, lowest first."""
        return {name: bool(self._state.layers >> bit & 1) for bit, name in enumerate(LAYERS)}

    @property
    def pdus(self) -> tuple[int, int]:
        """How many PDUs were inspected, per direction."""
        return self._state.pdus[0], self._state.pdus[1]

    @property
    def detected(self) -> bool:
        """Whether the association was seen to be ICCP."""
        return bool(self._state.flags & DETECTED)

    @property
    def ignored(self) -> bool:
        """Whether undecodable octets put an end to inspection while the session goes on."""
        return bool(self._state.flags & IGNORED)

    def snapshot(self) -> bytes:
        """Everything, held octets included."""
        return pack_versioned({"state": self._state.pack(), "held": self.held})

    def checkpoint(self) -> bytes:
        """Everything but the held octets; the next delta counts from here."""
        self._state.mark()
        return pack_versioned({"state": self._state.pack()})

    def take_delta(self) -> bytes | None:
        """What changed since the last delta or checkpoint; None if nothing did."""
        return self._state.take_delta()

    @classmethod
    def restore(
        cls, snapshot: bytes, limits: Limits = _DEFAULT_LIMITS, on_undecodable: OnUndecodable = "reset"
    ) -> "Stack":
        """The stack that made the snapshot. Raises StateError."""
        state, held = unpack_versioned(snapshot, "state", "held")
        if not isinstance(held, list) or [type(it) for it in held] != [bytes, bytes]:
            raise StateError("held octets of two directions are missing")
        return cls._from(state, (held[0], held[1]), limits, on_undecodable)

    @classmethod
    def resume(
        cls,
        checkpoint: bytes,
        held: tuple[bytes, bytes],
        limits: Limits = _DEFAULT_LIMITS,
        on_undecodable: OnUndecodable = "reset",
    ) -> "Stack":
        """The stack of the checkpoint, with the octets that were undecided then. Raises StateError.

        Held octets are looked at again with the next feed of their direction. They held no whole PDU, so this
        repeats neither PDU nor finding; should they hold one after all, it is inspected like any other.
        """
        (state,) = unpack_versioned(checkpoint, "state")
        return cls._from(state, held, limits, on_undecodable)

    @classmethod
    def _from(cls, state: Any, held: tuple[bytes, bytes], limits: Limits, on_undecodable: OnUndecodable) -> "Stack":
        stack = cls(limits, on_undecodable=on_undecodable)
        stack._state.load(state)
        for framer, octets in zip(stack._framers, held, strict=True):
            framer.hold(octets)
        return stack


def _out_of_context(offset: int) -> Finding:
    return Finding("presentation-context", "medium", "a value in another syntax than its context's", offset)
