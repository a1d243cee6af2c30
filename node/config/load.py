"""Reads a configuration file: all of its problems at once, or the frozen Config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from node.config import checks, positions
from node.config.errors import ConfigErrors, Problem
from node.config.explain import Finding, explain
from node.config.models import Config
from node.keys import KeyFileError, read_key

FILE_SIZE_MAX = 1 << 18


def load(path: Path | str, *, check_key: bool = True) -> Config:
    """The configuration in the file `path`.

    With `check_key` the cluster's key file must be usable too; a command that only looks for the admin socket
    can do without. Raises ConfigErrors, never anything else.
    """
    text = _read(Path(path))
    return parse(text, str(path), check_key=check_key)


def parse(text: str, file: str = "<config>", *, check_key: bool = True) -> Config:
    """As `load`, from text; `file` is the name that problems are reported under."""
    document = positions.read(text)
    problems = [
        Problem(file, flaw.place.line, flaw.place.column, dotted(flaw.location), flaw.message, flaw.hint)
        for flaw in document.flaws
    ]
    if document.data is None:
        raise ConfigErrors(problems)
    config, findings = _judge(document.data, check_key=check_key)
    unread = {flaw.location for flaw in document.flaws}  # what was left out there would be complained of twice
    problems += [_problem(file, document, finding) for finding in findings if finding[0] not in unread]
    if problems or config is None:
        raise ConfigErrors(problems)
    return config


def dotted(location: positions.Location) -> str:
    """("links", 0, "peer") as links[0].peer."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".")


def _read(path: Path) -> str:
    def refuse(message: str, hint: str = "") -> ConfigErrors:
        return ConfigErrors([Problem(str(path), 1, 1, "", message, hint)])

    try:
        if not path.is_file():
            raise refuse("no such file" if not path.exists() else "not a file", "give the path of the node's YAML file")
        with path.open("rb") as file:
            data = file.read(FILE_SIZE_MAX + 1)
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror}") from error
    if len(data) > FILE_SIZE_MAX:
        raise refuse(f"larger than {FILE_SIZE_MAX} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(str(path), line, 1, "", "not UTF-8 text", "save the file as UTF-8")
        raise ConfigErrors([problem]) from error


def _judge(data: Any, *, check_key: bool) -> tuple[Config | None, list[Finding]]:
    findings: list[Finding] = []
    config: Config | None = None
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        findings += explain(error)
    if isinstance(data, dict):
        findings += checks.check(checks.draft(data))
        findings += _key_findings(data.get("cluster")) if check_key else []
    return config, findings


def _key_findings(cluster: Any) -> list[Finding]:
    named = cluster.get("key_file") if isinstance(cluster, dict) else None
    if not isinstance(named, str) or not named.startswith("/"):
        return []  # the field's own check has said so
    try:
        read_key(Path(named))
    except KeyFileError as error:
        return [(("cluster", "key_file"), error.what, error.remedy)]
    return []


def _problem(file: str, document: positions.Document, finding: Finding) -> Problem:
    location, message, hint = finding
    place = document.place(location, of_key=message.startswith("unknown key"))
    return Problem(file, place.line, place.column, dotted(location), message, hint)
