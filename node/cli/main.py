"""The program `tandem` and its commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import typer.core

from node.cli.failures import EXIT_USAGE, CliError
from node.cli.later import Commands
from node.cli.options import ConfigFile, ConfigOption, JsonOption, SocketOption, examples
from node.cli.target import find_socket, load_config

typer.core.HAS_RICH = False  # help is plain text: to load rich would take longer than most commands do
EXIT_CODES = """\
\b
Exit codes:
  0  done
  1  the node cannot be reached or says no; with --fail-on, there are such findings
  2  usage, configuration or host"""
RELOAD_TIMEOUT_S = 60.0

app = typer.Typer(
    name="tandem",
    cls=Commands,
    help="Two nodes that inspect ICCP (TASE.2) and survive each other's death without the peers noticing.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command(epilog=examples("tandem run /etc/tandem/node.yaml"))
def run(config: ConfigFile) -> None:
    """Run a node until SIGTERM."""
    load_config(config)
    from node import guard  # noqa: PLC0415 - the whole node

    try:
        code = guard.run(config)
    except PermissionError as error:
        raise CliError(f"{error.filename}: permission denied\n    see `tandem doctor {config}`", EXIT_USAGE) from None
    raise typer.Exit(code)


@app.command(epilog=examples("tandem check /etc/tandem/node.yaml"))
def check(config: ConfigFile) -> None:
    """Validate a configuration. Says every problem, each with its place in the file."""
    load_config(config)
    typer.echo(f"{config}: sound")


@app.command(epilog=examples("tandem doctor /etc/tandem/node.yaml", "tandem doctor /etc/tandem/node.yaml --json"))
def doctor(
    config: ConfigFile, as_json: Annotated[bool, typer.Option("--json", help="Print every check as JSON.")] = False
) -> None:
    """Say what this host lacks. Exit code 2 when the configured takeover mode cannot be had."""
    from node import doctor as host  # noqa: PLC0415
    from node.cli.views import checks  # noqa: PLC0415

    settings = load_config(config, check_files=False)
    found = host.examine(settings)
    lacking = host.lacking(settings, found)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        typer.echo(checks.render(found, settings.cluster.takeover, lacking))
    if lacking:
        raise typer.Exit(EXIT_USAGE)


@app.command(
    epilog=examples(
        "tandem keygen /etc/tandem/cluster.key",
        "tandem keygen /etc/tandem/cluster.key --rotate add",
        "tandem keygen --token /etc/tandem/page.token",
    )
)
def keygen(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Where to write the key file.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Make a token for the page instead.")] = False,
    rotate: Annotated[
        str | None, typer.Option("--rotate", metavar="add|use|drop", help="A step from the key there is to a new one.")
    ] = None,
) -> None:
    """Make a new cluster key, or a token for the page. Readable by its owner alone; both nodes need the same key."""
    from node.keys import KeyFileError, new_key, write_keys  # noqa: PLC0415
    from node.tokens import write_token  # noqa: PLC0415

    if rotate is not None:
        _rotate(path, rotate)
        return
    try:
        if token:
            write_token(path, replace=force)
        else:
            write_keys(path, (new_key(),), replace=force)
    except KeyFileError as error:
        raise CliError(f"{error.what}\n    {error.remedy}", EXIT_USAGE) from None
    what_next = "name it as admin.token_file" if token else "copy it to the other node, over a safe way, with mode 0600"
    typer.echo(f"{path}: written; {what_next}")


def _rotate(path: Path, word: str) -> None:
    from node.keys import KeyFileError, Rotation, fingerprint, rotate  # noqa: PLC0415

    if word not in set(Rotation):
        raise CliError(f"--rotate {word}: the steps are {', '.join(Rotation)}", EXIT_USAGE)
    try:
        keys = rotate(path, Rotation(word))
    except KeyFileError as error:
        raise CliError(f"{error.what}\n    {error.remedy}", EXIT_USAGE) from None
    accepted = f", {fingerprint(keys[1])} is accepted too" if len(keys) > 1 else ""
    typer.echo(f"{path}: {fingerprint(keys[0])} seals{accepted}; copy it to the other node, then `tandem reload` both")


@app.command(epilog=examples("tandem reload", "tandem reload /etc/tandem/node.yaml"))
def reload(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="The node's YAML file.")] = None,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take up policies, signatures and keys anew, touching no session; a file with a mistake changes nothing."""
    from node.cli.admin import AdminClient  # noqa: PLC0415 - who asks no node can do without
    from node.cli.views import reloaded  # noqa: PLC0415

    answer = AdminClient(find_socket(config, socket), RELOAD_TIMEOUT_S).post("reload")
    typer.echo(answer.text if as_json else reloaded.render(answer.data))


@app.command(epilog=examples("tandem status", "tandem status --watch", "tandem status --json | jq .problems"))
def status(
    config: ConfigOption = None,
    socket: SocketOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it, until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a node at a glance. Role, epoch, lease, links, sync, lag, sessions, last takeover."""
    from node.cli.admin import AdminClient  # noqa: PLC0415

    client = AdminClient(find_socket(config, socket))
    if watch:
        from node.cli.watch import watch as keep_showing  # noqa: PLC0415

        keep_showing(client, as_json=as_json)
        return
    answer = client.get("status")
    if as_json:
        typer.echo(answer.text)
        return
    from rich.console import Console  # noqa: PLC0415

    from node.cli.views.status import render  # noqa: PLC0415

    Console(highlight=False).print(render(answer.data))
