"""What a signature file may say. Attribute names are the YAML's keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from inspector import rules
from inspector.apps import NAMINGS
from inspector.patterns import Patterns
from inspector.results import Action, Direction
from inspector.services import CONFIRMED_SERVICES, UNCONFIRMED_SERVICES
from node.documents import Section
from node.documents.explain import near
from node.documents.fields import ranged, shown, wrong
from node.documents.patterns import (
    ApplicationField,
    AttackField,
    CountField,
    PatternField,
    SecondsField,
    TagField,
    TitleField,
)

ActionName = Literal["pass", "monitor", "deny", "reset", "quarantine"]
SeverityName = Literal["low", "medium", "high"]
RULES_MAX = 1_000

_SERVICES = (*CONFIRMED_SERVICES, *UNCONFIRMED_SERVICES)
_OPERATIONS = sorted({naming.operation for naming in NAMINGS.values() if naming.operation is not None})
_DIRECTIONS = {
    "client-to-server": Direction.CLIENT_TO_SERVER,
    "server-to-client": Direction.SERVER_TO_CLIENT,
}

Id = Annotated[int, ranged(1, 2_147_483_647)]


def action(name: ActionName) -> Action:
    """The action of that name."""
    return Action[name.upper()]


def one_of(known: Any, what: str, example: str) -> BeforeValidator:
    """A word out of many, with a suggestion for one that is not among them."""

    def judge(value: object) -> object:
        if value not in known:
            hint = near(str(value), known) or f"for example {example}"
            raise wrong(f"no {what} is called {shown(value)}", hint)
        return value

    return BeforeValidator(judge)


class When(Section):
    """Which requests and reports; all that is given must fit."""

    direction: Literal["client-to-server", "server-to-client"] | None = None
    mms_service: Annotated[str | None, one_of(_SERVICES, "service of MMS", "write")] = None
    operation: Annotated[str | None, one_of(_OPERATIONS, "operation of TASE.2", "Set Data Value")] = None
    app: PatternField | None = None
    objects: tuple[PatternField, ...] = Field(default=(), max_length=RULES_MAX)

    @model_validator(mode="after")
    def _says_something(self) -> When:
        if not self.model_fields_set:
            raise wrong(
                "it says nothing, and would fit every PDU", "give a direction, service, operation, app or objects"
            )
        return self

    def compiled(self) -> rules.When:
        """For the inspector."""
        direction = None if self.direction is None else _DIRECTIONS[self.direction]
        return rules.When(direction, self.mms_service, self.operation, self.app, self.objects)


class Signature(Section):
    """What applications and detections have in common."""

    id: Id = Field(examples=["1000001"])
    when: When | None = None
    description: str = ""


class Application(Signature):
    """A name for what is done."""

    name: ApplicationField = Field(examples=["ICCP_Breaker.Control"])
    category: TitleField = Field(examples=["ICCP"])
    risk: Annotated[int, ranged(1, 5)] = Field(examples=["3"])

    def compiled(self) -> rules.Application:
        """For the inspector."""
        when = None if self.when is None else self.when.compiled()
        return rules.Application(self.id, self.name, self.category, self.risk, self.description, when)


class Detection(Signature):
    """When an event, or a request or report, is told of."""

    name: TitleField = Field(examples=["Writes to the breakers"])
    event: Annotated[str | None, one_of(rules.EVENTS, "event", "unauthorized-write")] = None
    severity: SeverityName = Field(examples=["medium"])
    rank: Annotated[int, ranged(0, 12)] = 0
    attack: tuple[AttackField, ...] = Field(default=(), max_length=8)
    count: CountField = 1
    seconds: SecondsField = 0.0
    per: Literal["association", "object", "peer"] = "association"
    distinct: bool = False
    needs: tuple[TagField, ...] = Field(default=(), max_length=16)
    forbids: tuple[TagField, ...] = Field(default=(), max_length=16)
    sets: tuple[TagField, ...] = Field(default=(), max_length=16)
    action: ActionName = "pass"
    enabled: bool = True

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Detection:
        if (self.event is None) == (self.when is None):
            both = "both event and when are given" if self.event else "neither event nor when is given"
            raise wrong(both, "an event of the inspector's own, or when: which requests and reports", at="name")
        return self

    @model_validator(mode="after")
    def _counts_within_a_time(self) -> Detection:
        if self.count > 1 and not self.seconds:
            raise wrong(
                f"{self.count} of them within no time", "give seconds: the window in which they count", at="count"
            )
        if self.distinct and not self.seconds:
            raise wrong("different ones are counted within no time", "give count and seconds", at="distinct")
        if self.distinct and self.per == "object":
            raise wrong("of one object there are no different ones", "count them per association or per peer", at="per")
        return self

    def compiled(self) -> rules.Rule:
        """For the inspector."""
        return rules.Rule(
            self.id,
            self.name,
            self.severity,
            self.event,
            None if self.when is None else self.when.compiled(),
            self.rank,
            self.description,
            self.attack,
            self.count,
            self.seconds,
            self.per,
            self.distinct,
            frozenset(self.needs),
            frozenset(self.forbids),
            frozenset(self.sets),
            action(self.action),
            self.enabled,
        )


class SignatureFile(Section):
    """One file of signatures."""

    applications: tuple[Application, ...] = Field(default=(), max_length=RULES_MAX)
    detections: tuple[Detection, ...] = Field(default=(), max_length=RULES_MAX)

    @property
    def sections(self) -> tuple[tuple[str, Sequence[Signature]], ...]:
        """Everything in it, by the keys under which it stands."""
        return ("applications", self.applications), ("detections", self.detections)


def fits_one(pattern: str, names: set[str]) -> bool:
    """Whether a pattern fits at least one of the names."""
    fits = Patterns((pattern,)).match
    return any(fits(name) for name in names)
