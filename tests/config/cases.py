"""Mistakes told in a text file: edits of a sound file, and all that is then said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from node.documents import Problem


@dataclass
class Case:
    name: str
    edited: str
    expected: str


def read_cases(path: Path, base: str) -> list[Case]:
    """Blank-line separated blocks: `# name`, `- old`, `+ new`, and the expected output."""
    blocks = path.read_text().split("\n\n")
    return [_case(block.strip("\n").split("\n"), base) for block in blocks[1:]]


def _case(lines: list[str], base: str) -> Case:
    old = "\n".join(line[2:] for line in lines if line.startswith("- "))
    new = "\n".join(line[2:] for line in lines if line.startswith("+ "))
    expected = [line for line in lines if not line.startswith(("# ", "- ", "+ "))]
    assert old == "*" or old in base, f"nothing to edit: {old}"
    edited = new if old == "*" else base.replace(old, new, 1)
    return Case(lines[0].removeprefix("# "), edited, "\n".join(expected))


def told(problems: list[Problem], file: str) -> str:
    """The problems as printed, less the file's name."""
    return "\n".join(str(problem).removeprefix(f"{file}:") for problem in problems)
