"""The renderings, against golden/*.txt. After a wanted change: UPDATE_GOLDEN=1 pytest tests/cli, and read the diff."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from node.cli.views import checks, ips_session, ips_share, log, reloaded, status, sys_session
from node.cli.views.text import clean, duration, fill, octets
from node.doctor import Check
from tests.cli import answers

GOLDEN = Path(__file__).with_name("golden")


def status_text(data: Any) -> str:
    console = Console(file=io.StringIO(), width=110, color_system=None)
    with console.capture() as capture:
        console.print(status.render(data))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


CHECKS = [
    Check("kernel", True, "Linux 6.12.0", "newer", "hitless"),
    Check("libbpf", False, "libbpf.so.1: cannot open", "apt install libbpf1", "hitless"),
    Check("interface eth9", False, "does not exist", "this host has: lo", "run"),
    Check("firewall", False, "drops ct state invalid", "accept first", "advice"),
]

RENDERINGS: dict[str, tuple[Callable[..., str], tuple[Any, ...]]] = {
    "status": (status_text, (answers.STATUS,)),
    "status-troubled": (status_text, (answers.STATUS_TROUBLED,)),
    "ips-share-list": (ips_share.render, (answers.CACHE,)),
    "ips-share-list-empty": (ips_share.render, ([],)),
    "ips-session-list": (ips_session.render, (answers.SESSIONS,)),
    "sys-session-list": (sys_session.render, (answers.CONNECTIONS,)),
    "log-display": (log.render, (answers.LOG, UTC)),
    "log-display-empty": (log.render, ({"found": 0, "returned": 0, "start": 1, "events": []}, UTC)),
    "reloaded": (reloaded.render, (answers.RELOADED,)),
    "doctor": (checks.render, (CHECKS, "hitless", CHECKS[1:3])),
    "doctor-auto": (checks.render, (CHECKS[:2], "auto", [])),
}


@pytest.mark.parametrize("name", RENDERINGS)
def test_golden(name: str) -> None:
    render, arguments = RENDERINGS[name]
    text = render(*arguments) + "\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("render", [ips_share.render, ips_session.render, sys_session.render, status_text, log.render])
@pytest.mark.parametrize("data", [None, {}, [], [{}], [None, 3], "text", {"links": [{}], "lease": 3, "peer": []}])
def test_a_node_of_another_version_never_breaks_a_view(render: Callable[[Any], str], data: Any) -> None:
    assert isinstance(render(data), str)


@pytest.mark.parametrize("render", [ips_share.render, ips_session.render, sys_session.render])
def test_what_came_off_the_wire_cannot_steer_the_terminal(render: Callable[[Any], str]) -> None:
    evil = "x\x1b]0;owned\x07\r\n\x9b2J"
    row = dict.fromkeys(("client", "server", "app", "last_app", "service", "state", "serial", "id"), evil)
    tags = {"set": [evil], "stock": {"hash": evil}}
    text = render([{**row, "tags": tags, "layers": [evil], "client": {"src": evil}}])
    assert all(char.isprintable() or char == "\n" for char in text)


def test_no_event_steers_the_terminal_either() -> None:
    evil = "x\x1b]0;owned\x07\r\n\x9b2J"
    known = {**answers.LOG["events"][0], "app": evil, "message": evil}
    unknown = {"ts": evil, "type": "of a later release", "message": evil, "facts": {"a": evil}}
    text = log.render({"found": 2, "returned": 2, "start": 1, "events": [known, unknown]})
    assert all(char.isprintable() or char == "\n" for char in text)
    assert text.count("\n") == 4
    assert "x?]0;owned???" in text


def test_rich_markup_in_names_is_text() -> None:
    assert "[red]x[/red]" in status_text({"node": "[red]x[/red]", "problems": ["[bold]y"]})
    assert "[bold]hb0" in status_text({"links": [{"name": "[bold]hb0"}]})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_725, "1 h 2 min"), (90_061, "1 d 1 h"), (None, "-")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (64 << 20, "64.0 MiB"), (None, "-")]
)
def test_sizes(count: int | None, text: str) -> None:
    assert octets(count) == text


def test_templates_say_what_is_missing() -> None:
    assert fill("{a} {b[0]:n} {b[7]:n} {c[d][e]} {f:x}", {"a": None, "b": [1.7], "f": 255}) == "- 1 - - ff"
    assert clean("Ä·€") == "Ä·€"
