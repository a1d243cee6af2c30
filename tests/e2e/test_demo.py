"""What `scripts/demo` promises: its last line, and that it leaves nothing behind."""

import json
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from scripts.lab import namespaces
from scripts.lab.programs import REPOSITORY
from scripts.lab.watching import watch
from tests.requirements import needs_root

KEYS = [
    "takeover",
    "failure",
    "connections",
    "survived",
    "bytes_checked",
    "bytes_wrong",
    "reports_missed",
    "longest_stall_ms",
    "takeover_ms",
    "detect_ms",
    "restore_ms",
    "epoch_before",
    "epoch_after",
    "app_before",
    "app_after",
    "serials_kept",
    "pdus_uninspected",
]


def run_demo(*arguments: str) -> dict[str, object]:
    """The object that its last line is."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.lab.demo", "--json", "--seconds", "3", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


@needs_root
def test_hitless() -> None:
    answer = run_demo("--prefix", "e2e-demo-", "--connections", "6", "--relaxed")
    assert list(answer) == KEYS
    assert (answer["takeover"], answer["failure"]) == ("hitless", "worker")
    assert (answer["connections"], answer["survived"], answer["serials_kept"]) == (6, 6, True)
    assert not namespaces.exists("e2e-demo-node-a")


def test_unprivileged() -> None:
    answer = run_demo("--unprivileged", "--connections", "2")
    assert list(answer) == KEYS
    assert (answer["takeover"], answer["epoch_before"], answer["epoch_after"]) == ("reconnect", 1, 2)


@pytest.mark.parametrize("terminal", ["xterm", "dumb", ""])
def test_the_demo_shows_how_much_of_its_time_has_passed(monkeypatch: pytest.MonkeyPatch, terminal: str) -> None:
    monkeypatch.setenv("TERM", terminal)
    console = Console(file=StringIO(), force_terminal=bool(terminal), width=80, highlight=False)
    watch(console, 0.6, lambda passed: f"overview, {passed}")
    shown = console.file.getvalue()
    assert "overview, 0 of 1 s" in shown
    assert ("overview, 1 of 1 s" in shown) == (terminal == "xterm"), "elsewhere it is not said several times a second"
