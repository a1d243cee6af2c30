"""The inspector on one core beside tshark, and `tandem inspect` beside it, on the same reports; never two at a time.

Seconds are of processor time (see `timed`). The best of several turns counts for each: what disturbs a program that
only computes can only make it slower.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inspector import Pdu, Policing, Policy, Stack, Watch
from node import signatures
from node.policy import load_policy_file
from scripts.lab.bench import capture_file, timed, traffic, tshark
from scripts.lab.bench.traffic import Message, Traffic
from scripts.lab.namespaces import LabError

INSPECTOR: Final = "inspector"
WITH_LIMITS: Final = "inspector, every point's value held to limits"
"""No report is like the one before it then: each is taken apart, and its points compared with the policy."""
INSPECT: Final = "tandem inspect"
_LEAST_S: Final = 0.001
"""With a handful of reports a program may seem to need less than it does to start."""
_LIMITS: Final = """\
policies:
  - id: 1
    name: limits
    peers:
      - name: everybody
        points:
          - {domain: BELLEVUE, names: ["*"], min: -1.0e+9, max: 1.0e+9}
          - {domain: KIRKLAND, names: ["*"], min: -1.0e+9, max: 1.0e+9}
          - {domain: ICC1, names: ["*"], min: -1.0e+9, max: 1.0e+9}
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Speeds:
    """Seconds of processor time in the best turn, by program; and what each needs to start."""

    reports: int
    origin: str
    tshark: str  # its version
    turns: int
    seconds: dict[str, float]
    start_s: dict[str, float]

    def rate(self, program: str) -> float:
        """Reports a second, the start included."""
        return self.reports / self.seconds[program]

    def rate_running(self, program: str) -> float:
        """Reports a second once the program has started."""
        return self.reports / max(self.seconds[program] - self.start_s[program], _LEAST_S)

    @property
    def quickest_tshark(self) -> str:
        """The way in which tshark takes the reports apart in the least time."""
        return min(tshark.WAYS, key=lambda way: self.seconds[way])


def measure(reports: int, turns: int, say: Say) -> Speeds:
    """Everything in turn. Raises LabError when a program fails, or does not see all of the reports."""
    version = tshark.version()
    source = traffic.load()
    say(f"inspector: {reports} reports ({source.origin}), as a stream and as a capture file for {version}")
    pieces = source.pieces(reports)
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as directory:
        capture, empty = Path(directory) / "reports.pcap", Path(directory) / "one-packet.pcap"
        capture_file.write(capture, (*source.opening, *source.repeated(reports)))
        capture_file.write_one_packet(empty)
        _expect(reports, tshark.reports(capture), "tshark")
        policies = {INSPECTOR: Policy.default(1), WITH_LIMITS: _limits(Path(directory) / "limits.yaml")}
        best: dict[str, float] = {}
        start: dict[str, float] = {}
        for turn in range(1, turns + 1):
            say(f"inspector: turn {turn} of {turns}")
            for program, policy in policies.items():
                _keep_best(best, program, _inspect(source, pieces, reports, policy))
            for program, command in _commands(capture).items():
                _keep_best(best, program, timed.seconds(*command))
            for program, command in _commands(empty).items():
                _keep_best(start, program, timed.seconds(*command))
    return Speeds(reports, source.origin, version, turns, best, start)


def _commands(path: Path) -> dict[str, tuple[str, ...]]:
    ways = {way: tshark.command(way, path) for way in tshark.WAYS}
    return ways | {INSPECT: (sys.executable, "-m", "node.cli", "inspect", str(path), "--json")}


def _limits(path: Path) -> Policy:
    path.write_text(_LIMITS)
    _, policy = load_policy_file(path, signatures.read())[1]
    return policy


def _inspect(source: Traffic, pieces: list[Message], reports: int, policy: Policy) -> float:
    """Seconds that one Stack needs for all pieces, held to the stock signatures; the opening is not counted."""
    stack = Stack(policing=Policing(signatures.read(), policy, Watch(), "10.1.100.10"))
    for direction, octets in source.opening:
        stack.feed(direction, octets)
    found = 0
    last: tuple[Pdu, ...] = ()
    started_s = time.process_time()
    for direction, octets in pieces:
        last = stack.feed(direction, octets).pdus
        found += len(last)
    taken_s = time.process_time() - started_s
    _expect(reports, found, "the inspector")
    if any(pdu.mms_service != "informationReport" or pdu.app is None for pdu in last):
        raise LabError("the inspector took a report for something else")
    return taken_s


def _keep_best(best: dict[str, float], program: str, seconds: float) -> None:
    best[program] = min(seconds, best.get(program, seconds))


def _expect(wanted: int, found: int, who: str) -> None:
    if found != wanted:
        raise LabError(f"{who} sees {found} of {wanted} reports")
