"""The validator's errors in the operator's words: what is wrong, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from node.config.fields import shown
from node.config.models import Config
from node.config.positions import Location

Finding = tuple[Location, str, str]  # where, message, hint


def explain(error: ValidationError) -> list[Finding]:
    """One finding for each of the validator's errors."""
    return [_finding(details) for details in error.errors(include_url=False) if not _is_echo(details)]


def _is_echo(details: ErrorDetails) -> bool:
    """The validator counts only sound entries: a list whose one entry is wrong is not too short as well."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _finding(details: ErrorDetails) -> Finding:
    location: Location = details["loc"]
    kind, context = details["type"], details.get("ctx", {})
    if kind == "tandem":
        at = (context["at"],) if context["at"] else ()
        return (*location, *at), context["message"], context["hint"]
    say = _WORDS.get(kind)
    message, hint = say(location, details["input"], context) if say else (details["msg"], "")
    return location, message, hint


def _unknown(location: Location, _value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    known = sorted(_fields_at(location[:-1]))
    key = str(location[-1])
    return f'unknown key "{key}"', _near(key, known) or f"known keys here: {', '.join(known)}"


def _missing(location: Location, _value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    key = str(location[-1])
    field = _field(location)
    if field is not None and field.examples:
        return f'key "{key}" is missing', f"for example {key}: {field.examples[0]}"
    return f'section "{key}" is missing', "see configs/node-a.yaml"


def _choice(location: Location, value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    field = _field(location)
    choices = [str(choice) for choice in get_args(field.annotation)] if field is not None else []
    return f"must be one of {', '.join(choices)}, not {shown(value)}", _near(str(value), choices)


def _range(location: Location, value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    low, high = _limits(location)
    return f"{value} is out of range", f"must be from {low} to {high}"


def _whole_number(location: Location, value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    low, high = _limits(location)
    quoted = " without quotes" if isinstance(value, str) and value.isdigit() else ""
    return f"must be a whole number, not {shown(value)}", f"write a number from {low} to {high}{quoted}"


def _yes_or_no(_location: Location, value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    return f"must be true or false, not {shown(value)}", "write true or false, without quotes"


def _mapping(location: Location, value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    keys = ", ".join(_fields_at(location))
    return f"must be a mapping of keys to values, not {shown(value)}", f"keys here: {keys}"


def _list(_location: Location, value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    return f"must be a list, not {shown(value)}", 'begin each entry with "- "'


def _too_few(_location: Location, _value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    return "the list is empty", f"give at least {context['min_length']}"


def _too_many(_location: Location, _value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    return f"the list has {context['actual_length']} entries", f"at most {context['max_length']}"


_WORDS: dict[str, Callable[[Location, Any, Mapping[str, Any]], tuple[str, str]]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "literal_error": _choice,
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "int_type": _whole_number,
    "bool_type": _yes_or_no,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "tuple_type": _list,
    "too_short": _too_few,
    "too_long": _too_many,
}


def _near(word: str, known: list[str]) -> str:
    """A suggestion when one of the known words is close."""
    close = difflib.get_close_matches(word.lower().replace("-", "_"), known, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else ""


def _model_at(location: Location) -> type[BaseModel] | None:
    """The model that stands at a location; list positions count as the list's element."""
    model: type[BaseModel] = Config
    for step in location:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(step)
        inner = _model_of(field.annotation) if field is not None else None
        if inner is None:
            return None
        model = inner
    return model


def _model_of(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *get_args(annotation))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _fields_at(location: Location) -> dict[str, FieldInfo]:
    model = _model_at(location)
    return dict(model.model_fields) if model is not None else {}


def _field(location: Location) -> FieldInfo | None:
    return _fields_at(location[:-1]).get(str(location[-1])) if location else None


def _limits(location: Location) -> tuple[Any, Any]:
    field = _field(location)
    metadata = field.metadata if field is not None else []
    low = next((each.ge for each in metadata if isinstance(each, Ge)), "?")
    high = next((each.le for each in metadata if isinstance(each, Le)), "?")
    return low, high
