"""The node at a glance: the answer to GET /status, with rich."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from node.cli.views.text import Record, clean, fill, milliseconds, part, records, whole

COUNTERS_MAX = 24
STYLES = {
    "active": "bold green",
    "passive": "bold cyan",
    "starting": "bold yellow",
    "fault": "bold red",
    "up": "green",
    "down": "bold red",
    "in-sync": "green",
    "syncing": "yellow",
    "out-of-sync": "bold red",
    "solo": "bold yellow",
}


def render(data: object) -> RenderableType:
    """The whole view."""
    status: Record = data if isinstance(data, dict) else {}
    parts: list[RenderableType] = [_headline(status), *_problems(status), Text(), _facts(status), Text()]
    parts.append(_links(status))
    if counters := _counters(status):
        parts += [Text(), counters]
    return Group(*parts)


def _styled(word: object) -> Text:
    text = clean(word)
    return Text(text, style=STYLES.get(text, ""))


def _headline(status: Record) -> Text:
    words = [
        Text(fill("node {node}", status), style="bold"),
        _styled(status.get("role")),
        Text(fill("epoch {epoch}", status)),
        _styled(status.get("sync")),
        Text(fill("takeover {takeover}", status)),
        *([Text("degraded", style="bold yellow")] if status.get("degraded") else []),
        Text(fill("up {uptime_s:age}", status), style="dim"),
    ]
    return Text("   ").join(words)


def _problems(status: Record) -> Iterator[Text]:
    for problem in status.get("problems") or ():
        yield Text(f"  ! {clean(problem)}", style="bold red")
    for lack in status.get("missing") or ():
        yield Text(f"  ! the host lacks {clean(lack)}", style="yellow")


def _facts(status: Record) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for name, fact in (
        ("lease", _lease(part(status, "lease"))),
        ("peer", _peer(part(status, "peer"))),
        ("sessions", _sessions(status)),
        ("replication", _replication(part(status, "replication"))),
        *([("witness", _witness(part(status, "witness")))] if status.get("witness") else []),
        ("last takeover", _takeover(part(status, "last_takeover"))),
        ("rules", _rules(part(status, "rules"))),
    ):
        table.add_row(Text(name, style="dim"), fact)
    return table


def _lease(lease: Record) -> Text:
    held = isinstance(left := lease.get("remaining_ms"), (int, float)) and left > 0
    standing = "{remaining_ms:ms} left of" if held else "not held,"
    return Text(fill(standing + " {duration_ms:ms}, lowest margin {lowest_margin_ms:ms}", lease))


def _peer(peer: Record) -> Text:
    if not peer:
        return Text("not heard", style="bold yellow")
    words = [
        Text(fill("{name}", peer)),
        _styled(peer.get("role")),
        Text(fill("epoch {epoch}", peer)),
        _styled(peer.get("sync")),
        Text(fill("heard {age_ms:ms} ago", peer)),
        Text(fill("{software}", peer)),
    ]
    return Text("   ").join(words)


def _witness(witness: Record) -> Text:
    if not witness.get("answers"):
        return Text(fill("does not answer: {failure}", witness), style="red")
    told = "{holder} holds epoch {epoch}   {endpoint} answers in {took_ms:ms}"
    return Text(fill(told, witness))


def _sessions(status: Record) -> Text:
    return Text(fill("{sessions:n} live, {cached:n} cached, {reports_per_s:rate} reports/s", status))


def _replication(stream: Record) -> Text:
    lag = "lag {lag_bytes:size}, {lag_ms:ms}"
    frames = "{committed:n} of {frames:n} frames committed"
    return Text(fill(f"{{state}}   {lag}   {frames}   {{resyncs:n}} resyncs", stream))


def _takeover(last: Record) -> Text:
    if not last:
        return Text("none", style="dim")
    kept = "{sessions:n} sessions kept, {reset:n} reset"
    times = "detect {detect_ms:ms}, restore {restore_ms:ms}, total {total_ms:ms}"
    return Text(fill(f"{{reason}}   epoch {{epoch}}   {kept}\n{times}", last))


def _rules(rules: Record) -> Text:
    """Of each table how many entries and their hash, here and, where they differ, there."""
    there, differing = part(rules, "there"), rules.get("differing") or ()
    text = Text()
    for name, table in part(rules, "here").items():
        text.append(f"{clean(name)} {_table(table)}", style="bold red" if name in differing else "")
        text.append(f" (there {_table(there.get(name))})   " if name in differing else "   ")
    text.append("the nodes differ" if differing else "both nodes alike" if there else "the other node does not tell")
    return text


def _table(table: object) -> str:
    return fill("{nr:n}:{hash}", table if isinstance(table, dict) else {})


def _links(status: Record) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column("link")
    table.add_column("state")
    for name in ("priority", "heard", "sent", "received", "lost"):
        table.add_column(name, justify="right")
    table.add_column("")
    for link in records(status.get("links")):
        numbers = (
            whole(link.get("priority")),
            milliseconds(link.get("age_ms")),
            *(whole(link.get(key)) for key in ("sent", "received", "lost")),
        )
        stream = "stream" if link.get("carries_stream") else ""
        table.add_row(Text(clean(link.get("name"))), _styled(link.get("state")), *numbers, stream)
    return table


def _counters(status: Record) -> Table | None:
    """What was counted, zeros left out, in two columns."""
    counted = sorted((name, value) for name, value in part(status, "counters").items() if value)
    if not counted:
        return None
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for name, value in counted[:COUNTERS_MAX]:
        table.add_row(Text(clean(name), style="dim"), Text(whole(value), justify="right"))
    if (more := len(counted) - COUNTERS_MAX) > 0:
        table.add_row(Text(f"and {more} more: --json", style="dim"), "")
    return table
