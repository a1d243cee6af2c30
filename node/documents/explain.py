"""The validator's errors in the operator's words: what is wrong, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from node.documents import schema
from node.documents.fields import shown
from node.documents.positions import Location

Finding = tuple[Location, str, str]  # where, message, hint
_ANY_NUMBER = 1e100  # a bound beyond this is there against infinity, and nothing to tell


class Mistake(NamedTuple):
    """One of the validator's errors, and the model that it is about."""

    model: type[BaseModel]
    example: str
    location: Location
    value: Any
    context: dict[str, Any]

    @property
    def key(self) -> str:
        """The last step of its location."""
        return str(self.location[-1])

    @property
    def wanted(self) -> schema.Wanted:
        """What belongs there."""
        return schema.at(self.model, self.location)

    @property
    def siblings(self) -> Iterable[str]:
        """The keys that belong beside it."""
        return schema.at(self.model, self.location[:-1]).fields


def explain(error: ValidationError, model: type[BaseModel], example: str) -> list[Finding]:
    """One finding for each of the validator's errors about `model`; `example` is the file that shows how it is done."""
    return [_finding(details, model, example) for details in error.errors(include_url=False) if not _is_echo(details)]


def near(word: str, known: Iterable[str]) -> str:
    """A suggestion when one of the known words is close."""
    words = list(known)
    guesses = dict.fromkeys((word, word.lower().replace("-", "_"), word.lower()))
    close = next((hit for guess in guesses for hit in difflib.get_close_matches(guess, words, n=1, cutoff=0.6)), None)
    return f'did you mean "{close}"?' if close else ""


def _is_echo(details: ErrorDetails) -> bool:
    """The validator counts only sound entries: a list whose one entry is wrong is not too short as well."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _finding(details: ErrorDetails, model: type[BaseModel], example: str) -> Finding:
    location: Location = details["loc"]
    kind, context = details["type"], details.get("ctx", {})
    if kind == "tandem":
        at = (context["at"],) if context["at"] else ()
        return (*location, *at), context["message"], context["hint"]
    say = _WORDS.get(kind)
    mistake = Mistake(model, example, location, details["input"], context)
    message, hint = say(mistake) if say else (details["msg"], "")
    return location, message, hint


def _unknown(mistake: Mistake) -> tuple[str, str]:
    known = sorted(mistake.siblings)
    return f'unknown key "{mistake.key}"', near(mistake.key, known) or f"known keys here: {', '.join(known)}"


def _missing(mistake: Mistake) -> tuple[str, str]:
    field = mistake.wanted.field
    if field is not None and field.examples:
        return f'key "{mistake.key}" is missing', f"for example {mistake.key}: {field.examples[0]}"
    return f'section "{mistake.key}" is missing', f"see {mistake.example}"


def _choice(mistake: Mistake) -> tuple[str, str]:
    choices = [str(choice) for choice in mistake.wanted.choices]
    return f"must be one of {', '.join(choices)}, not {shown(mistake.value)}", near(str(mistake.value), choices)


def _range(mistake: Mistake) -> tuple[str, str]:
    low, high = mistake.wanted.limits
    return f"{mistake.value} is out of range", f"must be from {low} to {high}"


def _whole_number(mistake: Mistake) -> tuple[str, str]:
    low, high = mistake.wanted.limits
    value = mistake.value
    quoted = " without quotes" if isinstance(value, str) and value.isdigit() else ""
    return f"must be a whole number, not {shown(value)}", f"write a number from {low} to {high}{quoted}"


def _number(mistake: Mistake) -> tuple[str, str]:
    low, high = mistake.wanted.limits
    bounded = isinstance(high, (int, float)) and high < _ANY_NUMBER
    hint = f"write a number from {low} to {high}" if bounded else "write a number, for example 49.8"
    return f"must be a number, not {shown(mistake.value)}", hint


def _yes_or_no(mistake: Mistake) -> tuple[str, str]:
    return f"must be true or false, not {shown(mistake.value)}", "write true or false, without quotes"


def _text(mistake: Mistake) -> tuple[str, str]:
    value = mistake.value
    quotes = f'put it in quotes: "{value}"' if isinstance(value, (int, float)) else ""
    return f"must be text, not {shown(value)}", quotes


def _mapping(mistake: Mistake) -> tuple[str, str]:
    keys = ", ".join(mistake.wanted.fields)
    return f"must be a mapping of keys to values, not {shown(mistake.value)}", f"keys here: {keys}" if keys else ""


def _list(mistake: Mistake) -> tuple[str, str]:
    return f"must be a list, not {shown(mistake.value)}", 'begin each entry with "- "'


def _too_few(mistake: Mistake) -> tuple[str, str]:
    return "the list is empty", f"give at least {mistake.context['min_length']}"


def _too_many(mistake: Mistake) -> tuple[str, str]:
    return f"the list has {mistake.context['actual_length']} entries", f"at most {mistake.context['max_length']}"


_WORDS: dict[str, Callable[[Mistake], tuple[str, str]]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "literal_error": _choice,
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "int_type": _whole_number,
    "float_type": _number,
    "finite_number": _number,
    "bool_type": _yes_or_no,
    "string_type": _text,
    "dict_type": _mapping,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "tuple_type": _list,
    "too_short": _too_few,
    "too_long": _too_many,
}
