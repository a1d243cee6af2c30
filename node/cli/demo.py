"""`tandem demo`: the whole thing on this machine. It is part of the source tree, not of what is installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer

import node
from node.cli.failures import EXIT_USAGE, CliError
from node.cli.options import single

EVERYTHING: dict[str, Any] = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "help_option_names": [],
    "allow_interspersed_args": False,
}
"""All arguments, --help too, are the demo's own."""

program = single()


@program.command(context_settings=EVERYTHING)
def demo(context: typer.Context) -> None:
    """Two nodes take over live ICCP associations, on this machine (scripts/demo; its options are the same)."""
    program = Path(node.__file__).parents[1] / "scripts" / "demo"
    if not program.is_file():
        raise CliError(
            "the demo is not installed: it is in the source tree\n    run scripts/demo there, as root", EXIT_USAGE
        )
    os.execv(program, [str(program), *context.args])
