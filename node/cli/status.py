"""`tandem status`: a node at a glance."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.admin import AdminClient
from node.cli.options import ConfigOption, JsonOption, SocketOption, examples, single
from node.cli.target import find_socket

program = single()


@program.command(epilog=examples("tandem status", "tandem status --watch", "tandem status --json | jq .problems"))
def status(
    config: ConfigOption = None,
    socket: SocketOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it, until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a node at a glance. Role, epoch, lease, links, sync, lag, sessions, last takeover."""
    client = AdminClient(find_socket(config, socket))
    if watch:
        from node.cli.watch import watch as keep_showing  # noqa: PLC0415 - rich: who wants JSON does without

        keep_showing(client, as_json=as_json)
        return
    answer = client.get("status")
    if as_json:
        typer.echo(answer.text)
        return
    from rich.console import Console  # noqa: PLC0415

    from node.cli.views.status import render  # noqa: PLC0415

    Console(highlight=False).print(render(answer.data))
