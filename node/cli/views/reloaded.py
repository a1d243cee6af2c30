"""What a reload has changed: the answer to POST /reload."""

from __future__ import annotations

from collections.abc import Iterator

from node.cli.views.text import Record, clean, part, whole


def render(data: object) -> str:
    """In a few lines."""
    return "\n".join(_lines(data if isinstance(data, dict) else {}))


def _lines(outcome: Record) -> Iterator[str]:
    yield f"in force for new sessions and {whole(outcome.get('sessions'))} running ones"
    for name, table in part(outcome, "tables").items():
        number, digest = table if isinstance(table, list) and len(table) == 2 else (None, None)
        yield f"  {clean(name):12} {whole(number):>6}  {clean(digest)}"
    for key in outcome.get("restart") or ():
        yield f"not taken up: {clean(key)} has changed, and needs a restart of the node"
