"""Field types for patterns and for what signatures and policies name."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from inspector.patterns import PATTERN_LENGTH_MAX
from node.documents.fields import shown, wrong

TITLE_LENGTH_MAX = 96

_ATTACK = re.compile(r"T\d{4}(\.\d{3})?")
_TAG = re.compile(r"[a-z0-9][a-z0-9_.-]{0,47}")


def pattern(value: object, example: str = "PT_*") -> str:
    """A pattern of names: `*`, `?` and `[...]`."""
    text = _text(value, "a name or a pattern", example)
    if (
        not text
        or len(text) > PATTERN_LENGTH_MAX
        or any(not character.isprintable() or character == " " for character in text)
    ):
        raise wrong(f"{shown(text)} cannot be a name or a pattern", f"1 to {PATTERN_LENGTH_MAX} characters, no spaces")
    if text.count("[") != text.count("]"):
        raise wrong(f"{shown(text)} has a bracket that is not closed", "[abc] is one of a, b and c; * is anything")
    return text


def item(value: object) -> str:
    """A pattern for names inside a domain."""
    text = pattern(value)
    if "/" in text:
        domain, _, name = text.partition("/")
        raise wrong(f"{shown(text)} has a domain in it", f"write domain: {domain} and the name {name or '*'} alone")
    return text


def _domain(value: object) -> str:
    text = pattern(value, "ICC1")
    if "/" in text:
        raise wrong(f"{shown(text)} cannot be a domain", 'a domain has no /; "@" is for the names of one association')
    return text


def _title(value: object) -> str:
    text = _text(value, "a short text", "Writes to the breakers")
    if not text.strip() or len(text) > TITLE_LENGTH_MAX or not text.isprintable():
        raise wrong(f"{shown(text)} cannot be a name here", f"1 to {TITLE_LENGTH_MAX} characters in one line")
    return text


def _application(value: object) -> str:
    text = pattern(value, "ICCP_Breaker.Control")
    if set("*?[,") & set(text):
        raise wrong(
            f"{shown(text)} cannot be an application's name", "letters, digits and _ . - as in ICCP_Breaker.Control"
        )
    return text


def _attack(value: object) -> str:
    text = _text(value, "a technique of ATT&CK for ICS", "T0855")
    if _ATTACK.fullmatch(text) is None:
        raise wrong(
            f"{shown(text)} is not the id of a technique", "for example T0855: see attack.mitre.org/techniques/ics"
        )
    return text


def _tag(value: object) -> str:
    text = _text(value, "a tag", "reconnaissance")
    if _TAG.fullmatch(text) is None:
        raise wrong(f"{shown(text)} cannot be a tag", "1 to 48 of: lower-case letters, digits, _ . -")
    return text


def _text(value: object, wanted: str, example: str) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise wrong(f"must be {wanted}, not {shown(value)}", f'put it in quotes: "{value}"')
    if not isinstance(value, str):
        raise wrong(f"must be {wanted}, not {shown(value)}", f"for example {example}")
    return value


PatternField = Annotated[str, BeforeValidator(pattern)]
ItemField = Annotated[str, BeforeValidator(item)]
DomainField = Annotated[str, BeforeValidator(_domain)]
TitleField = Annotated[str, BeforeValidator(_title)]
ApplicationField = Annotated[str, BeforeValidator(_application)]
AttackField = Annotated[str, BeforeValidator(_attack)]
TagField = Annotated[str, BeforeValidator(_tag)]


def between(low: float, high: float) -> Any:
    """A number within limits, both included."""
    return Field(ge=low, le=high, allow_inf_nan=False)


CountField = Annotated[int, Field(ge=1, le=10_000)]
SecondsField = Annotated[float, between(0, 86_400)]
