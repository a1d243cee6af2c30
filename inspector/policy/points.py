"""Limits of what is reported: signatures cannot tell false data from true, but the operator knows what can be.

Judged by their values after the policy has allowed the report that carries them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from inspector.patterns import Patterns
from inspector.policy.actions import EVENTS_MAX, Hit, Judgement, told, worst
from inspector.policy.rows import Name, Rate, Span, in_domain
from inspector.results import Action

QUALITIES = ("valid", "held", "suspect", "not_valid")
"""By the two validity bits of a point's flags (IEC 60870-6-802)."""
POINTS_REMEMBERED = 32_768


class Reported(NamedTuple):
    """A point's value as reported; None: the report does not say."""

    name: str
    value: float | None = None
    quality: str | None = None
    """One of QUALITIES."""


@dataclass(frozen=True, slots=True)
class PointLimit:
    """What a point may be."""

    span: Span | None = None
    quality: frozenset[str] = frozenset()
    """Empty: any."""
    rate: Rate | None = None
    action: Action = Action.MONITOR
    """For what is outside."""
    key: str = ""

    def judge(self, point: Reported, hit: Hit) -> list[Judgement]:
        """What is wrong with a reported value."""
        found = []
        name, value, quality = point
        if self.span is not None and value is not None and not self.span.holds(value):
            why = f"{name} was reported as {value:g}: expected is {self.span}"
            found.append(told(self.action, "value-out-of-range", why, name))
        if self.quality and quality is not None and quality not in self.quality:
            why = f"{name} was reported as {quality}: expected is {' or '.join(sorted(self.quality))}"
            found.append(told(self.action, "quality-limit", why, name))
        if self.rate is not None and not hit(f"{self.key}:{name}", self.rate.seconds, self.rate.count):
            why = f"{name} was reported more often than {self.rate}"
            found.append(told(self.action, "value-rate", why, name))
        return found


@dataclass(frozen=True, slots=True)
class PointRow:
    """The points that a limit is for."""

    domain: str | None
    names: tuple[str, ...]
    limit: PointLimit
    _domain: Patterns = field(init=False, repr=False, compare=False)
    _names: Patterns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_domain", Patterns(() if self.domain is None else (self.domain,)))
        object.__setattr__(self, "_names", Patterns(self.names))

    def speaks_of(self, name: Name) -> bool:
        """Whether a point is one of those meant."""
        return in_domain(self.domain, self._domain, name.domain) and self._names.match(name.item)


class Points:
    """The limits of all points. The first row that speaks of a point counts."""

    def __init__(self, rows: Iterable[PointRow]) -> None:
        self.rows = tuple(rows)
        self._known: dict[str, PointLimit | None] = {}

    def limits(self, name: str) -> PointLimit | None:
        """The limits of a point, if it has any."""
        try:
            return self._known[name]
        except KeyError:
            pass
        if len(self._known) >= POINTS_REMEMBERED:
            self._known.clear()
        parts = Name.of(name)
        found = next((row.limit for row in self.rows if row.speaks_of(parts)), None)
        self._known[name] = found
        return found

    __call__ = limits

    def judge(self, reported: Iterable[Reported], hit: Hit) -> Judgement:
        """What is wrong with the values that one report carries; `hit` as for Policy.judge."""
        found: list[Judgement] = []
        for point in reported:
            limit = self.limits(point.name)
            if limit is not None:
                found += limit.judge(point, hit)
        return worst(sorted(found, key=lambda each: -each.action)[: EVENTS_MAX * 4])

    @property
    def deny(self) -> bool:
        """Whether some limit may take a report out."""
        return any(row.limit.action is Action.DENY for row in self.rows)
