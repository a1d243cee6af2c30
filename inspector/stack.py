"""The whole stack for one session: octets in; what may leave, and what was seen, out."""

from typing import Any, Literal

from inspector import apps, cotp, decoder, memory, refusals, services, telling
from inspector.apps import NAMINGS
from inspector.checkpoint import Checkpoint
from inspector.decoder import Part
from inspector.details import describe
from inspector.errors import DecodeError, StateError
from inspector.framer import Framer
from inspector.judge import Judge, Policing
from inspector.limits import Limits
from inspector.meaning import Interpreter
from inspector.results import LAYERS, Action, Direction, Edit, Result
from inspector.seen import Seen
from inspector.shapes import Shapes
from inspector.state import (
    ADMITTED,
    BARE,
    DETECTED,
    IGNORED,
    MIDSTREAM,
    OSI,
    RESET,
    STRANGER,
    Association,
    pack_versioned,
    unpack_versioned,
)
from inspector.telling import Told
from inspector.turn import Turn, names_of

OnUndecodable = Literal["reset", "pass", "continue"]
"""What follows octets that cannot be decoded: the end of the session; everything passes, uninspected; or (for
captures, which nothing can stop) they are skipped: the rest of the TSDU, or of all in hand if framing is lost.
Verdicts stop nothing there either: they say what would have been done."""

UNSEEN = frozenset({"orphan-invoke-id"})
"""What is no surprise as long as octets may have passed that were not fed."""
_UNDECIDED = Result(0, (), (), False)
_REFUSED = Result(0, (), (), True)
_DIRECTIONS = (Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT)
_DEFAULT_LIMITS = Limits()
_UNPOLICED = Policing()

CR = 0xE0


