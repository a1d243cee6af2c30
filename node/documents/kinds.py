"""What a field's annotation takes: from a type to a check, which gives the sound value or raises Wrong.

Values are never coerced between types, but a whole number will do where any number does. Nothing is read into what is
not plain: `bool`, `int`, `float`, `str`, Literal, `X | None`, `tuple[X, ...]`, `dict[str, X]`, sections, and Annotated
with the marks below.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from math import inf, isfinite
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from node.documents.errors import Finding, Wrong, wrong
from node.documents.words import near, shown

Check = Callable[[Any], Any]


class Parsed(NamedTuple):
    """A mark: what `parse` makes of the plain value, or raises Wrong for. It stands for the type."""

    parse: Check


class Range(NamedTuple):
    """A mark: a number's limits, both included."""

    low: float
    high: float
    told: bool = True
    """Not if the limits are there against infinity alone."""


class Length(NamedTuple):
    """How many entries a list or mapping has."""

    low: int = 0
    high: float = inf


ANY_LENGTH = Length()


def check_of(annotation: Any, length: Length = ANY_LENGTH) -> Check:
    """What takes values of this type."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _marked(*inner)
    if origin is Literal:
        return _choice(inner)
    if origin in (Union, types.UnionType):
        return _optional(check_of(next(each for each in inner if each is not types.NoneType), length))
    if origin is tuple:
        return _list(check_of(inner[0]), length)
    if origin is dict:
        return _table(check_of(inner[1]), length)
    plain = _PLAIN.get(annotation)
    return annotation.read if plain is None else plain  # a section


def _marked(annotation: Any, mark: Parsed | Range) -> Check:
    if isinstance(mark, Parsed):
        return mark.parse
    return _whole_number(mark) if annotation is int else _number(mark)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(f"must be true or false, not {shown(value)}", "write true or false, without quotes")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        quotes = f'put it in quotes: "{value}"' if isinstance(value, (int, float)) else ""
        raise wrong(f"must be text, not {shown(value)}", quotes)
    return value


_PLAIN: dict[Any, Check] = {bool: _yes_or_no, str: _text}


def _whole_number(limits: Range) -> Check:
    low, high, _ = limits

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            quoted = " without quotes" if isinstance(value, str) and value.isdigit() else ""
            raise wrong(f"must be a whole number, not {shown(value)}", f"write a number from {low} to {high}{quoted}")
        _within(value, limits)
        return value

    return check


def _number(limits: Range) -> Check:
    hint = f"write a number from {limits.low} to {limits.high}" if limits.told else "write a number, for example 49.8"

    def check(value: Any) -> float:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (isinstance(value, float) and isfinite(value)):
            raise wrong(f"must be a number, not {shown(value)}", hint)
        _within(value, limits)
        return float(value)

    return check


def _within(value: float, limits: Range) -> None:
    if not limits.low <= value <= limits.high:
        raise wrong(f"{value} is out of range", f"must be from {limits.low} to {limits.high}")


def _choice(choices: tuple[Any, ...]) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, str) or value not in choices:
            raise wrong(f"must be one of {', '.join(choices)}, not {shown(value)}", near(str(value), choices))
        return value

    return check


def _optional(inner: Check) -> Check:
    return lambda value: None if value is None else inner(value)


def _list(entry: Check, length: Length) -> Check:
    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (tuple, list)):
            raise wrong(f"must be a list, not {shown(value)}", 'begin each entry with "- "')
        _holds(value, length)
        return tuple(taken for _, taken in _each(enumerate(value), entry))

    return check


def _table(entry: Check, length: Length) -> Check:
    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong(f"must be a mapping of keys to values, not {shown(value)}")
        _holds(value, length)
        return dict(_each(iter(value.items()), entry))

    return check


def _holds(value: Any, length: Length) -> None:
    if len(value) < length.low:
        raise wrong("the list is empty", f"give at least {length.low}")
    if len(value) > length.high:
        raise wrong(f"the list has {len(value)} entries", f"at most {length.high}")


def _each(entries: Iterator[tuple[Any, Any]], check: Check) -> list[tuple[Any, Any]]:
    """What is sound of each. Raises Wrong with all that is wrong."""
    taken: list[tuple[Any, Any]] = []
    findings: list[Finding] = []
    for step, value in entries:
        try:
            taken.append((step, check(value)))
        except Wrong as error:
            findings += error.inside(step)
    if findings:
        raise Wrong(findings)
    return taken
