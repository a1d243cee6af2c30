"""The rules compiled: events in, findings and the action out.

A PDU without events costs nothing here unless a rule says `when`. Within a PDU the rules are asked in the order in
which the files give them, so that one may need a tag that an earlier one sets.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from inspector.results import Action, Event, Finding
from inspector.rules.model import Application, Override, Rule, TagTable
from inspector.seen import Seen

SIGNATURE = "signature"
"""The code of findings by rules that say `when`."""


class Counter(Protocol):
    """Rate windows: of an association (inspector.state) or of all sessions (inspector.watch)."""

    @property
    def windows(self) -> Mapping[str, Sequence[Any]]:
        """[start in ms, count] or [start in ms, thing, thing, ...] by key."""

    def hit(self, key: str, item: str, now_ms: int, seconds: float, distinct: bool, items_max: int) -> int:
        """Count one more: how many there are with it, 0 if it adds nothing."""


class Memory(Counter, Protocol):
    """What an association remembers, as far as rules use it."""

    @property
    def tags(self) -> Mapping[str, None]:
        """The tags set so far."""

    def set_tag(self, tag: str) -> None:
        """Set one more."""


class _Scene(NamedTuple):
    """Where and when an event happened."""

    association: Memory
    watch: Counter | None
    peer: str
    now_ms: int


class Ruleset:
    """All signatures that hold for a session. Immutable; one serves any number of sessions."""

    def __init__(
        self,
        applications: Iterable[Application] = (),
        rules: Iterable[Rule] = (),
        custom_applications: Iterable[Application] = (),
        custom_rules: Iterable[Rule] = (),
    ) -> None:
        self.stock_applications = tuple(applications)
        self.custom_applications = tuple(custom_applications)
        self.applications = (*self.stock_applications, *self.custom_applications)
        self.stock_rules = tuple(rules)
        self.custom_rules = tuple(custom_rules)
        self.rules = (*self.stock_rules, *self.custom_rules)
        self._named = {each.name: each for each in self.applications}
        self._custom = tuple((each.name, each.when) for each in self.custom_applications if each.when is not None)
        self._by_id = {rule.id: rule for rule in self.rules}
        enabled = [rule for rule in self.rules if rule.enabled]
        self._by_event: dict[str, tuple[Rule, ...]] = {}
        for rule in enabled:
            if rule.event is not None:
                self._by_event[rule.event] = (*self._by_event.get(rule.event, ()), rule)
        self._by_when = tuple((rule, rule.when) for rule in enabled if rule.when is not None)
        self.watches_pdus = bool(self._by_when or self._custom)
        """Whether it looks at every request and report, and not at events alone."""
        self.guarded = any(rule.action is Action.DENY for rule in enabled)
        """Whether some rule may deny a PDU."""

    @cached_property
    def stock_tags(self) -> TagTable:
        """The tags of the stock rules."""
        return TagTable.of(self.stock_rules)

    @cached_property
    def custom_tags(self) -> TagTable:
        """The tags of the user's own rules."""
        return TagTable.of(self.custom_rules)

    def rule(self, number: int) -> Rule | None:
        """The rule with this id, enabled or not."""
        return self._by_id.get(number)

    def first(self, event: str) -> Rule | None:
        """The rule that describes an event: its first one that is enabled."""
        rules = self._by_event.get(event)
        return rules[0] if rules else None

    def described(self, name: str) -> Application | None:
        """What is known of an application by its name."""
        return self._named.get(name)

    def application(self, seen: Seen, objects: tuple[str, ...]) -> str | None:
        """The user's own name for a request or report; the first that fits counts."""
        if not self._custom or seen.naming is None:
            return None
        for name, when in self._custom:
            if when.fits(seen.direction, _service(seen), seen.naming.operation, seen.naming.app, objects):
                return name
        return None

    def findings(
        self,
        events: Iterable[Event],
        seen: Seen,
        app: str | None,
        association: Memory,
        watch: Counter | None,
        peer: str,
    ) -> tuple[list[Finding], Action]:
        """What the events of one PDU are worth, and the worst action that a rule asks for.

        Counts and tags change with it. Without `watch`, what is to be counted per peer is counted in the
        association.
        """
        scene = _Scene(association, watch, peer, seen.now_ms)
        found = [
            finding
            for event in events
            for rule in self._by_event.get(event.code, ())
            if (finding := _fire(rule, event, scene)) is not None
        ]
        if self._by_when and seen.naming is not None:
            found += self._by_looks(seen, app, scene)
        return found, max((finding.action for finding in found), default=Action.PASS)

    def _by_looks(self, seen: Seen, app: str | None, scene: _Scene) -> list[Finding]:
        naming, part = seen.naming, seen.part
        assert naming is not None
        objects = () if part is None else part.access.objects
        service = _service(seen)
        found = []
        for rule, when in self._by_when:
            if when.fits(seen.direction, service, naming.operation, app, objects):
                subject = objects[0] if objects else ""
                event = Event(SIGNATURE, ": ".join(filter(None, (rule.name, subject))), subject)
                finding = _fire(rule, event, scene)
                if finding is not None:
                    found.append(finding)
        return found

    def with_overrides(self, overrides: Mapping[str, Override]) -> "Ruleset":
        """The same with rules changed, by event code (all rules of that event) or by a rule's id as text.

        Raises ValueError for a key that is neither.
        """
        if not overrides:
            return self
        for key in overrides:
            if not self.overridden(key):
                raise ValueError(f"no event and no rule: {key}")
        return Ruleset(
            self.stock_applications,
            [_changed(rule, overrides) for rule in self.stock_rules],
            self.custom_applications,
            [_changed(rule, overrides) for rule in self.custom_rules],
        )

    def overridden(self, key: str) -> tuple[Rule, ...]:
        """The rules that an override under `key` changes."""
        return tuple(rule for rule in self.rules if key in (rule.event, str(rule.id)))


