"""`tandem diagnose ...` and `tandem execute ...`: the vendor's words and look for the same things."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from node.cli.admin import AdminClient
from node.cli.filters import AppOption, ClientOption, Filter, SerialOption, ServerOption
from node.cli.log import log
from node.cli.options import ConfigOption, JsonOption, SocketOption, examples
from node.cli.target import find_socket
from node.cli.views import ips_session, ips_share, sys_session


def _group(text: str) -> typer.Typer:
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)


diagnose = _group("What the node holds, in the vendor's look.")
_ips = _group("The inspector.")
_ips_share = _group("The HA session cache.")
_ips_session = _group("Inspected sessions.")
_sys = _group("The proxy.")
_sys_session = _group("Proxied connections.")
execute = _group("Orders.")
_ha = _group("High availability.")

diagnose.add_typer(_ips, name="ips")
diagnose.add_typer(_sys, name="sys")
_ips.add_typer(_ips_share, name="share")
_ips.add_typer(_ips_session, name="session")
_sys.add_typer(_sys_session, name="session")
execute.add_typer(_ha, name="ha")
execute.add_typer(log, name="log")


def _list(group: typer.Typer, view: str, render: Callable[[Any], str], text: str, *lines: str) -> None:
    """A command `list`: what the node shows under /view, in the vendor's look, with filters."""

    def show(
        client: ClientOption = None,
        server: ServerOption = None,
        app: AppOption = None,
        serial: SerialOption = None,
        config: ConfigOption = None,
        socket: SocketOption = None,
        as_json: JsonOption = False,
    ) -> None:
        answer, wanted = _client(config, socket).get(view), Filter(client, server, app, serial)
        if wanted.anything:
            typer.echo(answer.text if as_json else render(answer.data))
            return
        rows = wanted.of(answer.data)
        typer.echo(json.dumps(rows) if as_json else render(rows))

    group.command("list", help=text, epilog=examples(*lines))(show)


_list(
    _ips_share,
    "cache",
    ips_share.render,
    "The sessions that the passive node holds ready to take over.",
    "tandem diagnose ips share list",
    "tandem diagnose ips share list --client 10.1.100.178",
)
_list(
    _ips_session,
    "sessions",
    ips_session.render,
    "The sessions that this node inspects.",
    "tandem diagnose ips session list --app 'ICCP_Operate.*'",
    "tandem diagnose ips session list --serial 0005000001 --json",
)
_list(
    _sys_session,
    "connections",
    sys_session.render,
    "The connections that this node proxies, with their address translation.",
    "tandem diagnose sys session list --client '10.1.100.*'",
    "tandem diagnose sys session list --server 172.16.200.177:102",
)


@_ha.command("switchover", epilog=examples("tandem execute ha switchover && tandem status --watch"))
def ha_switchover(config: ConfigOption = None, socket: SocketOption = None, as_json: JsonOption = False) -> None:
    """Hand the active role to the other node, with every connection, losing nothing."""
    answer = _client(config, socket).post("switchover")
    typer.echo(answer.text if as_json else "switchover begun: see `tandem status --watch`")


def _client(config: Path | None, socket: Path | None) -> AdminClient:
    return AdminClient(find_socket(config, socket))