class Stack:
    """Inspects one session, both directions. Deterministic; peers' octets never make it raise."""

    def __init__(
        self,
        limits: Limits = _DEFAULT_LIMITS,
        *,
        on_undecodable: OnUndecodable = "reset",
        policing: Policing = _UNPOLICED,
        details: bool = False,
        state: Association | None = None,
    ) -> None:
        """`policing` says what is looked for and what is allowed; `details` fills Pdu.details; `state` is the memory
        to go on with."""
        self._limits = limits
        self._offline = on_undecodable == "continue"
        self._framers = (Framer(limits), Framer(limits))
        self._detailed = details
        self._describe = describe if details else telling.no_details
        self._state = Association() if state is None else state
        self._doubted: frozenset[str] = frozenset()
        self._go_by(on_undecodable, policing)

    def hold_to(self, on_undecodable: OnUndecodable, policing: Policing) -> None:
        """From the next PDU on, other rules. What is remembered stays; the peers are looked at anew."""
        self._go_by(on_undecodable, policing)
        self._state.lower_flags(ADMITTED | STRANGER)

    def seen_all(self, yes: bool) -> None:
        """Whether all that has passed was fed, here or to the stack whose memory this one goes on with. Not part of
        the memory."""
        self._doubted = frozenset() if yes else UNSEEN

    def _go_by(self, on_undecodable: OnUndecodable, policing: Policing) -> None:
        self._pass_on = on_undecodable == "pass"
        self._shapes = (Shapes(), Shapes())
        self._judge = Judge(policing, self._state, self._limits)
        self._interpreter = Interpreter(self._state, self._limits, self._judge.is_control)
        self._by_shape = self._judge.by_shape and not self._detailed

    def feed(self, direction: Direction | int, data: bytes, now_ms: int = 0) -> Result:
        """Octets that arrived on the leg `direction`; the answer counts from the head of those still held.

        `now_ms` is the wall clock, milliseconds since 1970; it moves the rate windows of the rules. After undecodable
        octets nothing more passes (`reset`), or everything does, uninspected (`ignored`): what the other direction
        still holds then leaves with its next feed, which may be an empty one.
        """
        flags = self._state.flags
        framer = self._framers[direction]
        if flags & (RESET | IGNORED):
            return _REFUSED if flags & RESET else Result(framer.release(data), (), (), False)
        if not framer.add(data):
            return _UNDECIDED
        turn = Turn(now_ms, self._state.apps)
        try:
            while self._advance(framer, direction, turn):
                action = self._inspect(_DIRECTIONS[direction], framer, turn)
                if action >= Action.RESET and not self._offline:
                    return self._end(framer, turn)
                if self._gives_up(framer):
                    return turn.result(framer.release(), reset=False)
        except DecodeError as error:
            return self._fail(framer, error, turn)
        return turn.result(framer.settle(), reset=False)

    def _advance(self, framer: Framer, direction: int, turn: Turn) -> bool:
        """The next unit that must be taken apart; reports of known shape are gone past."""
        state, shapes = self._state, self._shapes[direction]
        if shapes.generation == state.generation:
            before = len(turn.pdus)
            framer.skip(shapes.by_length, turn.pdus)
            skipped = len(turn.pdus) - before
            if skipped:
                state.pdus[direction] += skipped
                state.see_app(apps.TRANSFER_REPORT.number)
        return framer.advance()

    def _fail(self, framer: Framer, error: DecodeError, turn: Turn) -> Result:
        turn.findings.append(self._judge.undecodable(error, framer.origin))
        decided = framer.head
        everything = framer.release()
        if self._offline:
            return turn.result(everything, reset=False)
        self._state.raise_flag(IGNORED if self._pass_on else RESET)
        return turn.result(everything if self._pass_on else decided, reset=not self._pass_on)

    def _end(self, framer: Framer, turn: Turn) -> Result:
        """The policy ends the session: what was decided before passes, and no more."""
        decided = framer.head
        framer.release()
        self._state.raise_flag(RESET)
        return turn.result(decided, reset=True)

    def _gives_up(self, framer: Framer) -> bool:
        """Whether so much has passed without a sign of ICCP that the rest shall pass uninspected."""
        state, limit = self._state, self._judge.ignore_after
        if not limit or state.flags & DETECTED:
            return False
        octets = int(state.facts.get("octets", 0)) + framer.length
        state.note("octets", octets)
        if octets <= limit:
            return False
        state.raise_flag(IGNORED)
        return True

    # --- one unit

    def _inspect(self, direction: Direction, framer: Framer, turn: Turn) -> Action:
        state = self._state
        if not state.layers and framer.kind & 0xF0 != CR:
            state.raise_flag(MIDSTREAM)
        if framer.kind != cotp.DT:
            return self._connection(direction, framer, turn)
        told = len(turn.pdus)
        try:
            return self._data(direction, framer, turn)
        except DecodeError as error:
            if not self._offline:
                raise
            length = framer.length if len(turn.pdus) == told else 0  # a value before the bad one may have been told of
            finding = self._judge.undecodable(error, framer.origin)
            self._tell(telling.undecodable(direction, length, error, finding), turn)
            return Action.PASS

    def _connection(self, direction: Direction, framer: Framer, turn: Turn) -> Action:
        connection = cotp.read_connection(framer.octets, framer.start, framer.stop)
        seen = Seen(
            *(direction, connection.name, connection, None, None, None, None, None),
            *(framer.octets, framer.length, turn.now_ms),
        )
        memory.introduce(seen, self._state)
        verdict = self._judge.judge(seen, (), self._doubted)
        if verdict.action is Action.DENY:
            verdict = verdict._replace(action=Action.RESET)
        self._tell(telling.connection(seen, verdict, self._describe), turn)
        return self._act(verdict.action, framer, turn, seen)

    def _tell(self, told: Told, turn: Turn) -> None:
        self._state.see_layers(told.layers)
        self._state.pdus[told.pdu.direction] += 1
        turn.tell(told.pdu)

    def _data(self, direction: Direction, framer: Framer, turn: Turn) -> Action:
        """One TSDU: first it is decoded, which can fail, then judged, then acted on and remembered."""
        state = self._state
        tsdu = decoder.decode(framer.octets, framer.start, framer.stop, state.contexts, self._limits)
        stacking = BARE if tsdu.session is None else OSI
        if state.flags & (BARE | OSI) & ~stacking:
            raise DecodeError("session-changed", "MMS both with and without a session layer", framer.start)
        state.raise_flag(stacking)
        if tsdu.contexts is not None:
            state.see_contexts(tsdu.contexts)
        before = state.touched
        length = framer.length
        action, quiet = Action.PASS, True
        for part in tsdu.parts:
            meaning = self._interpreter.interpret(direction, part, framer.octets)
            seen = Seen(
                *(direction, "DT", None, tsdu.session, tsdu.presentation, part, meaning.naming, meaning.call),
                *(framer.octets, framer.length, turn.now_ms),
            )
            memory.introduce(seen, state)
            verdict = self._judge.judge(seen, meaning.objects, self._doubted)
            action = verdict.action
            if action is Action.DENY and (len(tsdu.parts) > 1 or not refusals.possible(part)):
                action = Action.RESET  # there is no taking it out
            verdict = verdict._replace(action=action)
            self._tell(telling.value(seen, part, meaning, verdict, length, self._describe), turn)
            length, quiet = 0, verdict.quiet
            if action >= Action.DENY and not self._offline:
                return self._act(action, framer, turn, seen)
            self._remember(seen, unpermitted=verdict.unpermitted)
        if quiet and state.touched == before and len(tsdu.parts) == 1:
            self._learn_shape(direction, framer, tsdu.parts[0], turn)
        return action

    def _remember(self, seen: Seen, *, unpermitted: bool) -> None:
        with_object = self._judge.needs_objects
        memory.remember(seen, self._state, self._limits, unpermitted=unpermitted, with_object=with_object)
        self._judge.passed(seen)

    def _learn_shape(self, direction: Direction, framer: Framer, part: Part, turn: Turn) -> None:
        pdu = turn.pdus[-1]
        if pdu.app == apps.TRANSFER_REPORT.app and framer.segments == 1 and self._by_shape:
            head = framer.head
            self._shapes[direction].learn(
                *(framer.octets, head, head + framer.length, part.access.data, pdu, self._state.generation)
            )

    def _act(self, action: Action, framer: Framer, turn: Turn, seen: Seen) -> Action:
        """Note what becomes of the TSDU just judged."""
        if action is Action.DENY and not self._offline:
            answer = b"" if seen.part is None else refusals.answer(seen.part, seen.session)
            back, instead = answer, b""
            if _is_answer(seen):
                back, instead = b"", self._answered(seen, answer)
            turn.edits.append(Edit(framer.head, framer.head + framer.length, instead, back))
        elif action is Action.QUARANTINE:
            turn.quarantine_s = self._judge.quarantine_s
        return action

    def _answered(self, seen: Seen, error: bytes) -> bytes:
        """A denied answer ends its request all the same; who asked gets the error, if anybody did."""
        if seen.call is None or seen.part is None or seen.part.mms is None:
            return b""
        self._state.close_call(1 - seen.direction, seen.part.mms.invoke_id or 0)
        return error

    # --- what others see

    @property
    def state(self) -> Association:
        """What the association remembers; to read, not to change."""
        return self._state

    @property
    def held(self) -> tuple[bytes, bytes]:
        """The undecided octets of both directions."""
        return self._framers[0].held, self._framers[1].held

    @property
    def guarded(self) -> bool:
        """Whether PDUs may be denied, so that nothing may leave before the passive node holds the verdict."""
        return self._judge.guarded

    @property
    def app(self) -> str | None:
        """The application seen last."""
        last = self._state.last_app
        return NAMINGS[last].app if isinstance(last, int) else last

    @property
    def apps(self) -> tuple[str, ...]:
        """Every application seen, the first one first."""
        return tuple(dict.fromkeys(name for name in names_of(self._state.apps) if name))

    @property
    def layers(self) -> dict[str, bool]:
        """Which layers were seen, lowest first."""
        return {name: bool(self._state.layers >> bit & 1) for bit, name in enumerate(LAYERS)}

    @property
    def pdus(self) -> tuple[int, int]:
        """How many PDUs were inspected, per direction."""
        return self._state.pdus[0], self._state.pdus[1]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that signatures have set, the first one first."""
        return tuple(self._state.tags)

    @property
    def detected(self) -> bool:
        """Whether the association was seen to be ICCP."""
        return bool(self._state.flags & DETECTED)

    @property
    def midstream(self) -> bool:
        """Whether the association was under way when it was first seen."""
        return bool(self._state.flags & MIDSTREAM)

    @property
    def ignored(self) -> bool:
        """Whether inspection has ended while the session goes on: it could not be decoded, or is not ICCP."""
        return bool(self._state.flags & IGNORED)

    # --- going on elsewhere

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
    def restore(cls, snapshot: bytes, limits: Limits = _DEFAULT_LIMITS, **options: Any) -> "Stack":
        """The stack that made the snapshot, with the options of `__init__`. Raises StateError."""
        state, held = unpack_versioned(snapshot, "state", "held")
        if not isinstance(held, list) or [type(it) for it in held] != [bytes, bytes]:
            raise StateError("held octets of two directions are missing")
        return cls.resume(pack_versioned({"state": state}), (held[0], held[1]), limits, **options)

    @classmethod
    def resume(
        cls,
        checkpoint: bytes,
        held: tuple[bytes, bytes],
        limits: Limits = _DEFAULT_LIMITS,
        **options: Any,
    ) -> "Stack":
        """The stack of the checkpoint, with the octets that were undecided then. Raises StateError.

        Held octets are looked at again with the next feed of their direction. They held no whole PDU, so this
        repeats neither PDU nor finding; should they hold one after all, it is inspected like any other.
        """
        return cls.take_up(Checkpoint(checkpoint), held, limits, **options)

    @classmethod
    def take_up(
        cls,
        kept: Checkpoint,
        held: tuple[bytes, bytes],
        limits: Limits = _DEFAULT_LIMITS,
        **options: Any,
    ) -> "Stack":
        """The same of a checkpoint that was kept up to date. It becomes the stack's: nobody may use it any more."""
        stack = cls(limits, state=kept.state, **options)
        for framer, undecided in zip(stack._framers, held, strict=True):
            framer.hold(undecided)
        return stack


def _is_answer(seen: Seen) -> bool:
    return seen.part is not None and seen.part.mms is not None and seen.part.mms.kind in services.ANSWERS
