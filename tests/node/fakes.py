"""Stand-ins for a node's surroundings: a clock that is turned by hand, a stream that only remembers."""

from __future__ import annotations

from collections.abc import Callable

from node.relay import Gating, Mark
from protocol import messages
from protocol.messages import Message


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class FakeChannel:
    """A stream to a passive that answers nothing."""

    def __init__(self, owner: object) -> None:
        self.sent: list[list[Message]] = []
        self.closed: str | None = None
        self._owner = owner

    def send(self, payload: bytes) -> int:
        self.sent.append(messages.unpack(payload))
        return len(self.sent)

    def close(self, reason: str) -> None:
        self.closed = reason
        self._owner.lost(self, reason)  # type: ignore[attr-defined]

    @property
    def kinds(self) -> list[str]:
        return [type(message).__name__ for frame in self.sent for message in frame]


class FakeEnd:
    """An end that remembers what was committed, and what was released."""

    def __init__(self, position: int = 0) -> None:
        self.leg = self
        self.position = position
        self.commits: list[int] = []
        self.releases: list[int] = []

    def committed(self, position: int) -> None:
        self.commits.append(position)

    def release(self, position: int) -> None:
        self.releases.append(position)


class FakeRelay:
    """A relay as the replicator sees it."""

    def __init__(self, record: list[object], positions: tuple[int, int] = (0, 0)) -> None:
        self.gating = Gating.SOLO
        self.closed = False
        self.ends = [FakeEnd(positions[0]), FakeEnd(positions[1])]
        self.ready = 0
        self._record = record

    def record(self) -> list[object]:
        return self._record

    def standing(self) -> list[FakeEnd]:
        return self.ends

    def committed(self, _position: int) -> None:
        self.ready += 1

    def marks(self) -> list[Mark]:
        return [*((end.committed, end.position) for end in self.ends), (self.committed, 2)]

    def commit_all(self) -> None:
        for waiter, position in self.marks():
            waiter(position)


class Loop:
    """call_soon without a loop: runs what was asked for, later, when told to."""

    def __init__(self) -> None:
        self._due: list[Callable[[], None]] = []

    def call_soon(self, call: Callable[[], None]) -> None:
        self._due.append(call)

    def turn(self) -> None:
        due, self._due = self._due, []
        for call in due:
            call()

    def run(self) -> None:
        while self._due:
            self.turn()
