"""YAML text to plain values, keeping where each key and value stands.

Works on the parser's node tree rather than on finished objects: only there are duplicate keys still both
present, and only there does every scalar know its place. YAML 1.2 rules, so `on` and `10:102` are text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Location = tuple[str | int, ...]

DEPTH_MAX = 16

_TAG = "tag:yaml.org,2002:"
_TRUE = frozenset({"true", "True", "TRUE"})


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with the YAML itself, before any meaning is read into it."""

    location: Location
    place: Place
    message: str
    hint: str = ""


@dataclass(slots=True)
class Document:
    """A parsed file. `keys` and `values` give the place of each location's key and value."""

    data: Any = None
    keys: dict[Location, Place] = field(default_factory=dict)
    values: dict[Location, Place] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def place(self, location: Location, *, of_key: bool = False) -> Place:
        """Where `location` stands, or its nearest ancestor that is in the file."""
        first, second = (self.keys, self.values) if of_key else (self.values, self.keys)
        for end in range(len(location), -1, -1):
            found = first.get(location[:end]) or second.get(location[:end])
            if found is not None:
                return found
            first, second = self.keys, self.values  # an ancestor is best shown by its key
        return Place(1, 1)


def read(text: str, nodes_max: int, example: str) -> Document:
    """Parse one YAML document of at most `nodes_max` nodes; `example` is the file to start from if it is empty.

    Never raises: what is wrong is in `flaws`; `data` may then be incomplete.
    """
    document = Document()
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        detail = (error.problem or error.context or "cannot be read").strip()
        document.flaws.append(Flaw((), place, f"not valid YAML: {detail}"))
        return document
    except RecursionError:
        document.flaws.append(Flaw((), Place(1, 1), "nested too deep for a configuration"))
        return document
    except (YAMLError, ValueError) as error:
        document.flaws.append(Flaw((), Place(1, 1), f"not valid YAML: {str(error).splitlines()[0]}"))
        return document
    if root is None:
        document.flaws.append(Flaw((), Place(1, 1), "the file is empty", f"start from {example}"))
        return document
    document.data = _Walk(document, nodes_max).value(root, ())
    return document


class _Walk:
    """Turns the node tree into values. Aliases may repeat or contain themselves, hence the two bounds."""

    def __init__(self, document: Document, nodes_max: int) -> None:
        self._document = document
        self._nodes_max = nodes_max
        self._nodes = 0

    def value(self, node: Any, location: Location) -> Any:
        self._nodes += 1
        self._document.values[location] = _place(node)
        if len(location) > DEPTH_MAX or self._nodes > self._nodes_max:
            if self._nodes <= self._nodes_max + 1:
                self._flaw(node, location, "nested too deep or too large for a configuration")
            return None
        if node.id == "mapping":
            return self._mapping(node, location)
        if node.id == "sequence":
            return tuple(self.value(item, (*location, nr)) for nr, item in enumerate(node.value))
        return self._scalar(node, location)

    def _mapping(self, node: Any, location: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.id != "scalar":
                self._flaw(key_node, location, "a key must be plain text")
                continue
            key = str(key_node.value)
            inner = (*location, key)
            if key in found:
                first = self._document.keys[inner]
                self._flaw(
                    key_node,
                    inner,
                    f'key "{key}" is given twice',
                    f"first given in line {first.line}: keep one",
                )
                continue
            self._document.keys[inner] = _place(key_node)
            found[key] = self.value(value_node, inner)
            if value_node.value == "":  # nothing after the colon: the parser's mark is where the next token is
                self._document.values[inner] = self._document.keys[inner]
        return found

    def _scalar(self, node: Any, location: Location) -> Any:
        tag = str(node.tag)
        construct = _SCALARS.get(tag.removeprefix(_TAG)) if tag.startswith(_TAG) else None
        if construct is None:
            self._flaw(node, location, f"YAML tag {tag} has no meaning here", "remove the tag")
            return None
        try:
            return construct(node.value)
        except ValueError:
            return node.value  # the field's own check says what it wants instead

    def _flaw(self, node: Any, location: Location, message: str, hint: str = "") -> None:
        self._document.flaws.append(Flaw(location, _place(node), message, hint))


def _place(node: Any) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _integer(text: str) -> int:
    return int(text, 0) if text.lstrip("+-")[:2] in ("0x", "0o") else int(text)


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "timestamp": str,
    "null": lambda _: None,
    "bool": lambda text: text in _TRUE,
    "int": _integer,
    "float": float,
}
