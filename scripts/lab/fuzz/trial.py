"""One input fed to one inspector, and everything that must hold of what comes back.

A `TroubleError` says what does not hold. Whatever else is raised while octets are fed is trouble too: the octets of
peers never make the inspector raise.
"""

import json
import re
import traceback
from typing import Final, NamedTuple

from inspector import Checkpoint, Finding, Limits, Pdu, Result, Stack, Watch
from inspector.learning import Learner
from inspector.state import APPS_MAX, FACTS_MAX, TAGS_MAX, WINDOWS_MAX
from inspector.tase2 import Kind
from scripts.lab.fuzz.inputs import Input
from scripts.lab.fuzz.setups import Setup

PACKED_BYTES_MAX: Final = 2_000_000
"""The largest snapshot of a session within the usual limits."""


ERRORS: Final = ("confirmed-error", "cancel-error", "conclude-error")
"""What may be made up."""

_NUMBERS: Final = re.compile(r"[0-9]+")
NOTHING: Final = Result(0, (), (), False)
"""The answer to octets that decide nothing."""


class TroubleError(AssertionError):
    """Something that must hold and does not."""


class Outcome(NamedTuple):
    """Everything that others can see of a session, and what it leaves behind."""

    pdus: list[Pdu]
    findings: list[Finding]
    passed: tuple[bytearray, bytearray]
    """What went on, by the direction of its sender, edits made."""
    returned: tuple[bytearray, bytearray]
    """What went back to each sender."""
    quarantines: list[float]
    new_apps: list[str]
    reset: bool
    snapshot: bytes
    watch: bytes


class Feeding:
    """A session under way, and the octets of it that are undecided."""

    def __init__(self, stack: Stack, *, skips: bool = False) -> None:
        self.stack = stack
        self._skips = skips  # what cannot be decoded
        self.in_hand = (bytearray(), bytearray())
        self.pdus: list[Pdu] = []
        self.findings: list[Finding] = []
        self.passed = (bytearray(), bytearray())
        self.returned = (bytearray(), bytearray())
        self.quarantines: list[float] = []
        self.new_apps: list[str] = []
        self.edited = False
        self.reset = False

    def feed(self, direction: int, octets: bytes, now_ms: int) -> Result:
        """One feed, checked."""
        result = self.stack.feed(direction, octets, now_ms)
        hand = self.in_hand[direction]
        if not self.reset:
            hand += octets
        if result == NOTHING:
            return result
        forward, pdus, findings, reset, edits, quarantine_s, new_apps = result
        if not 0 <= forward <= len(hand):
            raise TroubleError(f"forward {forward} of {len(hand)} octets in hand")
        if self.reset and (not reset or forward or pdus or findings):
            raise TroubleError("something comes after a reset")
        if not self._accounts_for(result):
            raise TroubleError(f"{sum(it.length for it in pdus)} octets of PDUs, {forward} to forward")
        if edits:
            self.edited = True
            self._check_edits(result, hand)
            _cut(hand, result, self.passed[direction], self.returned[direction])
        else:
            self.passed[direction].extend(hand[:forward])
        del hand[:forward]
        self.pdus += pdus
        self.findings += findings
        self.new_apps += new_apps
        if quarantine_s:
            self.quarantines.append(quarantine_s)
        if reset and not self.reset:
            self.reset = True
            hand.clear()
        return result

    def _accounts_for(self, result: Result) -> bool:
        """Whether the PDUs are as long as what goes on; octets that are no PDU go on when nobody looks any more."""
        octets = sum([it.length for it in result.pdus])
        if octets == result.forward:
            return True
        if result.reset:  # the last TSDU may be what ended the session
            last = next((it.length for it in reversed(result.pdus) if it.length), 0)
            return octets - last == result.forward
        return octets < result.forward and (self.stack.ignored or (self._skips and bool(result.findings)))

    def _check_edits(self, result: Result, hand: bytearray) -> None:
        if not self.stack.guarded:
            raise TroubleError("an edit of a session that is not guarded")
        denied = {it.invoke_id for it in result.pdus if it.verdict == "deny"}
        at = 0
        for start, stop, instead, back in result.edits:
            if not at <= start < stop <= result.forward:
                raise TroubleError(f"edit {start}:{stop} behind {at} in {result.forward} octets")
            if hand[start] != 3:
                raise TroubleError("an edit does not start where a TPKT does")
            for octets in (instead, back):
                if octets:
                    _check_made_up(octets, denied)
            at = stop

    def end(self, limits: Limits) -> None:
        """What must hold of the session when all is fed."""
        stack = self.stack
        held = stack.held
        if held != (bytes(self.in_hand[0]), bytes(self.in_hand[1])):
            raise TroubleError(f"holds {tuple(map(len, held))} octets, not {tuple(map(len, self.in_hand))}")
        if max(map(len, held)) > limits.held_bytes:
            raise TroubleError("holds more than it may")
        state = stack.state
        if max(map(len, state.calls)) > limits.calls or len(state.known) > limits.names:
            raise TroubleError("remembers more calls or names than it may")
        full = len(state.facts) > FACTS_MAX or len(state.tags) > TAGS_MAX
        if full or len(state.windows) > WINDOWS_MAX or len(state.apps) > APPS_MAX:
            raise TroubleError("a table of the state is over its bound")
        members = sum(len(it.value) for it in state.known.values() if it.kind is Kind.DATA_SET)
        if members > limits.members:
            raise TroubleError(f"remembers {members} members of data sets")

    def outcome(self, watch: Watch | None) -> Outcome:
        """What came of it."""
        snapshot, packed = self.stack.snapshot(), b"" if watch is None else watch.pack()
        if len(snapshot) > PACKED_BYTES_MAX:
            raise TroubleError(f"a snapshot of {len(snapshot)} octets")
        seen = self.pdus, self.findings, self.passed, self.returned, self.quarantines, self.new_apps, self.reset
        return Outcome(*seen, snapshot, packed)


