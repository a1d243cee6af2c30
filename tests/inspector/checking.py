"""What the checks say of a conversation: every event, through the whole stack, before any rule weighs it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from inspector import Action, Event, Limits, Stack
from inspector.judge import Policing
from inspector.seen import Seen
from inspector.watch import Watch
from tests.inspector import vectors as v
from tests.inspector.vectors import C2S, S2C, Message, data, integer, osi, request, tlv

NOW = 1_700_000_000_000

AC = v.connect(0x0E, tlv(0xA5, *(tlv(0x30, integer(0, 0x80)),) * 2), v.associate(0x61, 0xA9))
OPENING: list[Message] = [(C2S, v.CR), (S2C, v.CC), (C2S, data(v.CN)), (S2C, data(AC))]
PROOF = v.exchange(
    *(900, v.read(v.variables("DOM/Next_DSTransfer_Set")), v.read_result(v.scoped("DOM", "TS-01"))),
)
"""After this the association is known to be ICCP, and a transfer set is known."""
ICCP = [*OPENING, *PROOF]


class Recorder:
    """Stands where the rules stand, and writes down what they would be told."""

    watches_pdus = True
    guarded = False

    def __init__(self, action: Callable[[Seen], Action]) -> None:
        self.events: list[Event] = []
        self._action = action

    def first(self, event: str) -> None:
        return None

    def application(self, seen: Seen, objects: tuple[str, ...]) -> None:
        return None

    def findings(self, events: Iterable[Event], seen: Seen, *others: Any) -> tuple[list[Any], Action]:
        self.events += events
        return [], self._action(seen)


def events(
    messages: Iterable[Message],
    *,
    watch: Watch | None = None,
    peer: str = "east",
    action: Callable[[Seen], Action] = lambda _: Action.PASS,
    policy: Any = None,
    limits: Limits | None = None,
    now_ms: int = NOW,
    seen_all: bool = True,
) -> list[Event]:
    """Every event, in order; a millisecond passes with each message."""
    recorder = Recorder(action)
    policing = Policing(rules=recorder, policy=policy, watch=watch, client=peer)  # type: ignore[arg-type]
    stack = Stack(limits or Limits(), policing=policing)
    stack.seen_all(seen_all)
    for n, (direction, octets) in enumerate(messages):
        result = stack.feed(direction, octets, now_ms + n)
        assert not result.reset, result.findings
    return recorder.events


def odd(
    messages: Sequence[Message], *codes: str, before: Sequence[Message] = ICCP, **how: Any
) -> list[tuple[str, str]]:
    """Code and key of the events that have one of `codes`, after an opening."""
    return [(it.code, it.key) for it in events([*before, *messages], **how) if it.code in codes]


def ask(service: bytes, invoke_id: int = 1, *, by: v.Direction = C2S) -> Message:
    """A request."""
    return by, data(osi(request(service, invoke_id)))


def answer(service: bytes, invoke_id: int = 1, *, by: v.Direction = S2C) -> Message:
    """A positive response."""
    return by, data(osi(v.response(service, invoke_id)))


def say(pdu: bytes, *, by: v.Direction = S2C) -> Message:
    """An MMS PDU as session data."""
    return by, data(osi(pdu))


WRITTEN = tlv(0xA5, tlv(0x81))
REFUSED = tlv(0xA5, integer(3, 0x80))
