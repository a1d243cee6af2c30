"""Sections: frozen records with one field a key, made of plain values.

    class Link(Section):
        name: NameField = Field(examples=["hb0"])       needed: it has no default
        priority: Annotated[int, ranged(0, 255)] = 100

        @rule
        def _two_ends(self) -> None: ...                raises wrong(...); asked when every field is sound by itself

Nothing is coerced, unknown keys are refused, and every mistake is told. It is a library's work, and was one's; but to
load pydantic and to have it build the models took longer than all else that `tandem check` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self, TypeVar, dataclass_transform, get_origin, get_type_hints

from node.documents.errors import SEE_EXAMPLE, Finding, Wrong, wrong
from node.documents.kinds import Check, Length, check_of
from node.documents.words import near, shown

NEEDED: Any = object()
"""In place of a default."""

Rule = TypeVar("Rule", bound=Callable[[Any], None])


class Key(NamedTuple):
    """What a section says of one of its keys."""

    default: Any = NEEDED
    examples: Sequence[Any] = ()
    length: Length = Length()


class Known(NamedTuple):
    """A key with its type."""

    annotation: Any
    key: Key
    check: Check


def Field(  # noqa: N802 - it stands where classes do
    *, default: Any = NEEDED, examples: Sequence[Any] = (), min_length: int = 0, max_length: float = float("inf")
) -> Any:
    """More about a key than its type: its default, an example, how many entries it has."""
    return Key(default, examples, Length(min_length, max_length))


def rule(judge: Rule) -> Rule:
    """Marks a method that judges a whole section."""
    judge.is_rule = True  # type: ignore[attr-defined]
    return judge


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Section:
    """Base of all sections."""

    _rules: ClassVar[tuple[Callable[[Any], None], ...]] = ()
    _schema: ClassVar[Mapping[str, Known]]

    def __init_subclass__(cls) -> None:
        cls._rules += tuple(each for each in vars(cls).values() if getattr(each, "is_rule", False))

    def __init__(self, **values: Any) -> None:
        """Raises Wrong with all that is wrong with the values."""
        self.__dict__.update(_taken(type(self), values))
        self.__dict__["_given"] = frozenset(values)
        for judge in self._rules:
            judge(self)

    @classmethod
    def read(cls, value: Any) -> Self:
        """The section of plain values, or as it is. Raises Wrong with all that is wrong with it."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            keys = ", ".join(cls.schema())
            raise wrong(f"must be a mapping of keys to values, not {shown(value)}", f"keys here: {keys}")
        return cls(**value)

    @classmethod
    def schema(cls) -> Mapping[str, Known]:
        """Its keys in order."""
        if "_schema" not in vars(cls):  # not before it is needed: most commands need few of the sections
            cls._schema = _known(cls)
        return cls._schema

    @property
    def given(self) -> frozenset[str]:
        """The keys that were given, as against left to their defaults."""
        return self.__dict__["_given"]  # type: ignore[no-any-return]

    def plain(self) -> dict[str, Any]:
        """The plain values that it can be read from again, defaults too."""
        return {name: _plain(getattr(self, name)) for name in self.schema()}

    def but(self, **changes: Any) -> Self:
        """The same with other values, which are sound."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__, **changes)
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a section is frozen: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a section is frozen: {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.schema())
        return f"{type(self).__name__}({told})"

    @property
    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.schema())


def _known(section: type[Section]) -> dict[str, Known]:
    known: dict[str, Known] = {}
    for name, annotation in get_type_hints(section, include_extras=True).items():
        if get_origin(annotation) is ClassVar:
            continue
        told = getattr(section, name, NEEDED)
        key = told if isinstance(told, Key) else Key(told)
        known[name] = Known(annotation, key, check_of(annotation, key.length))
    return known


def _taken(section: type[Section], values: Mapping[str, Any]) -> dict[str, Any]:
    known = section.schema()
    taken: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, (_, key, check) in known.items():
        if name not in values:
            taken[name] = key.default
            findings += [_missing(name, key)] if key.default is NEEDED else []
            continue
        try:
            taken[name] = check(values[name])
        except Wrong as error:
            findings += error.inside(name)
    findings += [_unknown(name, known) for name in values if name not in known]
    if findings:
        raise Wrong(findings)
    return taken


def _missing(name: str, key: Key) -> Finding:
    if key.examples:
        return (name,), f'key "{name}" is missing', f"for example {name}: {key.examples[0]}"
    return (name,), f'section "{name}" is missing', SEE_EXAMPLE


def _unknown(name: str, known: Mapping[str, Known]) -> Finding:
    words = sorted(known)
    return (name,), f'unknown key "{name}"', near(name, words) or f"known keys here: {', '.join(words)}"


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.plain()
    if type(value) is tuple:
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
