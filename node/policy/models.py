"""What a policy file may say. Attribute names are the YAML's keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from node.documents import Section
from node.documents.fields import NameField, ranged, wrong
from node.documents.patterns import CountField, DomainField, ItemField, PatternField, SecondsField, between
from node.policy.fields import ApTitleField, NetworkField, SelectorField
from node.signatures.models import ActionName, SeverityName

ROWS_MAX = 20_000
NAMES_MAX = 20_000
PEERS_MAX = 256
POLICIES_MAX = 64
BOUND = 1e300

RightName = Literal["read", "write", "report", "select", "operate", "tag"]
QualityName = Literal["valid", "held", "suspect", "not_valid"]
NumberField = Annotated[float, between(-BOUND, BOUND)]


class Side(Section):
    """What one end of a session must be; what is not given may be anything."""

    tsap: tuple[SelectorField, ...] = Field(default=(), max_length=64)
    ap_title: tuple[ApTitleField, ...] = Field(default=(), max_length=64)
    ae_qualifier: tuple[Annotated[int, ranged(0, 2_147_483_647)], ...] = Field(default=(), max_length=64)


class Applications(Section):
    """By application: services that name no object and are allowed, and what is denied whatever the rows say."""

    allow: tuple[PatternField, ...] = Field(default=(), max_length=256)
    deny: tuple[PatternField, ...] = Field(default=(), max_length=256)


class Span(Section):
    """What a value may be, both ends included."""

    min: NumberField | None = None
    max: NumberField | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        check_span(self.min, self.max, required=True)
        return self


class Rate(Section):
    """So many within so many seconds."""

    count: CountField = Field(examples=["2"])
    seconds: SecondsField = Field(examples=["60"])

    @model_validator(mode="after")
    def _takes_time(self) -> Rate:
        if not self.seconds:
            raise wrong("so many within no time", "give the seconds within which they count", at="seconds")
        return self


class Row(Section):
    """One line of a bilateral table."""

    domain: DomainField | None = None
    names: tuple[ItemField, ...] = Field(min_length=1, max_length=NAMES_MAX, examples=["[PT_*]"])
    rights: tuple[RightName, ...] = Field(min_length=1, max_length=6, examples=["[read, report]"])
    values: Span | None = None
    rate: Rate | None = None
    action: Literal["monitor", "deny", "reset"] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Row:
        if self.values is not None and not {"write", "operate"} & set(self.rights):
            raise wrong(
                "values are for what is written", "give the right write or operate, or leave values out", at="values"
            )
        if self.action is not None and self.values is None and self.rate is None:
            hint = "give values or a rate, or leave action out"
            raise wrong("action is for what is outside of values or rate, and neither is given", hint, at="action")
        return self


class PointRow(Section):
    """What reported values may be."""

    domain: DomainField | None = None
    names: tuple[ItemField, ...] = Field(min_length=1, max_length=NAMES_MAX, examples=["[PT_*]"])
    min: NumberField | None = None
    max: NumberField | None = None
    quality: tuple[QualityName, ...] = Field(default=(), max_length=4)
    rate: Rate | None = None
    action: Literal["monitor", "deny", "reset"] = "monitor"

    @model_validator(mode="after")
    def _limits_something(self) -> PointRow:
        check_span(self.min, self.max, required=False)
        if self.min is None and self.max is None and not self.quality and self.rate is None:
            raise wrong("it limits nothing", "give min, max, quality or rate", at="names")
        return self


class Peer(Section):
    """A partner: how it is recognised, and its bilateral table."""

    name: NameField = Field(examples=["east"])
    addresses: tuple[NetworkField, ...] = Field(default=(), max_length=256)
    client: Side = Side()
    server: Side = Side()
    applications: Applications = Applications()
    client_may: tuple[Row, ...] = Field(default=(), max_length=ROWS_MAX)
    server_may: tuple[Row, ...] = Field(default=(), max_length=ROWS_MAX)
    points: tuple[PointRow, ...] = Field(default=(), max_length=ROWS_MAX)


class Detection(Section):
    """What is changed about the detections of an event, or about the one with an id."""

    action: ActionName | None = None
    severity: SeverityName | None = None
    count: CountField | None = None
    seconds: SecondsField | None = None
    enabled: bool | None = None


class PolicyEntry(Section):
    """One policy."""

    id: Annotated[int, ranged(1, 2_147_483_647)] = Field(examples=["1"])
    name: NameField = Field(examples=["east"])
    default: Literal["pass", "monitor", "deny", "reset"] = "pass"
    unknown_peer: Literal["pass", "monitor", "reset", "quarantine"] = "pass"
    on_undecodable: Literal["reset", "pass"] | None = None
    ignore_after: Annotated[int, ranged(0, 2_147_483_647)] = 0
    quarantine_s: Annotated[int, ranged(1, 604_800)] = 300
    peers: tuple[Peer, ...] = Field(default=(), max_length=PEERS_MAX)
    detections: dict[str, Detection] = Field(default={}, max_length=1_000)


class PolicyFile(Section):
    """One file of policies."""

    policies: tuple[PolicyEntry, ...] = Field(min_length=1, max_length=POLICIES_MAX)


def check_span(low: float | None, high: float | None, *, required: bool) -> None:
    """Raises the validator's error for ends in the wrong order, or for none."""
    if low is not None and high is not None and low > high:
        raise wrong(f"min ({low:g}) is above max ({high:g})", "no value could be right: exchange them", at="min")
    if required and low is None and high is None:
        raise wrong("neither min nor max is given", "for example {min: 0, max: 1}")
