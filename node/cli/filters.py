"""Which rows of a list are shown: patterns for client, server, application and serial, all of which must fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from node.cli.views.text import Record, records

ClientOption = Annotated[
    str | None, typer.Option("--client", metavar="PATTERN", help="Of this client: its address, with or without port.")
]
ServerOption = Annotated[str | None, typer.Option("--server", metavar="PATTERN", help="To this server, likewise.")]
AppOption = Annotated[
    str | None, typer.Option("--app", metavar="PATTERN", help="With this application among those seen.")
]
SerialOption = Annotated[str | None, typer.Option("--serial", metavar="PATTERN", help="With this serial.")]


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; case does not matter, and * stands for anything."""

    client: str | None = None
    server: str | None = None
    app: str | None = None
    serial: str | None = None

    @property
    def anything(self) -> bool:
        """Nothing is asked for, so everything fits."""
        return all(getattr(self, field.name) is None for field in fields(self))

    def of(self, data: object) -> list[Record]:
        """The rows that fit."""
        return [row for row in records(data) if self._fits(row)]

    def _fits(self, row: Record) -> bool:
        return all(
            pattern is None or any(fnmatchcase(word.lower(), pattern.lower()) for word in words(row))
            for pattern, words in (
                (self.client, lambda row: _ends(row.get("client"), "src")),
                (self.server, lambda row: _ends(row.get("server"), "dst")),
                (self.app, _apps),
                (self.serial, lambda row: [str(row.get("serial"))]),
            )
        )


def _ends(value: Any, key: str) -> list[str]:
    """An endpoint, and its host alone; of a connection's two tuples the peer's end."""
    endpoint = str(value.get(key) if isinstance(value, dict) else value)
    return [endpoint, endpoint.rpartition(":")[0]]


def _apps(row: Record) -> Iterator[str]:
    for key in ("app", "last_app"):
        if row.get(key):
            yield str(row[key])
    yield from map(str, row.get("apps") or ())
