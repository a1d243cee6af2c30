"""Reads signature files into a Ruleset: all mistakes of all files at once, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from inspector.rules import Ruleset
from node.documents import Bounds, ConfigErrors, Finding, Problem, Reading, read_text
from node.documents.explain import near
from node.signatures import stock as stock_signatures
from node.signatures.models import SignatureFile, fits_one

BOUNDS = Bounds(octets=1 << 20, nodes=100_000)
EXAMPLE = "configs/signatures-example.yaml"
RESERVED = range(600_000, 700_000)
"""Ids of the stock file, today's and later ones."""


@cache
def stock() -> SignatureFile:
    """The signatures that come with the program."""
    return SignatureFile.model_validate_json(stock_signatures.text())


def checked(text: str, name: str) -> SignatureFile:
    """A file of signatures, judged by itself alone. Raises ConfigErrors."""
    return Reading(text, name, SignatureFile, EXAMPLE, BOUNDS.nodes).result()


def read_files(paths: Sequence[Path]) -> list[SignatureFile]:
    """The user's files. Raises ConfigErrors with the problems of all of them."""
    known = _Known(stock())
    files: list[SignatureFile] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            files.append(_read(path, known))
        except ConfigErrors as errors:
            problems += errors.problems
    if problems:
        raise ConfigErrors(problems)
    return files


def compiled(files: Sequence[SignatureFile]) -> Ruleset:
    """The stock signatures and these."""
    return Ruleset(
        *stock_signatures.rules(),
        [each.compiled() for file in files for each in file.applications],
        [each.compiled() for file in files for each in file.detections],
    )


class _Known:
    """What earlier files have used up, and what later ones may refer to."""

    def __init__(self, file: SignatureFile) -> None:
        self.ids: dict[int, str] = {}
        self.applications: dict[str, str] = {}
        self.tags: set[str] = set()
        self.add(file, "the stock signatures")

    def add(self, file: SignatureFile, where: str) -> None:
        """Take up what a file gives."""
        for _, entries in file.sections:
            for each in entries:
                self.ids.setdefault(each.id, where)
        for application in file.applications:
            self.applications.setdefault(application.name, where)
        for detection in file.detections:
            self.tags.update(detection.sets)


def _read(path: Path, known: _Known) -> SignatureFile:
    text = read_text(path, BOUNDS.octets, "give the path of a YAML file of signatures")
    reading = Reading(text, str(path), SignatureFile, EXAMPLE, BOUNDS.nodes)
    file = reading.value
    if file is not None:
        reading.add(_repeated_ids(file, known.ids))
        reading.add(_applications(file, known.applications))
        known.add(file, str(path))
        reading.add(_tags(file, known.tags))
        reading.add(_unknown_applications(file, set(known.applications)))
    return reading.result()


def _repeated_ids(file: SignatureFile, taken: Mapping[int, str]) -> Iterator[Finding]:
    here: dict[int, str] = {}
    for section, entries in file.sections:
        for nr, entry in enumerate(entries):
            where = taken.get(entry.id) or here.get(entry.id)
            if where is not None:
                yield (section, nr, "id"), f"{entry.id} is taken by {where}", "each id once, in all files"
            elif entry.id in RESERVED:
                hint = f"ids from {RESERVED.start} to {RESERVED.stop - 1} are for the stock signatures: take another"
                yield (section, nr, "id"), f"{entry.id} is reserved", hint
            here.setdefault(entry.id, f"{section}[{nr}]")


def _applications(file: SignatureFile, taken: Mapping[str, str]) -> Iterator[Finding]:
    here: dict[str, str] = {}
    for nr, entry in enumerate(file.applications):
        if entry.when is None:
            message = "an application of yours must say when it is meant"
            yield ("applications", nr, "name"), message, "for example when: {operation: Operate, objects: [ICC1/BRK*]}"
        where = taken.get(entry.name) or here.get(entry.name)
        if where is not None:
            yield ("applications", nr, "name"), f"{entry.name} is defined in {where} already", "each name once"
        here.setdefault(entry.name, f"applications[{nr}]")


def _tags(file: SignatureFile, tags: set[str]) -> Iterator[Finding]:
    """A tag that nothing sets is a slip: what needs it would never fire."""
    for nr, detection in enumerate(file.detections):
        for key in ("needs", "forbids"):
            for place, tag in enumerate(getattr(detection, key)):
                if tag not in tags:
                    hint = near(tag, sorted(tags)) or f"tags so far: {', '.join(sorted(tags))}"
                    yield ("detections", nr, key, place), f"no detection sets the tag {tag}", hint


def _unknown_applications(file: SignatureFile, names: set[str]) -> Iterator[Finding]:
    for section, entries in file.sections:
        for nr, entry in enumerate(entries):
            pattern = None if entry.when is None else entry.when.app
            if pattern is not None and not fits_one(pattern, names):
                yield (section, nr, "when", "app"), f"no application is called {pattern}", near(pattern, sorted(names))
