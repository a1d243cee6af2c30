"""What is wrong with a file that somebody wrote, where, and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Location = tuple[str | int, ...]
Finding = tuple[Location, str, str]
"""Where, what is wrong, and what would be right."""

SEE_EXAMPLE = "see the example"
"""A hint: whoever knows the file that shows how it is done names it instead."""


class Wrong(Exception):  # noqa: N818 - it is all that is wrong
    """What is wrong with a value, located within it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = findings
        super().__init__("; ".join(message for _, message, _ in findings))

    def inside(self, step: str | int) -> list[Finding]:
        """The same, located within what holds the value at `step`."""
        return [((step, *location), message, hint) for location, message, hint in self.findings]


def wrong(message: str, hint: str = "", at: str = "") -> Wrong:
    """One thing that is wrong; `at` names the key that is to be shown."""
    return Wrong([((at,) if at else (), message, hint)])


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. Line and column count from 1; `path` is dotted ("links[0].peer"), empty for the file."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        subject = f"{self.path}: " if self.path else ""
        text = f"{self.file}:{self.line}:{self.column}: {subject}{self.message}"
        return f"{text}\n    {self.hint}" if self.hint else text


class ConfigErrors(Exception):  # noqa: N818 - it is many errors
    """All the problems of one file, in the order of its lines; of several, file by file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        files = list(dict.fromkeys(problem.file for problem in problems))
        self.problems = sorted(problems, key=lambda p: (files.index(p.file), p.line, p.column, p.path))
        super().__init__("\n".join(str(problem) for problem in self.problems))
