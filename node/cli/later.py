"""Commands, each loaded when it is asked for: to make them all takes as long as most of them do."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer.main
from click import Command

from node.cli.failures import Reporting

LATER: Mapping[str, tuple[str, str]] = {
    "run": ("node.cli.run", "program"),
    "check": ("node.cli.check", "program"),
    "doctor": ("node.cli.doctor", "program"),
    "keygen": ("node.cli.keygen", "program"),
    "reload": ("node.cli.reload", "program"),
    "status": ("node.cli.status", "program"),
    "diagnose": ("node.cli.lists", "diagnose"),
    "execute": ("node.cli.lists", "execute"),
    "inspect": ("node.cli.inspect", "program"),
    "learn": ("node.cli.learn", "program"),
    "demo": ("node.cli.demo", "program"),
}
"""The module of each, and the name that its Typer has there."""


class Commands(Reporting):
    """The program's commands."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return list(LATER)

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:
        if cmd_name in LATER and cmd_name not in self.commands:
            module, name = LATER[cmd_name]
            self.commands[cmd_name] = typer.main.get_command(getattr(import_module(module), name))
        return super().get_command(ctx, cmd_name)
