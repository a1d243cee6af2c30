"""`tandem reload`: what a running node takes up anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from node.cli.admin import AdminClient
from node.cli.options import JsonOption, SocketOption, examples, single
from node.cli.target import find_socket
from node.cli.views import reloaded

RELOAD_TIMEOUT_S = 60.0

program = single()


@program.command(epilog=examples("tandem reload", "tandem reload /etc/tandem/node.yaml"))
def reload(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="The node's YAML file.")] = None,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take up policies, signatures and keys anew, touching no session; a file with a mistake changes nothing."""
    answer = AdminClient(find_socket(config, socket), RELOAD_TIMEOUT_S).post("reload")
    typer.echo(answer.text if as_json else reloaded.render(answer.data))