def _check_made_up(octets: bytes, denied: set[int | None]) -> None:
    """Whether it is one error that answers a denied PDU, in whole TPKTs, as our own decoders see it."""
    forward, pdus, findings, reset, *_ = Stack().feed(0, octets)
    if forward != len(octets) or findings or reset or len(pdus) != 1:
        raise TroubleError(f"made up, and not decodable: {octets.hex()}")
    kind, invoke_id = pdus[0].mms_pdu, pdus[0].invoke_id
    if kind not in ERRORS or invoke_id not in denied:
        raise TroubleError(f"made up is {kind} with invoke ID {invoke_id}: {octets.hex()}")


def _cut(hand: bytearray, result: Result, passed: bytearray, returned: bytearray) -> None:
    at = 0
    for start, stop, instead, back in result.edits:
        passed += hand[at:start] + instead
        returned += back
        at = stop
    passed += hand[at : result.forward]


def _begin(setup: Setup, given: Input, watch: Watch | None) -> Feeding:
    return Feeding(setup.stack(given.start, watch), skips=setup.mode == "continue")


def run(setup: Setup, given: Input) -> Feeding:
    """Feed the input as it is cut. Raises TroubleError, and whatever the inspector raises."""
    feeding = _begin(setup, given, setup.watch(given.start))
    feed = feeding.feed
    for direction, octets, now_ms in given.feeds():
        feed(direction, octets, now_ms)
    feeding.end(setup.limits)
    return feeding


# --- the same, however it is fed


def whole(setup: Setup, given: Input, piece: int = 0) -> Outcome:
    """The outcome of feeding the messages whole, or in pieces of so many octets."""
    watch = setup.watch(given.start)
    feeding = _begin(setup, given, watch)
    for direction, octets, now_ms in given.feeds(piece):
        feeding.feed(direction, octets, now_ms)
    feeding.end(setup.limits)
    return feeding.outcome(watch)


def at_once(setup: Setup, given: Input) -> Outcome:
    """The outcome of feeding all that one side sends before the other does in one go."""
    joined: list[tuple[int, bytes]] = []
    for direction, octets in given.sent:
        if joined and joined[-1][0] == direction:
            joined[-1] = (direction, joined[-1][1] + octets)
        else:
            joined.append((direction, octets))
    return whole(setup, given._replace(sent=tuple(joined)))


