"""`tandem doctor`: what this host lacks."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from node.cli.failures import EXIT_USAGE
from node.cli.options import ConfigFile, examples, single
from node.cli.target import load_config
from node.cli.views import checks

program = single()


@program.command(epilog=examples("tandem doctor /etc/tandem/node.yaml", "tandem doctor /etc/tandem/node.yaml --json"))
def doctor(
    config: ConfigFile, as_json: Annotated[bool, typer.Option("--json", help="Print every check as JSON.")] = False
) -> None:
    """Say what this host lacks. Exit code 2 when the configured takeover mode cannot be had."""
    from node import doctor as host  # noqa: PLC0415 - what it tries things with is not needed for its help

    settings = load_config(config, check_files=False)
    found = host.examine(settings)
    lacking = host.lacking(settings, found)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        typer.echo(checks.render(found, settings.cluster.takeover, lacking))
    if lacking:
        raise typer.Exit(EXIT_USAGE)
