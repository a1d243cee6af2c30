"""How the demo looks: the lab as a drawing, both nodes and their peers side by side, tables, the verdict."""

from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scripts.lab.evidence import Moment, Sessions

ROLE_STYLES: Final = {"active": "bold green", "passive": "bold cyan", "starting": "yellow", "fault": "bold red"}
_SESSIONS_SHOWN: Final = 12

DRAWING: Final = """\
                        ┌──────── node a ────────┐
   ICCP clients ──┬─────┤ inspects, replicates   ├─────┬── ICCP server
   {client:<12}   │     └─────── heartbeats ─────┘     │   {server}
                  │            ║ and deltas            │
                  │     ┌────────────╨───────────┐     │
                  └─────┤ follows every step     ├─────┘
                        └──────── node b ────────┘
   Clients know one address, {front}; the server sees one, {back}.
   Whichever node is active speaks for both."""


def heading(console: Console, number: int, title: str) -> None:
    """The start of a chapter."""
    console.print()
    console.rule(Text(f"{number}. {title}", style="bold"), align="left")


def node_panel(name: str, status: dict[str, Any], note: str = "") -> Panel:
    """One node at a glance; `note` stands in when it does not answer."""
    if not status:
        words = Text(note or "no answer", style="bold red")
        return Panel(words, title=f"node {name}", border_style="red", height=11)
    role = status["role"]
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", width=10)
    table.add_column()
    table.add_row("role", Text(f"{role}, epoch {status['epoch']}", style=ROLE_STYLES.get(role, "")))
    table.add_row("cache", _sync(status))
    table.add_row("sessions", _held(status))
    table.add_row("reports/s", f"{status['reports_per_s']:.0f}" if role == "active" else "-")
    table.add_row("lease", _lease(status) if role == "active" else "-")
    for link in status["links"]:
        table.add_row(f"link {link['name']}", _link(link))
    table.add_row("problems", Text("; ".join(status["problems"]) or "none", overflow="ellipsis", no_wrap=True))
    style = ROLE_STYLES.get(role, "white").rsplit(" ", maxsplit=1)[-1]
    return Panel(table, title=f"node {name}", border_style=style, height=11)


def _sync(status: dict[str, Any]) -> Text:
    good = status["sync"] == "in-sync"
    return Text(status["sync"], style="green" if good else "yellow")


def _held(status: dict[str, Any]) -> str:
    if status["role"] == "active":
        return f"{status['sessions']} live, {status['replication']['lag_bytes']} bytes in flight"
    return f"{status['cached']} cached, ready to take over"


def _lease(status: dict[str, Any]) -> str:
    lease = status["lease"]
    return f"{lease['remaining_ms']:.0f} of {lease['duration_ms']:.0f} ms left"


def _link(link: dict[str, Any]) -> Text:
    stream = ", replication" if link["carries_stream"] else ""
    return Text(f"{link['state']}{stream}", style="green" if link["state"] == "up" else "bold red")


def peers_panel(rows: list[tuple[str, str]], passed: str = "") -> Panel:
    """What the peers see; `passed` says how much of the time to watch is over."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    for label, words in rows:
        table.add_row(label, words)
    return Panel(table, title="the ICCP peers", subtitle=passed or None, subtitle_align="right")


def overview(nodes: list[Panel], peers: Panel) -> RenderableType:
    """Everything live, at one glance."""
    side_by_side = Table.grid(expand=True)
    for _ in nodes:
        side_by_side.add_column(ratio=1)
    side_by_side.add_row(*nodes)
    return Group(side_by_side, peers)


def takeover_table(moment: Moment, restored: str = "every TCP connection and decoder is restored") -> Table:
    """A takeover's steps, counted from the blow; `restored` says what the middle one achieved."""
    table = Table(title="the takeover, from the blow", title_justify="left", show_header=False)
    table.add_column(justify="right", style="bold")
    table.add_column()
    assert moment.detect_ms is not None and moment.restore_ms is not None, "something took over"
    table.add_row(f"{moment.detect_ms:.1f} ms", f"the passive node knows that it must take over ({moment.reason})")
    table.add_row(f"+ {moment.restore_ms:.1f} ms", restored)
    table.add_row(f"{moment.takeover_ms:.1f} ms", "the addresses are announced: it speaks for both")
    return table


def sessions_table(before: Sessions, after: Sessions) -> Table:
    """The same sessions on the old primary and on the new one."""
    table = Table(title="the sessions, before → after", title_justify="left")
    for column in ("serial", "id", "service", "application", "PDUs inspected", "bytes"):
        table.add_column(column, justify="right" if column in ("PDUs inspected", "bytes") else "left")
    for serial, old in sorted(before.by_serial.items())[:_SESSIONS_SHOWN]:
        new = after.by_serial.get(serial)
        if new is None:
            table.add_row(serial, str(old["id"]), old["service"], Text("gone", style="bold red"), "", "")
            continue
        table.add_row(
            serial,
            str(new["id"]),
            new["service"],
            new["app"] or "-",
            f"{sum(old['pdus'])} → {sum(new['pdus'])}",
            f"{sum(old['bytes'])} → {sum(new['bytes'])}",
        )
    return table


def verdict_panel(lines: list[tuple[bool, str]]) -> Panel:
    """The end: what held and what did not."""
    words = Text()
    for good, line in lines:
        words.append(" ✔ " if good else " ✘ ", style="bold green" if good else "bold red")
        words.append(line + "\n")
    sound = all(good for good, _ in lines)
    words.rstrip()
    return Panel(words, title="verdict", border_style="green" if sound else "red")