def restored(setup: Setup, given: Input, piece: int) -> Outcome:
    """The outcome when after every piece another goes on from a snapshot."""
    watch = setup.watch(given.start)
    feeding = _begin(setup, given, watch)
    for direction, octets, now_ms in given.feeds(piece):
        feeding.feed(direction, octets, now_ms)
        watch = None if watch is None else Watch.restore(watch.pack())
        feeding.stack = Stack.restore(feeding.stack.snapshot(), setup.limits, **setup.options(watch))
    feeding.end(setup.limits)
    return feeding.outcome(watch)


def resumed(setup: Setup, given: Input, piece: int) -> Outcome:
    """The outcome when after every piece another goes on from a checkpoint, its deltas, and what was undecided."""
    watch = setup.watch(given.start)
    feeding = _begin(setup, given, watch)
    kept = Checkpoint(feeding.stack.checkpoint())
    for direction, octets, now_ms in given.feeds(piece):
        feeding.feed(direction, octets, now_ms)
        delta = feeding.stack.take_delta()
        if delta is not None:
            kept.apply(delta)
        packed = kept.pack()
        if packed != feeding.stack.checkpoint():
            raise TroubleError("the deltas do not lead to the checkpoint")
        held = bytes(feeding.in_hand[0]), bytes(feeding.in_hand[1])
        watch = None if watch is None else Watch.restore(watch.pack())
        feeding.stack = Stack.resume(packed, held, setup.limits, **setup.options(watch))
    feeding.end(setup.limits)
    return feeding.outcome(watch)


def compare(setup: Setup, given: Input, piece: int) -> None:
    """All the ways to feed an input have the same outcome. Raises TroubleError.

    Captures are read on after framing is lost, with whatever comes next: there the cuts matter, and only whoever goes
    on in the middle must not.
    """
    in_pieces = whole(setup, given, piece)
    _tell(in_pieces.pdus)
    _same("restored", in_pieces, restored(setup, given, piece))
    _same("resumed", in_pieces, resumed(setup, given, piece))
    if setup.mode == "continue":
        return
    _same(f"{piece} octets at a time", whole(setup, given), in_pieces)
    _same("octet by octet", in_pieces, whole(setup, given, 1))
    at_one_time = given._replace(step_ms=0)
    _same("at once", whole(setup, at_one_time, 1), at_once(setup, at_one_time))


def _tell(pdus: list[Pdu]) -> None:
    """Whatever is told of PDUs can be written down, and learned from."""
    json.dumps([(it._replace(details={}), dict(it.details)) for it in pdus])
    learner = Learner()
    for pdu in pdus:
        learner.see(pdu, "10.1.100.7", {}, 1)
    json.dumps(learner.facts())


def _same(way: str, expected: Outcome, outcome: Outcome) -> None:
    if outcome != expected:
        raise TroubleError(f"{way}: {_difference(expected, outcome)}")


def _difference(expected: Outcome, outcome: Outcome) -> str:
    for field, ought, is_ in zip(Outcome._fields, expected, outcome, strict=True):
        if ought != is_:
            if isinstance(ought, list) and isinstance(is_, list):
                at = next((n for n, pair in enumerate(zip(ought, is_, strict=False)) if pair[0] != pair[1]), -1)
                lengths = f"{len(ought)} and {len(is_)}, first at {at}"
                return f"{field} differ ({lengths})\n  ought: {ought[at:][:1]}\n  is:    {is_[at:][:1]}"
            return f"{field} differ\n  ought: {_brief(ought)}\n  is:    {_brief(is_)}"
    return "nothing"


def _brief(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)


def trouble_of(setup: Setup, given: Input, piece: int = 0) -> str:
    """What is wrong with the way in which an input is taken, in words; empty if nothing is. `piece`: compare, too."""
    try:
        run(setup, given)
        if piece:
            compare(setup, given, piece)
    except TroubleError as trouble:
        return str(trouble)
    except Exception:
        return traceback.format_exc()
    return ""


def same_trouble(one: str, other: str) -> bool:
    """Whether two troubles are one, numbers aside."""
    return bool(other) and _head(one) == _head(other)


def _head(trouble: str) -> str:
    if trouble.startswith("Traceback"):
        lines = [it.strip() for it in trouble.rstrip().splitlines()]
        return "|".join(it for it in lines[-4:] if not it.startswith(("^", "~")))
    return _NUMBERS.sub("#", trouble.splitlines()[0]).split(" (")[0]
