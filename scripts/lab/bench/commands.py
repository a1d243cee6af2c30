"""Every command of `tandem` on a live pair with sessions: how long until it has answered, and what it loads."""

import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from scripts.lab.bench import capture_file, traffic
from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED
from scripts.lab.namespaces import LabError, inside
from scripts.lab.nodes import Node
from scripts.lab.programs import REPOSITORY

LIMIT_MS: Final = 300.0
"""Who asks a node should be answered sooner."""
_REPORTS: Final = 20
_REPORTS_PER_S: Final = 1.0
_SYNC_LIMIT_S: Final = 60.0
_LEARNING_S: Final = 600
PARTS: Final = frozenset({
    *("aiohttp", "asyncio_dgram", "cryptography", "dpkt", "msgpack", "prometheus_client", "pydantic", "rich", "ruamel"),
    *("structlog", "typer", "uvloop", "inspector", "protocol"),
    *("asyncio", "concurrent", "email", "http", "logging", "ssl"),
})  # fmt: skip
"""What takes time to load: what the project depends on, its own packages beside `node`, and some of Python's own."""
_LOADED: Final = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$", re.MULTILINE)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Line:
    """A command line: the command's words, what it is given, and the exit code that is right."""

    words: str
    arguments: str = "--socket {active}"
    code: int = 0

    def __str__(self) -> str:
        """As it is told of, without the paths."""
        return f"{self.words} {re.sub('{|}', '', self.arguments)}".strip()


LINES: Final = (
    Line("--help", ""),
    Line("status"),
    Line("status", "--json --socket {active}"),
    Line("status", "--config {config}"),
    Line("diagnose ips share list", "--socket {passive}"),
    Line("diagnose ips session list"),
    Line("diagnose sys session list"),
    Line("execute log display"),
    Line("execute ha switchover", "--socket {passive}", code=1),  # which has nothing to hand over
    Line("reload"),
    Line("learn", "--live --socket {active}"),
    Line("check", "{config}"),
    Line("doctor", "{config}"),
    Line("keygen", "--force {key}"),
    Line("inspect", "{capture}"),
    Line("learn", "{capture}"),
)
UNTIMED: Final = frozenset({"run", "demo"})
"""Commands that do not answer: they are the node, and the lab."""
_BARE: Final = {"python": "pass", "python and typer": "import typer"}
"""What is paid before the command line begins."""


@dataclass
class Taken:
    """What one command line took. Milliseconds."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    modules: int = 0
    parts: tuple[str, ...] = ()

    @property
    def slow(self) -> bool:
        """Over the limit, at the median."""
        return statistics.median(self.wall_ms) >= LIMIT_MS

    def as_json(self) -> dict[str, Any]:
        return {
            "median_ms": round(statistics.median(self.wall_ms), 1),
            "least_ms": round(min(self.wall_ms), 1),
            "most_ms": round(max(self.wall_ms), 1),
            "cpu_ms": round(min(self.cpu_ms), 1),
            "modules": self.modules,
            "parts": list(self.parts),
        }


@dataclass
class Commands:
    """All of them, on a pair with so many sessions."""

    sessions: int
    each: dict[str, Taken] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The object that `scripts/bench --commands --json` ends with."""
        return {
            "sessions": self.sessions,
            "commands": {name: taken.as_json() for name, taken in self.each.items()},
            "slow": [name for name, taken in self.each.items() if taken.slow],
        }

    def tables(self) -> list[Table]:
        """The same to read."""
        turns = max(len(taken.wall_ms) for taken in self.each.values())
        marked = f"! takes {LIMIT_MS:.0f} ms or more"
        table = Table(title=f"Each command {turns} times, on a live pair with {self.sessions} sessions", caption=marked)
        for column in ("command", "median ms", "least ms", "most ms", "CPU ms", "modules", "parts loaded"):
            table.add_column(column, justify="left" if column.startswith(("command", "parts")) else "right")
        for name, taken in self.each.items():
            told = taken.as_json()
            mark, style = ("! ", "bold red") if taken.slow else ("", "")
            numbers = (f"{told[key]:.0f}" for key in ("median_ms", "least_ms", "most_ms", "cpu_ms"))
            table.add_row(f"{mark}{name}", *numbers, str(taken.modules), ", ".join(taken.parts), style=style)
        return [table]


def measure(prefix: str, turns: int, associations: int, say: Say) -> Commands:
    """Build the lab, run every command `turns` times in turn, take the lab down. Raises LabError."""
    found = Commands(associations)
    with Lab(prefix, timing=RELAXED) as lab:
        lab.start_tase2_server(_REPORTS_PER_S)
        lab.pair.start()
        active, passive = lab.pair.wait_ready()
        active.ask(f"/learned?seconds={_LEARNING_S}", "POST")
        lab.start_clients(associations)
        passive.wait("told of all", lambda status: status["cached"] == associations, _SYNC_LIMIT_S)
        lines = list(programs(_places(lab, active, passive)))
        timed = partial(_measure, found, lines, turns, say)
        inside(lab.topology.namespace(active.name), timed)
    return found


def _places(lab: Lab, active: Node, passive: Node) -> dict[str, Path]:
    capture = lab.layout.root / "small.pcap"
    source = traffic.load()
    capture_file.write(capture, (*source.opening, *source.repeated(_REPORTS)))
    return {
        "active": lab.layout.socket(active.name),
        "passive": lab.layout.socket(passive.name),
        "config": lab.layout.config(active.name),
        "key": lab.layout.root / "new.key",
        "capture": capture,
    }


def programs(places: Mapping[str, Path]) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Of each line its name, its arguments for the interpreter, and the exit code that is right."""
    for name, code in _BARE.items():
        yield name, ("-c", code), 0
    for line in LINES:
        arguments = line.arguments.format_map(places).split()
        yield str(line), ("-m", "node.cli", *line.words.split(), *arguments), line.code


def parts(told: str) -> frozenset[str]:
    """Which of PARTS are among what `python -X importtime` told of."""
    return PARTS & {name.partition(".")[0] for name in _LOADED.findall(told)}


def _measure(found: Commands, lines: list[tuple[str, tuple[str, ...], int]], turns: int, say: Say) -> None:
    for name, arguments, code in lines:  # before it counts: everything is read from disk once
        told = _run(("-X", "importtime", *arguments), code)
        found.each[name] = Taken(modules=len(_LOADED.findall(told)), parts=tuple(sorted(parts(told))))
    for turn in range(1, turns + 1):
        for name, arguments, code in lines:
            wall_ms, cpu_ms = _time(arguments, code)
            found.each[name].wall_ms.append(wall_ms)
            found.each[name].cpu_ms.append(cpu_ms)
        say(f"turn {turn}/{turns}")


def _time(arguments: tuple[str, ...], code: int) -> tuple[float, float]:
    before, started_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    _run(arguments, code)
    wall_s, after = time.perf_counter() - started_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_s * 1000, cpu_s * 1000


def _run(arguments: tuple[str, ...], code: int) -> str:
    """What it said on standard error. Raises LabError when it does not end as it should."""
    done = subprocess.run(
        (sys.executable, *arguments),
        cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode != code:
        raise LabError(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stderr.strip()[-500:]}")
    return done.stderr
