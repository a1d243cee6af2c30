"""What two peers say to each other, message by message, and what is to become of each message between them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from inspector import Direction
from tests.inspector import vectors
from tests.inspector.vectors import C2S, S2C


class Fate(Enum):
    """What the pair does with a message."""

    PASSES = auto()
    DENIED = auto()
    """It does not arrive; its sender gets `Message.back` instead of an answer, which may be nothing."""
    REPLACED = auto()
    """It does not arrive; `Message.back` does in its place."""
    ENDS = auto()
    """It does not arrive, and both connections end."""


class Message(NamedTuple):
    """Octets that one peer sends at once."""

    direction: Direction
    octets: bytes
    fate: Fate = Fate.PASSES
    back: bytes = b""


class Talk:
    """One connection's messages. `peer` tells clients apart where there are several."""

    def __init__(self, messages: Iterable[tuple[Direction, bytes]] = (), *, peer: int = 0) -> None:
        self.peer = peer
        self.messages = [Message(*message) for message in messages]
        self._last_id = {C2S: 0, S2C: 0}

    def say(self, direction: Direction, octets: bytes, fate: Fate = Fate.PASSES, back: bytes = b"") -> Talk:
        """One message more."""
        self.messages.append(Message(direction, octets, fate, back))
        return self

    def request(
        self,
        service: bytes,
        *,
        by: Direction = C2S,
        fate: Fate = Fate.PASSES,
        number: int = 0,
        segment: int = vectors.SEGMENT,
    ) -> Talk:
        """A request under the next invoke ID (or `number`), unanswered; one that is denied gets the usual error."""
        self._last_id[by] = number = number or self._last_id[by] + 1
        back = vectors.denied(number) if fate is Fate.DENIED else b""
        return self.say(by, vectors.data(vectors.osi(vectors.request(service, number)), segment), fate, back)

    def response(self, answer: bytes, *, by: Direction = S2C, fate: Fate = Fate.PASSES, number: int = 0) -> Talk:
        """The answer to the last request of the other side (or to `number`); one that is replaced becomes an error."""
        number = number or self._last_id[Direction(1 - by)]
        back = vectors.denied(number) if fate is Fate.REPLACED else b""
        return self.say(by, vectors.data(vectors.osi(vectors.response(answer, number))), fate, back)

    def error(self, *, by: Direction = S2C) -> Talk:
        """No to the last request of the other side: object-access-denied."""
        return self.say(by, vectors.denied(self._last_id[Direction(1 - by)]))

    def ask(self, service: bytes, answer: bytes, *, by: Direction = C2S) -> Talk:
        """A request and its answer."""
        return self.request(service, by=by).response(answer, by=Direction(1 - by))

    def report(self, report: bytes, *, by: Direction = S2C, fate: Fate = Fate.PASSES) -> Talk:
        """An unconfirmed PDU."""
        return self.say(by, vectors.data(vectors.osi(report)), fate)
