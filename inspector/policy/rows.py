"""One line of a bilateral table: which objects, what may be done to them, within which limits."""

from dataclasses import dataclass, field
from typing import NamedTuple

from inspector.objects import UNNAMED
from inspector.patterns import Patterns
from inspector.policy.actions import ALLOWED, Hit, Judgement, told
from inspector.policy.rights import ENOUGH, Need, Right
from inspector.results import Action
from inspector.tase2 import device_of

OWN_DOMAIN = "@"
"""Stands for the names that belong to one association."""
_OF_DEVICES = frozenset((Need.SELECT, Need.TAG, Need.READ))
_WITH_VALUES = frozenset((Need.WRITE, Need.SET, Need.OPERATE))


class Span(NamedTuple):
    """What a value may be, both ends included; None: no end."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value lies within; what is no number lies nowhere."""
        return value == value and (self.low is None or value >= self.low) and (self.high is None or value <= self.high)  # noqa: PLR0124

    def __str__(self) -> str:
        if self.low is None:
            return f"at most {self.high:g}"
        return f"at least {self.low:g}" if self.high is None else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may be done to one object."""

    count: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.count} in {self.seconds:g} s"


class Name(NamedTuple):
    """An object's name in its two parts."""

    domain: str | None
    """None: the VMD."""
    item: str
    """Empty: all of the domain."""

    @classmethod
    def of(cls, text: str) -> "Name":
        """From `domain/item`, `item` or `domain/`."""
        domain, slash, item = text.partition("/")
        return cls(domain, item) if slash else cls(None, domain)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a bilateral table."""

    domain: str | None
    """A pattern; None: names of the VMD. Only `@` itself is the association's own."""
    names: tuple[str, ...]
    """Patterns."""
    rights: frozenset[Right]
    values: Span | None = None
    """For what is written."""
    rate: Rate | None = None
    """For each object and each kind of access by itself."""
    action: Action = Action.DENY
    """For what is outside its limits."""
    key: str = ""
    """What tells it from other rows, for its counts."""
    _domain: Patterns = field(init=False, repr=False, compare=False)
    _names: Patterns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_domain", Patterns(() if self.domain is None else (self.domain,)))
        object.__setattr__(self, "_names", Patterns(self.names))

    def allows(self, need: Need, name: Name) -> bool:
        """Whether this may be done to that object, limits aside."""
        return not self.rights.isdisjoint(ENOUGH[need]) and self._speaks_of(need, name)

    def _speaks_of(self, need: Need, name: Name) -> bool:
        if not in_domain(self.domain, self._domain, name.domain):
            return False
        if not name.item:
            return need is Need.READ or self._names.lists("*")
        if name.item == UNNAMED:
            return self._names.lists(UNNAMED)
        if self._names.match(name.item):
            return True
        device = device_of(name.item) if need in _OF_DEVICES else None
        return device is not None and self._names.match(device)

    @property
    def limited(self) -> bool:
        """Whether it depends on more than names."""
        return self.values is not None or self.rate is not None

    def judge(self, need: Need, name: str, value: float | None, hit: Hit, who: str) -> Judgement:
        """What it says of an access that it allows, limits aside."""
        if self.values is not None and need in _WITH_VALUES and (value is None or not self.values.holds(value)):
            what = "a value that is no number" if value is None else f"{value:g}"
            why = f"{who} wrote {what} to {name}: allowed is {self.values}"
            return told(self.action, "value-out-of-range", why, name)
        if self.rate is not None and not hit(f"{self.key}:{int(need)}:{name}", self.rate.seconds, self.rate.count):
            why = f"{who} is over the rate for {name}: allowed are {self.rate}"
            return told(self.action, "value-rate", why, name)
        return ALLOWED


def in_domain(written: str | None, patterns: Patterns, domain: str | None) -> bool:
    """Whether a row's domain is the one meant; patterns never mean the association's own names."""
    if domain is None or written is None:
        return domain is written
    if OWN_DOMAIN in (domain, written):
        return domain == written
    return patterns.match(domain)
