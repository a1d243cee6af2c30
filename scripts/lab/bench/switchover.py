"""Planned switchovers under load, there by command and back by override: what the clients waited, and what broke."""

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from scripts.lab import etcd, faults, topology
from scripts.lab.bench.askers import SLICE_NS
from scripts.lab.etcd import Etcd, WitnessedSturdySite
from scripts.lab.evidence import Moment
from scripts.lab.lab import Lab
from scripts.lab.layout import ICCP_PORT, SturdySite, Timing
from scripts.lab.namespaces import LabError
from scripts.lab.nodes import Node, has_taken_over
from scripts.lab.programs import Program

COMMAND: Final = "command"
OVERRIDE: Final = "override"
PLANNED: Final = "planned"
_NS_PER_MS: Final = 1e6
_TIMING: Final = Timing(interval_ms=100, lost_threshold=5, lease_ms=350)
_HOLD_DOWN_MS: Final = 3000
_STEADY_S: Final = 1.0
_AROUND_NS: Final = 500_000_000
"""What the clients asked for this long before and after a switchover counts as touched by it."""
_SETTLED_S: Final = 1.0
_OVERRIDE_LIMIT_S: Final = 30.0
_LOAD_END_S: Final = 20.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Clients:
    """How many ask, and how often each of them does."""

    connections: int
    period_ms: int


@dataclass(frozen=True)
class Switchover:
    """One of them. Milliseconds."""

    way: str
    takeover_ms: float  # from the decision on the new node to its announcement
    restore_ms: float
    stall_ms: float  # the longest answer of any client around it
    at_ns: int


@dataclass
class Switchovers:
    """All of them, and what became of the connections."""

    clients: Clients
    each: list[Switchover] = field(default_factory=list)
    connections: int = 0
    exchanges: int = 0
    faults: list[str] = field(default_factory=list)
    retransmitted: int = 0
    busy: list[float] = field(default_factory=list)
    """Of all processors, the share in use under load and before anything happened."""
    steady_ms: list[float] = field(default_factory=list)
    """The longest answer in that time."""
    longest_ms: list[float] = field(default_factory=list)
    """The longest answer of all, restart and synchronisation of the other node included."""

    def of(self, way: str) -> list[Switchover]:
        """Those that came about in one way."""
        return [each for each in self.each if each.way == way]

    def ways(self) -> list[str]:
        return sorted({each.way for each in self.each})

    def as_json(self) -> dict[str, Any]:
        """The object that `scripts/bench --switchover --json` ends with."""
        told = {
            "connections": self.connections,
            "exchanges": self.exchanges,
            "broken": len(self.faults),
            "faults": self.faults[:20],
            "retransmitted": self.retransmitted,
            "period_ms": self.clients.period_ms,
            "processors_busy": round(statistics.median(self.busy), 2),
            "steady_longest_ms": spread(self.steady_ms),
            "whole_longest_ms": spread(self.longest_ms),
        }
        for way in self.ways():
            each = self.of(way)
            told[way] = {
                "switchovers": len(each),
                "stall_ms": spread([one.stall_ms for one in each]),
                "takeover_ms": spread([one.takeover_ms for one in each]),
                "restore_ms": spread([one.restore_ms for one in each]),
            }
        return told

    def tables(self) -> list[Table]:
        """The same to read."""
        clients = self.clients
        table = Table(
            title=f"{clients.connections} clients, each asking every {clients.period_ms} ms: the longest answer, ms",
            caption=f"{len(self.faults)} of {self.connections} connections broke, {self.exchanges} exchanges;"
            f" {self.retransmitted} segments sent again; the processors were in use for"
            f" {statistics.median(self.busy):.0%} of the time before.",
        )
        for column in ("around", "median", "least", "most", "takeover, median"):
            table.add_column(column, justify="left" if column == "around" else "right")
        rows = [("nothing", self.steady_ms, "")]
        for way in self.ways():
            each = self.of(way)
            takeover_ms = statistics.median(one.takeover_ms for one in each)
            rows.append((f"{len(each)} by {way}", [one.stall_ms for one in each], f"{takeover_ms:.1f}"))
        for name, stalls, takeover in rows:
            table.add_row(name, *(f"{value:.1f}" for value in spread(stalls).values()), takeover)
        return [table]


def spread(values: list[float]) -> dict[str, float]:
    """Median and extremes."""
    return {
        "median": round(statistics.median(values), 1),
        "least": round(min(values), 1),
        "most": round(max(values), 1),
    }


