"""Takeover after takeover under load, to and fro between the same two nodes, every byte checked.

Each trial opens fresh connections that stream both ways, kills the active node (the worker alone, or worker and
guard together; or has it hand over) at a random moment, and demands that every connection lives on with every byte
right. A failed trial's captures, node logs and findings are kept. Exit code 0 when no trial failed.
"""

import argparse
import json
import os
import random
import signal
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from scripts.lab import faults
from scripts.lab.capture import Capture
from scripts.lab.evidence import Moment
from scripts.lab.faults import FAILURES
from scripts.lab.keep import keep
from scripts.lab.lab import Lab
from scripts.lab.layout import Timing
from scripts.lab.namespaces import LabError
from scripts.lab.soaking import Way, add_timing, timing

_EARLIEST_S: Final = 0.5
_LATEST_SHARE: Final = 0.6  # of a trial's load time
_LOAD_END_S: Final = 60.0
_TIMESTAMPS: Final[dict[str, tuple[bool, ...]]] = {"on": (True,), "off": (False,), "both": (True, False)}
_MODES: Final[dict[str, tuple[str, ...]]] = {
    "worker": ("worker",),
    "node": ("node",),
    "both": ("worker", "node"),
    "planned": ("planned",),
}


@dataclass(frozen=True)
class Trial:
    """One takeover and what came of it."""

    number: int
    mode: str
    timestamps: bool
    moment: Moment
    load: dict[str, Any]
    complaint: str = ""

    @property
    def sound(self) -> bool:
        return (
            not self.complaint
            and self.load.get("survived") == self.load.get("connections")
            and self.load.get("bytes_wrong") == 0
        )

    def line(self, trials: int) -> str:
        load = self.load
        words = "ok" if self.sound else f"FAILED {self.complaint or json.dumps(load['broken'])}"
        stamps = "on" if self.timestamps else "off"
        return (
            f"trial {self.number:3}/{trials} {self.mode:6} timestamps {stamps:3}"
            f" takeover {self.moment.takeover_ms or 0:6.1f} ms, stall {load.get('longest_stall_ms', 0):6.1f} ms,"
            f" {load.get('survived', 0)} of {load.get('connections', 0)} connections,"
            f" {load.get('bytes_checked', 0) / 1e6:5.1f} MB: {words}"
        )


