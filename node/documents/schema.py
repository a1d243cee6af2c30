"""What a model wants at a location of a file."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from node.documents.positions import Location


class Wanted(NamedTuple):
    """A type and what limits it; `field` if a model's field stands there, and not an entry of one."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    field: FieldInfo | None = None

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """The keys that belong here, if a model stands here."""
        model = self.annotation
        return dict(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else {}

    @property
    def choices(self) -> tuple[Any, ...]:
        """The words that a Literal allows."""
        return get_args(self.annotation)

    @property
    def limits(self) -> tuple[Any, Any]:
        """The least and the greatest number."""
        low = next((each.ge for each in self.metadata if isinstance(each, Ge)), "?")
        high = next((each.le for each in self.metadata if isinstance(each, Le)), "?")
        return low, high


NOTHING = Wanted(None)


def at(model: type[BaseModel], location: Location) -> Wanted:
    """What belongs at `location` of a file that `model` describes."""
    wanted = Wanted(model)
    for step in location:
        wanted = _inside(wanted, step)
    return wanted


def _inside(wanted: Wanted, step: str | int) -> Wanted:
    field = wanted.fields.get(str(step))
    if field is not None:
        return _plain(field.annotation, tuple(field.metadata), field)
    origin, args = get_origin(wanted.annotation), get_args(wanted.annotation)
    if origin in (tuple, list) and args and isinstance(step, int):
        return _plain(args[0])
    if origin in (dict, Mapping) and len(args) == 2:
        return _plain(args[1])
    return NOTHING


def _plain(annotation: Any, metadata: Iterable[Any] = (), field: FieldInfo | None = None) -> Wanted:
    """Without what only surrounds a type: its metadata, and that nothing may stand there instead."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        flat = [each for item in more for each in (item.metadata if isinstance(item, FieldInfo) else (item,))]
        return _plain(inner, (*metadata, *flat), field)
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        if len(rest) == 1:
            return _plain(rest[0], metadata, field)
    return Wanted(annotation, tuple(metadata), field)
