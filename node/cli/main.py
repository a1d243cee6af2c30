"""The program `tandem`."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

import typer
import typer.core

from node.cli.later import Commands

gc.set_threshold(50_000)  # what a command loads is no garbage, and was looked through dozens of times
typer.core.HAS_RICH = False  # help is plain text: to load rich would take longer than most commands do
EXIT_CODES = """\
\b
Exit codes:
  0  done
  1  the node cannot be reached or says no; with --fail-on, there are such findings
  2  usage, configuration or host"""

app = typer.Typer(
    name="tandem",
    cls=Commands,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _tandem() -> None:
    """Two nodes that inspect ICCP (TASE.2) and survive each other's death without the peers noticing."""


def main() -> NoReturn:
    """Run a command and end at once: to take apart all that was loaded would be a tenth of most commands' time."""
    code: object = 0
    try:
        app(prog_name="tandem")
    except SystemExit as end:
        code = end.code
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads any more
        code = code or 1
    os._exit(code if isinstance(code, int) else int(code is not None))
