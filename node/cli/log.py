"""`tandem execute log display`: what happened on the node, with the filters that the node itself applies."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from node.cli.admin import AdminClient
from node.cli.options import ConfigOption, JsonOption, SocketOption, examples
from node.cli.target import find_socket

log = typer.Typer(help="Events.", no_args_is_help=True, rich_markup_mode=None)


def _filter(metavar: str, text: str, *names: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=text)


@log.command(
    "display",
    epilog=examples(
        "tandem execute log display --severity medium --since 2026-03-01T12:00",
        "tandem execute log display --app 'ICCP_Operate.*' --client 10.1.100.178 --count 100",
        "tandem execute log display --type takeover --json",
    ),
)
def display(
    since: Annotated[str | None, _filter("TIME", "Not before, as 2026-03-01T12:00.")] = None,
    until: Annotated[str | None, _filter("TIME", "Not after.")] = None,
    severity: Annotated[str | None, _filter("SEVERITY", "At least: info, low, medium, high.")] = None,
    session: Annotated[str | None, _filter("ID", "Of this session: its id or serial.")] = None,
    kind: Annotated[str | None, _filter("PATTERN", "Of this type: app, finding, takeover...", "--type")] = None,
    action: Annotated[str | None, _filter("PATTERN", "With this action: pass, monitor, deny...")] = None,
    app: Annotated[str | None, _filter("PATTERN", "Of this application.")] = None,
    client: Annotated[str | None, _filter("PATTERN", "Of this client: its address, with or without port.")] = None,
    server: Annotated[str | None, _filter("PATTERN", "To this server, likewise.")] = None,
    count: Annotated[str | None, _filter("N", "How many are returned; 10 unless told otherwise.")] = None,
    start_line: Annotated[str | None, _filter("N", "The first of them; 1 is the newest.")] = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """What happened on this node, newest first. All filters that are given must fit."""
    from urllib.parse import urlencode  # noqa: PLC0415

    from node.cli.views.log import render  # noqa: PLC0415

    given = {
        **{"since": since, "until": until, "severity": severity, "session": session, "type": kind, "action": action},
        **{"app": app, "client": client, "server": server, "count": count, "start": start_line},
    }
    query = urlencode({name: value for name, value in given.items() if value is not None})
    answer = AdminClient(find_socket(config, socket)).get(f"log?{query}" if query else "log")
    typer.echo(answer.text if as_json else render(answer.data))
