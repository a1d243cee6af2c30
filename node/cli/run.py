"""`tandem run`: the guard of a node, which starts its worker."""

from __future__ import annotations

import typer

from node.cli.failures import EXIT_USAGE, CliError
from node.cli.options import ConfigFile, examples, single
from node.cli.target import load_config

program = single()


@program.command(epilog=examples("tandem run /etc/tandem/node.yaml"))
def run(config: ConfigFile) -> None:
    """Run a node until SIGTERM."""
    load_config(config)
    from node import guard, log  # noqa: PLC0415 - the whole node

    try:
        code = guard.run(config)
    except PermissionError as error:
        raise CliError(f"{error.filename}: permission denied\n    see `tandem doctor {config}`", EXIT_USAGE) from None
    finally:
        log.flush()  # the program ends without a word to the interpreter (main.py)
    raise typer.Exit(code)
