"""How little each command loads before it answers, and that this makes it quick.

`scripts/bench --commands` takes the time on a live pair. Here nothing depends on how fast the machine is: a command is
held to the parts that it may load, and to the processor time of an interpreter that loads nothing but typer.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from click import Context, Group

from node.cli.main import app
from scripts.lab.bench import capture_file, traffic
from scripts.lab.bench.commands import LINES, UNTIMED, parts, programs
from scripts.lab.layout import write_key
from tests.captures.test_learn import gathered
from tests.cli.fake_node import FakeNode, fake_node
from tests.inspector.vectors import conversation

ROOT = Path(__file__).parents[2]
CHECKS = {"typer", "pydantic", "ruamel", "protocol", "email", "concurrent"}
INSPECTS = {"typer", "msgpack", "inspector"}
MAY_LOAD = {
    "status": {"typer", "rich"},
    "status --json --socket active": {"typer"},
    "status --config config": {"typer", "rich", "ruamel"},
    "learn --live --socket active": INSPECTS,
    "check": CHECKS,
    "doctor": CHECKS,
    "inspect": INSPECTS | {"dpkt"},
    "learn": INSPECTS | {"dpkt"},
}
"""Parts by the line's name or else by its first word; all other lines may load typer alone."""
ENDS = {"doctor config": 2}
"""Lines that end otherwise where no node runs: interfaces are missing."""
TIMES_TYPER = 4
"""Of the processor time that typer alone takes; it was measured at little more than half of that."""


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[dict[str, tuple[tuple[str, ...], int]]]:
    """Every line that the bench times, against a node that knows the answers."""
    key, config, capture = tmp_path / "new.key", tmp_path / "node.yaml", tmp_path / "small.pcap"
    write_key(key)
    text = (ROOT / "tests" / "config" / "base.yaml").read_text()
    config.write_text(text.replace("/run/tandem", str(tmp_path)).replace("/etc/tandem/cluster.key", str(key)))
    source = traffic.load(tmp_path / "none")
    capture_file.write(capture, (*source.opening, *source.repeated(3)))
    socket = tmp_path / "a.sock"
    places = {"active": socket, "passive": socket, "config": config, "key": key, "capture": capture}
    with fake_node(socket) as node:
        answer(node)
        yield {name: (arguments, ENDS.get(name, code)) for name, arguments, code in programs(places)}


def answer(node: FakeNode) -> None:
    learned = {"left_s": 0.0, "services": {"iccp": gathered(conversation()).facts()}}
    for view, told in (("GET /learned", learned), ("GET /log", {"found": 0, "events": []}), ("POST /reload", {})):
        node.replies[view] = (200, json.dumps(told).encode())
    node.refuse_switchover("this node is not active")


def test_every_command_is_timed_by_the_bench() -> None:
    program = typer.main.get_command(app)
    assert isinstance(program, Group)
    assert {line.words for line in LINES if line.words != "--help"} | UNTIMED == set(leaves(program))


def leaves(group: Group, *words: str) -> Iterator[str]:
    for name in group.list_commands(Context(group)):
        command = group.get_command(Context(group), name)
        if isinstance(command, Group):
            yield from leaves(command, *words, name)
        else:
            yield " ".join((*words, name))


def test_each_loads_no_more_than_it_needs(lines: dict[str, tuple[tuple[str, ...], int]]) -> None:
    for name in (str(line) for line in LINES):
        arguments, code = lines[name]
        done = run("-X", "importtime", *arguments)
        assert done.returncode == code, done.stderr[-2000:]
        assert parts(done.stderr) <= MAY_LOAD.get(name, MAY_LOAD.get(name.split()[0], {"typer"})), name


def test_whoever_asks_a_node_is_answered_soon(lines: dict[str, tuple[tuple[str, ...], int]]) -> None:
    """In processor time, the lesser of two: that of another program on the same processor does not count."""
    asking = ("status", "status --config config", "diagnose sys session list", "execute log display", "reload", "learn")
    named = {next(name for name in lines if name.startswith(words)) for words in asking}
    took = {name: min(took_s(*lines[name][0]) for _ in range(2)) for name in (*named, "python and typer")}
    typers_s = took.pop("python and typer")
    assert {name: round(s / typers_s, 1) for name, s in took.items() if s > TIMES_TYPER * typers_s} == {}


def took_s(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
