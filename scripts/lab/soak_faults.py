"""Schedule after schedule of random faults on one pair, with ICCP peers of two stacks and checked load at work.

What each schedule may break is computed from what the pair promises (scripts/lab/schedule.py): mostly nothing. Then
no connection may break; and whatever happens, no byte may be wrong, no address have two voices (seen by packet, at the
switch), and the pair must be whole again. A line of JSON for each schedule, and one for all. Of a schedule that breaks
more, captures, logs and findings are kept; `--seed S --first N --schedules 1` runs it again. Exit code 0 when none did.
With `--witness` the pair has one (etcd), which is killed and cut off as well, as the nodes are from each other.
"""

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from scripts.lab import etcd
from scripts.lab.admin import AdminError
from scripts.lab.capture import Capture
from scripts.lab.etcd import Etcd, WitnessedSturdySite
from scripts.lab.evidence import Peers
from scripts.lab.faults import FAULTS, WITNESSED_FAULTS, Fault
from scripts.lab.keep import keep
from scripts.lab.lab import Lab
from scripts.lab.layout import SturdySite, Timing
from scripts.lab.namespaces import LabError
from scripts.lab.ordeal import Company, Findings, Ordeal, complaints
from scripts.lab.programs import conclude, report
from scripts.lab.schedule import draw
from scripts.lab.soaking import Way, add_timing, timing

TIMING: Final = Timing(interval_ms=100, lost_threshold=6, lease_ms=450)
"""Slower than the default: the machine that runs all of the lab stutters more than a node has to."""


@dataclass
class Soak:
    """All schedules in one lab."""

    lab: Lab
    options: argparse.Namespace
    done: list[Findings] = field(default_factory=list)
    ends: list[Peers] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    company: Company | None = None

    @property
    def faults(self) -> Mapping[str, Fault]:
        return WITNESSED_FAULTS if self.options.witness else FAULTS

    def run(self) -> None:
        """Every schedule, or as many as there is time for; ends early when the pair does not come back."""
        self.lab.give_own_clocks_and_disks()
        self.lab.pair.start()
        self.lab.start_servers(load_rate_kib=self.options.rate)
        limit_s = self.options.minutes * 60
        until_s = time.monotonic() + limit_s
        way = Way("schedule", self.options.schedules, limit_s)
        for number in range(self.options.first, self.options.first + self.options.schedules):
            if time.monotonic() > until_s or not self._schedule(number):
                break
            way.tell(len(self.done))
        self._part()

    def _schedule(self, number: int) -> bool:
        """Run one; whether the next can be."""
        began_s = time.monotonic()
        directory = self.options.keep / f"{self.options.seed}-{number:04}"
        capture = Capture(self.lab.topology.namespace("switch"), directory)
        findings, goes_on = Findings(), True
        try:
            self.company = self.company or self._gather()
            ordeal = Ordeal(self.lab, self.company, draw(f"{self.options.seed}/{number}", self.faults))
            findings = ordeal.findings
            ordeal.run()
        except (LabError, AdminError) as error:
            findings.complaints.append(str(error))
            goes_on = False
        self.done.append(findings)
        report(schedule=number, seconds=round(time.monotonic() - began_s, 1), **findings.as_json())
        if findings.sound:
            capture.discard()
        else:
            keep(directory, self.lab, capture, findings.as_json())
            self.kept.append(str(directory))
        if self.company is not None and (findings.may_break or not findings.sound):
            self.company.end()
            self.company = None
        return goes_on and (findings.sound or not self.options.stop)

    def _gather(self) -> Company:
        self.lab.pair.wait_ready()
        return Company(self.lab, self.options.rate)

    def _part(self) -> None:
        """The peers that are left go in good order: both ends of each connection are held against each other."""
        if self.company is not None:
            self.ends.append(self.company.leave())
            report(parting=complaints(self.ends[-1]) or "ok")

    def verdict(self) -> dict[str, Any]:
        """Everything summed up."""
        strict = [each for each in self.done if not each.may_break]
        struck = Counter(name for each in self.done for name in each.struck)
        return {
            "schedules": len(self.done),
            "failed": sum(not each.sound for each in self.done) + sum(bool(complaints(each)) for each in self.ends),
            "nothing_may_break": len(strict),
            "blows": sum(struck.values()),
            "struck": dict(sorted(struck.items())),
            "takeovers": sum(each.epochs for each in self.done),
            "broken_where_nothing_may": sum(each.peers.connections - each.peers.survived for each in strict),
            "bytes_wrong": max((each.peers.bytes_wrong for each in self.done), default=0),
            "bytes_checked": self._checked("bytes_checked"),
            "reports": self._checked("reports"),
            "heartbeat_ms": self.options.interval,
            "kept": self.kept,
        }

    def _checked(self, what: str) -> int:
        """Over all companies: each counts from its beginning, so its last count is its whole."""
        counts = [getattr(each.peers, what) for each in self.done]
        return sum(now for now, after in zip(counts, [*counts[1:], 0], strict=True) if after <= now)


def main() -> int:
    options = _parse()
    if os.geteuid() != 0:
        print("scripts/soak-faults needs root: network namespaces, BPF and TCP_REPAIR", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _leave)
    try:
        verdict = _run(options)
    except LabError as error:
        print(f"the soak cannot go on: {error}", file=sys.stderr)
        return 2
    conclude(**verdict)
    return 0 if verdict["failed"] == 0 and verdict["schedules"] else 1


def _run(options: argparse.Namespace) -> dict[str, Any]:
    site, hosts = (WitnessedSturdySite(), etcd.PLUGS) if options.witness else (SturdySite(), ())
    with Lab(options.prefix, timing=timing(options), site=site, more_hosts=hosts) as lab, ExitStack() as stack:
        if options.witness:
            witness = stack.enter_context(Etcd(lab.topology, lab.layout))
            for node in lab.pair.nodes:
                node.witness = witness
        soak = Soak(lab, options)
        try:
            soak.run()
        except KeyboardInterrupt:
            print("interrupted; the verdict is of what was done", file=sys.stderr)
        return soak.verdict()


def _leave(*_: int | FrameType | None) -> None:
    raise KeyboardInterrupt


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/soak-faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=20, metavar="N")
    parser.add_argument("--seed", default="faults", help="schedules are drawn from it and their number")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first schedule")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no schedule after this time")
    parser.add_argument("--rate", type=float, default=64.0, help="KiB/s of a load connection each way")
    parser.add_argument("--keep", type=Path, default=Path("/tmp/tandem-soak-faults"), help="where failures are kept")
    parser.add_argument("--witness", action="store_true", help="with an etcd, and more faults")
    parser.add_argument("--stop", action="store_true", help="stop at the first failure")
    add_timing(parser, TIMING)
    parser.add_argument("--prefix", default="tandem-", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
