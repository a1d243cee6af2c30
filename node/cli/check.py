"""`tandem check`: every mistake of a configuration at its place."""

from __future__ import annotations

import typer

from node.cli.options import ConfigFile, examples, single
from node.cli.target import load_config

program = single()


@program.command(epilog=examples("tandem check /etc/tandem/node.yaml"))
def check(config: ConfigFile) -> None:
    """Validate a configuration. Says every problem, each with its place in the file."""
    load_config(config)
    typer.echo(f"{config}: sound")
