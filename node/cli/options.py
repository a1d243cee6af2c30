"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The node's YAML file.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="TANDEM_CONFIG",
        show_envvar=False,
        metavar="FILE",
        help="The YAML file of the node that is meant; also from TANDEM_CONFIG.",
    ),
]
SocketOption = Annotated[
    Path | None,
    typer.Option("--socket", metavar="PATH", help="The node's admin socket, in place of --config."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print what the node answered, as it came.")]


def examples(*lines: str) -> str:
    """The end of a command's help; \\b keeps its lines as they are."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def single() -> typer.Typer:
    """What a command is made in that is loaded later (later.py)."""
    return typer.Typer(add_completion=False, rich_markup_mode=None)