@dataclass
class Soak:
    """All trials in one lab."""

    lab: Lab
    options: argparse.Namespace
    trials: list[Trial] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)

    def run(self) -> None:
        """Every trial, telling each; ends early when the pair does not come back."""
        self.lab.pair.start()
        self.lab.start_servers(load_rate_kib=self.options.rate)
        way = Way("trial", self.options.trials)
        for number in range(1, self.options.trials + 1):
            trial = self._trial(number)
            self.trials.append(trial)
            print(trial.line(self.options.trials), flush=True)
            way.tell(number)
            if trial.complaint or (self.options.stop and not trial.sound):
                return

    def _trial(self, number: int) -> Trial:
        modes, stamps = _MODES[self.options.mode], _TIMESTAMPS[self.options.timestamps]
        mode = modes[number % len(modes)]
        timestamps = stamps[number // len(modes) % len(stamps)]
        directory = self.options.keep / f"trial-{number:03}"
        capture = Capture(self.lab.topology.namespace("switch"), directory) if self.options.captures else None
        moment, complaint = Moment(), ""
        load: dict[str, Any] = {}
        try:
            self.lab.topology.set_timestamps(timestamps)
            moment, load = self._take_over(mode)
        except LabError as error:
            complaint = str(error)
        trial = Trial(number, mode, timestamps, moment, load, complaint)
        if capture is not None and trial.sound:
            capture.discard()
        elif not trial.sound:
            self._keep(trial, directory, capture)
        return trial

    def _take_over(self, mode: str) -> tuple[Moment, dict[str, Any]]:
        active, passive = self.lab.pair.wait_ready()
        load = self.lab.start_load(self.options.connections, self.options.seconds, self.options.rate)
        load.wait_for_progress(30.0)
        time.sleep(random.uniform(_EARLIEST_S, max(_EARLIEST_S, self.options.seconds * _LATEST_SHARE)))
        blow_ns = faults.strike(FAILURES[mode], self.lab.topology, active)
        moment = Moment.of(blow_ns, self.lab.pair.wait_active(passive))
        verdict = load.finish(_LOAD_END_S)
        FAILURES[mode].mend(self.lab.topology, active)
        return moment, verdict

    def _keep(self, trial: Trial, directory: Path, capture: Capture | None) -> None:
        """Save what a failure can be explained from."""
        findings = {"mode": trial.mode, "timestamps": trial.timestamps, "moment": vars(trial.moment)}
        keep(directory, self.lab, capture, findings | {"load": trial.load, "complaint": trial.complaint})
        self.kept.append(directory)

    def verdict(self) -> dict[str, Any]:
        """Everything summed up."""
        loads = [trial.load for trial in self.trials]
        return {
            "trials": len(self.trials),
            "wanted": self.options.trials,
            "failed": sum(not trial.sound for trial in self.trials),
            "connections": sum(load.get("connections", 0) for load in loads),
            "survived": sum(load.get("survived", 0) for load in loads),
            "bytes_checked": sum(load.get("bytes_checked", 0) for load in loads),
            "bytes_wrong": sum(load.get("bytes_wrong", 0) for load in loads),
            "modes": {mode: self._mode(mode) for mode in _MODES[self.options.mode]},
            "kept": [str(path) for path in self.kept],
        }

    def _mode(self, mode: str) -> dict[str, Any]:
        trials = [trial for trial in self.trials if trial.mode == mode and trial.moment.takeover_ms is not None]
        return {
            "trials": len(trials),
            "takeover_ms": _spread([trial.moment.takeover_ms or 0.0 for trial in trials]),
            "restore_ms": _spread([trial.moment.restore_ms or 0.0 for trial in trials]),
            "longest_stall_ms": _spread([trial.load.get("longest_stall_ms", 0.0) for trial in trials]),
        }


def _spread(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "max": round(ordered[-1], 1),
    }


def main() -> int:
    options = _parse()
    if os.geteuid() != 0:
        print("scripts/soak-takeover needs root: network namespaces, BPF and TCP_REPAIR", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _leave)
    try:
        with Lab(options.prefix, timing=timing(options)) as lab:
            soak = Soak(lab, options)
            try:
                soak.run()
            except KeyboardInterrupt:
                print("interrupted; the verdict is of what was done")
            verdict = soak.verdict()
    except LabError as error:
        print(f"the soak cannot go on: {error}", file=sys.stderr)
        return 2
    for directory in verdict["kept"]:
        print(f"kept: {directory}")
    print(json.dumps(verdict), flush=True)
    return 0 if verdict["failed"] == 0 and verdict["trials"] == verdict["wanted"] else 1


def _leave(*_: int | FrameType | None) -> None:
    raise KeyboardInterrupt


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/soak-takeover", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=20, metavar="N")
    parser.add_argument("--connections", type=int, default=20, metavar="N")
    parser.add_argument("--timestamps", choices=list(_TIMESTAMPS), default="both", help="of TCP")
    parser.add_argument("--mode", choices=list(_MODES), default="both", help="what is killed, or how the role moves")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load in each trial")
    parser.add_argument("--rate", type=float, default=0.0, help="KiB/s of a connection each way; 0 is full speed")
    parser.add_argument("--keep", type=Path, default=Path("/tmp/tandem-soak"), help="where failed trials are kept")
    parser.add_argument("--no-captures", dest="captures", action="store_false", help="spare the machine tcpdump")
    parser.add_argument("--stop", action="store_true", help="stop at the first failure")
    add_timing(parser, Timing())
    parser.add_argument("--prefix", default="tandem-", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
