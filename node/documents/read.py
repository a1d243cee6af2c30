"""A file's text, and a text under a model with all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from node.documents import positions
from node.documents.errors import ConfigErrors, Problem
from node.documents.explain import Finding, explain

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a file may be."""

    octets: int
    nodes: int
    """Keys, values, lists and mappings."""


def read_text(path: Path, octets_max: int, hint: str) -> str:
    """The text of a file; `hint` says what to do if there is none. Raises ConfigErrors."""

    def refuse(message: str, hint: str = "") -> ConfigErrors:
        return ConfigErrors([Problem(str(path), 1, 1, "", message, hint)])

    try:
        if not path.is_file():
            raise refuse("no such file" if not path.exists() else "not a file", hint)
        with path.open("rb") as file:
            data = file.read(octets_max + 1)
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror}") from error
    if len(data) > octets_max:
        raise refuse(f"larger than {octets_max} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(str(path), line, 1, "", "not UTF-8 text", "save the file as UTF-8")
        raise ConfigErrors([problem]) from error


class Reading(Generic[Model]):
    """A text read under a model. Look further into `value` and `data`, `add` what is wrong, then take `result`.

    `file` is the name that problems are reported under, `example` the file that shows how it is done.
    """

    def __init__(self, text: str, file: str, model: type[Model], example: str, nodes_max: int) -> None:
        self.file = file
        self.value: Model | None = None
        self._document = positions.read(text, nodes_max, example)
        flaws = self._document.flaws
        self.problems = [
            Problem(file, flaw.place.line, flaw.place.column, dotted(flaw.location), flaw.message, flaw.hint)
            for flaw in flaws
        ]
        self._unread = {flaw.location for flaw in flaws}
        if self.data is not None:
            try:
                self.value = model.model_validate(self.data)
            except ValidationError as error:
                self.add(explain(error, model, example))

    @property
    def data(self) -> Any:
        """The plain values; None if there are none."""
        return self._document.data

    def add(self, findings: Iterable[Finding]) -> None:
        """What else is wrong. What could not be read is not complained of twice."""
        self.problems += [self._problem(finding) for finding in findings if finding[0] not in self._unread]

    def _problem(self, finding: Finding) -> Problem:
        location, message, hint = finding
        place = self._document.place(location, of_key=message.startswith("unknown key"))
        return Problem(self.file, place.line, place.column, dotted(location), message, hint)

    def result(self) -> Model:
        """The value. Raises ConfigErrors if anything is wrong."""
        if self.problems or self.value is None:
            raise ConfigErrors(self.problems)
        return self.value


def dotted(location: positions.Location) -> str:
    """("links", 0, "peer") as links[0].peer."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".")