def measure(
    prefix: str, rounds: int, clients: Clients, say: Say, blow: str = PLANNED, *, witness: bool = False
) -> Switchovers:
    """Build the lab, switch there and back `rounds` times, take the lab down. Raises LabError.

    `blow` is how the first node of the pair loses its role in each round (faults.FAILURES).
    """
    kind, hosts = (WitnessedSturdySite, etcd.PLUGS) if witness else (SturdySite, ())
    site = kind(override=True, hold_down_ms=_HOLD_DOWN_MS)
    found = Switchovers(clients)
    with Lab(prefix, timing=_TIMING, site=site, more_hosts=hosts) as lab, ExitStack() as stack:
        if witness:
            stack.enter_context(Etcd(lab.topology, lab.layout))
        lab.pair.start()
        server = lab.start_program(
            "server", "responder", "bench.responder", "--host", topology.SERVER_ADDRESS, "--port", str(ICCP_PORT)
        )
        server.wait_for_progress()
        server.prefer()
        for number in range(1, rounds + 1):
            _round(lab, found, blow)
            told = ", ".join(f"{each.way} {each.stall_ms:.1f} ms" for each in found.each[-2:])
            say(f"switchover {number}/{rounds}: {told}; broken so far: {len(found.faults)}")
    return found


def _round(lab: Lab, found: Switchovers, blow: str) -> None:
    first, second = lab.pair.node("a"), lab.pair.node("b")
    lab.pair.wait_ready()
    if lab.pair.active() is not first:
        first.wait("active again", has_taken_over, _OVERRIDE_LIMIT_S)
        lab.pair.wait_ready()
    before = _retransmitted(lab)
    load = _start_load(lab, found.clients)
    steady_from_ns, used = faults.boottime_ns(), _processor_ticks()
    time.sleep(_STEADY_S)
    found.busy.append(_share(used, _processor_ticks()))
    steady_to_ns = faults.boottime_ns()
    blow_ns = faults.strike(faults.FAILURES[blow], lab.topology, first)
    moments = [(COMMAND if blow == PLANNED else blow, _moment(second, blow_ns))]
    moments.append((OVERRIDE, _moment(first, None)))
    time.sleep(_SETTLED_S)
    summary = load.stop(_LOAD_END_S)
    found.retransmitted += _retransmitted(lab) - before
    _add(found, summary, moments)
    longest = {int(place): ms for place, ms in summary["longest_ms"].items()}
    found.steady_ms.append(_longest(longest, steady_from_ns, steady_to_ns - SLICE_NS))
    found.longest_ms.append(max(longest.values()))


def _start_load(lab: Lab, clients: Clients) -> Program:
    load = lab.start_program(
        "client", "askers", "bench.askers", "--host", topology.CLIENT_VIRTUAL, "--port", str(ICCP_PORT),
        "--connections", str(clients.connections), "--period-ms", str(clients.period_ms),
    )  # fmt: skip
    load.prefer()
    load.wait_for_progress(30.0)
    time.sleep(_STEADY_S)  # the first exchanges warm everything up
    return load


def _moment(node: Node, blow_ns: int | None) -> tuple[Moment, int]:
    """How `node` took over, and when it announced that. Waits for it."""
    status = node.wait("active", has_taken_over, _OVERRIDE_LIMIT_S)
    taken = status["last_takeover"]
    return Moment.of(blow_ns or taken["detected_ns"], status), taken["announced_ns"]


def _add(found: Switchovers, summary: dict[str, Any], moments: list[tuple[str, tuple[Moment, int]]]) -> None:
    longest = {int(place): ms for place, ms in summary["longest_ms"].items()}
    for way, (moment, at_ns) in moments:
        stall_ms = _longest(longest, at_ns - _AROUND_NS, at_ns + _AROUND_NS)
        found.each.append(Switchover(way, moment.takeover_ms or 0.0, moment.restore_ms or 0.0, stall_ms, at_ns))
    found.connections += summary["connections"]
    found.exchanges += summary["exchanges"]
    found.faults += summary["faults"]


def _longest(longest: dict[int, float], from_ns: int, to_ns: int) -> float:
    places = range(from_ns // SLICE_NS, to_ns // SLICE_NS + 1)
    answers = [longest[place] for place in places if place in longest]
    if not answers:
        raise LabError("no client was answered around a switchover")
    return max(answers)


def _retransmitted(lab: Lab) -> int:
    return sum(lab.topology.retransmitted_segments(host) for host in ("client", "server"))


def _processor_ticks() -> tuple[int, int]:
    """In use, and in all, of all processors since they came up."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def _share(before: tuple[int, int], after: tuple[int, int]) -> float:
    return (after[0] - before[0]) / max(after[1] - before[1], 1)