def _service(seen: Seen) -> str | None:
    mms = None if seen.part is None else seen.part.mms
    return None if mms is None else mms.service_name


def _changed(rule: Rule, overrides: Mapping[str, Override]) -> Rule:
    """By event code first: what names the one rule is said more closely."""
    for key in (rule.event, str(rule.id)):
        override = overrides.get(key or "")
        if override is not None:
            fields = ("action", "severity", "count", "seconds", "enabled")
            given = {name: getattr(override, name) for name in fields if getattr(override, name) is not None}
            rule = replace(rule, **given)
    return rule


def _fire(rule: Rule, event: Event, scene: _Scene) -> Finding | None:
    association = scene.association
    if rule.needs and not rule.needs <= association.tags.keys():
        return None
    if rule.forbids and not rule.forbids.isdisjoint(association.tags):
        return None
    if rule.seconds and not _reached(rule, event, scene):
        return None
    for tag in sorted(rule.sets):
        association.set_tag(tag)
    detail = event.detail if rule.count == 1 else f"{event.detail} ({_times(rule)})"
    return Finding(event.code, rule.severity, detail, event.offset, rule.id, rule.attack, rule.action)


def _reached(rule: Rule, event: Event, scene: _Scene) -> bool:
    """Whether the rate is reached with this one.

    A rule that only tells fires once a window. One that denies goes on to, with a finding each time: what is over
    the rate must not pass because its first was told.
    """
    counter: Counter = scene.association
    key = f"rule:{rule.id}"
    if rule.per == "object":
        key = f"{key}:{event.key}"
    elif rule.per == "peer":
        key = f"{key}:{scene.peer}"
        counter = scene.watch or counter
    reached = counter.hit(key, event.key, scene.now_ms, rule.seconds, rule.distinct, rule.count)
    if reached or rule.action < Action.DENY:
        return reached == rule.count
    window = counter.windows.get(key)
    if window is None:
        return False
    return (len(window) - 1 if rule.distinct else window[1]) >= rule.count


def _times(rule: Rule) -> str:
    what = "different ones" if rule.distinct else "times"
    return f"{rule.count} {what} within {rule.seconds:g} s"
