"""`tandem status --watch`: the status, redrawn in place.

A node whose worker is being replaced has no admin socket for a moment; that is shown, and asking goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from node.cli.admin import AdminClient
from node.cli.failures import CliError
from node.cli.views.status import render

PERIOD_S = 0.5
"""Between two looks."""


def watch(client: AdminClient, *, as_json: bool, looks: int | None = None) -> None:
    """Show the status every PERIOD_S until Ctrl-C, or `looks` times. JSON: one line a look."""
    with suppress(KeyboardInterrupt):
        show = _print_lines if as_json else _redraw
        show(client, count() if looks is None else range(looks))


def _print_lines(client: AdminClient, looks: Iterable[int]) -> None:
    for _ in looks:
        try:
            typer.echo(client.get("status").text)
        except CliError as error:
            typer.echo(f"tandem: {error}", err=True)
        time.sleep(PERIOD_S)


def _redraw(client: AdminClient, looks: Iterable[int]) -> None:
    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        for _ in looks:
            live.update(_look(client), refresh=True)
            time.sleep(PERIOD_S)


def _look(client: AdminClient) -> RenderableType:
    now = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    try:
        shown: RenderableType = render(client.get("status").data)
    except CliError as error:
        shown = Text(str(error), style="red")
    return Group(shown, Text(f"{now}  Ctrl-C ends this", style="dim"))
