"""SKELETON: helper POLICY replaces this file."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inspector.apps import Naming
from inspector.results import Action, Direction, Event

Hit = Callable[[str, float, int], int]
"""Counts one more of a key within so many seconds, up to a most; how many there are now, 0 beyond the most."""


class Identity(NamedTuple):
    address: str

    @classmethod
    def of(cls, address: str, facts: Mapping[str, int | str]) -> "Identity":
        return cls(address)


class Deed(NamedTuple):
    direction: Direction
    naming: Naming
    service: str | None
    kind: str
    objects: tuple[str, ...]
    value: float | None


class Judgement(NamedTuple):
    action: Action
    events: tuple[Event, ...]
    why: str


class Policy:
    number = 1
    guarded = False
    ignore_after = 0
    quarantine_s = 0.0
    points: Callable[[str], Any] | None = None

    def is_control(self, name: str) -> bool:
        return False

    def admit(self, identity: Identity) -> Judgement:
        return Judgement(Action.PASS, (), "")

    def judge(self, deed: Deed, identity: Identity, hit: Hit) -> Judgement:
        return Judgement(Action.PASS, (), "")
