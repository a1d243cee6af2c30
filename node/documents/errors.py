"""What is wrong with a file that somebody wrote, where, and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
