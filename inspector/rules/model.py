"""What a signature file says, checked by whoever read it: frozen, and nothing in it depends on traffic."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from inspector.patterns import Patterns
from inspector.results import Action, Direction, Severity

Per = Literal["association", "object", "peer"]
"""What a rate is counted for."""


@dataclass(frozen=True, slots=True)
class When:
    """The requests and reports that a signature is about. Everything given must fit; answers never do."""

    direction: Direction | None = None
    mms_service: str | None = None
    """As ISO 9506 spells it."""
    operation: str | None = None
    """The TASE.2 operation."""
    app: str | None = None
    """A pattern for the application's name."""
    objects: tuple[str, ...] = ()
    """Patterns for `domain/item`; one object that fits one of them is enough."""
    _app: Patterns = field(init=False, repr=False, compare=False)
    _objects: Patterns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_app", Patterns(() if self.app is None else (self.app,)))
        object.__setattr__(self, "_objects", Patterns(self.objects))

    def fits(
        self,
        direction: Direction,
        mms_service: str | None,
        operation: str | None,
        app: str | None,
        objects: Iterable[str],
    ) -> bool:
        """Whether a request or report is one of those meant."""
        if self.direction is not None and direction is not self.direction:
            return False
        if self.mms_service is not None and mms_service != self.mms_service:
            return False
        if self.operation is not None and operation != self.operation:
            return False
        if self.app is not None and not self._app.match(app or ""):
            return False
        return not self.objects or any(self._objects.match(name) for name in objects)


@dataclass(frozen=True, slots=True)
class Application:
    """A name for what is done. A stock one describes a name of inspector.apps; one with `when` is the user's."""

    id: int
    name: str
    category: str
    risk: int
    """From 1, harmless, to 5, critical."""
    description: str = ""
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """When an event, or a request or report, is a finding. One of `event` and `when` is given."""

    id: int
    name: str
    severity: Severity
    event: str | None = None
    when: When | None = None
    rank: int = 0
    """Its place among the twelve that matter most; 0 for the user's own."""
    description: str = ""
    attack: tuple[str, ...] = ()
    """Techniques of MITRE ATT&CK for ICS."""
    count: int = 1
    """It fires when so many were counted within `seconds`, and not again until that window has passed."""
    seconds: float = 0.0
    """0: it fires each time, and counts nothing."""
    per: Per = "association"
    distinct: bool = False
    """Different objects are counted, not how often they are met."""
    needs: frozenset[str] = frozenset()
    """Tags that the association must have."""
    forbids: frozenset[str] = frozenset()
    """Tags that it must not have."""
    sets: frozenset[str] = frozenset()
    """Tags that it gets when the rule fires."""
    action: Action = Action.PASS
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Override:
    """What a policy changes about a rule; None leaves it as it is."""

    action: Action | None = None
    severity: Severity | None = None
    count: int | None = None
    seconds: float | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class TagTable:
    """How many tags the signatures of one origin know, and a hash by which two nodes compare them."""

    count: int
    hash: str
    """The first 8 hex digits of SHA-256 over the sorted names, joined by line feeds."""

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "TagTable":
        """The tags that these rules set or ask for."""
        from hashlib import sha256  # noqa: PLC0415 - it loads OpenSSL, and whoever compares nothing does without

        names = sorted({tag for rule in rules for tags in (rule.needs, rule.forbids, rule.sets) for tag in tags})
        return cls(len(names), sha256("\n".join(names).encode()).hexdigest()[:8])
