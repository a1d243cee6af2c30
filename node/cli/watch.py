"""`tandem status --watch`: the status, redrawn in place.

A node whose worker is being replaced has no admin socket for a moment; that is shown, and asking goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count

import typer
from rich.console import Console, Group, RenderableType
from rich.text import Text

from node.cli.admin import AdminClient
from node.cli.failures import CliError
from node.cli.views.status import render

PERIOD_S = 0.5
"""Between two looks."""
_CLEAR_LINE = "\x1b[K\n"
_CLEAR_BELOW = "\x1b[J"


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
    console = Console(highlight=False)
    if not console.is_terminal:
        for _ in looks:
            console.print(_look(client))
            time.sleep(PERIOD_S)
        return
    drawn = 0
    with _hidden_cursor(console):
        for _ in looks:
            with console.capture() as shown:
                console.print(_look(client))
            lines = shown.get().splitlines()[: console.height - 1]
            console.file.write(_over(lines, drawn))
            console.file.flush()
            drawn = len(lines)
            time.sleep(PERIOD_S)


def _over(lines: list[str], drawn: int) -> str:
    """Lines over the `drawn` ones: each is overwritten and its rest cleared, so that nothing is blank in between."""
    up = f"\x1b[{drawn}F" if drawn else ""
    return f"{up}{''.join(f'{line}{_CLEAR_LINE}' for line in lines)}{_CLEAR_BELOW}"


@contextmanager
def _hidden_cursor(console: Console) -> Iterator[None]:
    console.show_cursor(False)
    try:
        yield
    finally:
        console.show_cursor(True)


def _look(client: AdminClient) -> RenderableType:
    now = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    try:
        shown: RenderableType = render(client.get("status").data)
    except CliError as error:
        shown = Text(str(error), style="red")
    return Group(shown, Text(f"{now}  Ctrl-C ends this", style="dim"))
