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
        metavar="FILE",
        help="The YAML file of the node that is meant.",
    ),
]
SocketOption = Annotated[
    Path | None,
    typer.Option("--socket", metavar="PATH", help="The node's admin socket, in place of --config."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly what the node answered.")]
