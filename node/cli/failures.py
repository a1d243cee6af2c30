"""Errors that end in one clear message and an exit code, never in a traceback."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

EXIT_NODE = 1
"""The node cannot be reached, or says no."""
EXIT_USAGE = 2
"""Usage, configuration or host."""


class CliError(Exception):
    """An expected failure: a message for standard error and the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Reporting(TyperGroup):
    """A command group that turns a CliError of any command under it into its message and code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CliError as error:
            typer.echo(f"tandem: {error}", err=True)
            raise typer.Exit(error.code) from None
