"""The passive node is stopped (SIGSTOP) for a while under load, and then goes on: what it costs the active one.

    python -m scripts.lab.stopped_standby --seconds 60 --policy hold

`degrade` must go on serving, `hold` must acknowledge nothing meanwhile; either way the memory of the active node is
bounded, no connection breaks, the passive is in sync again afterwards and can take over. Prints one JSON object.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from scripts.lab import faults
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED, SturdySite
from scripts.lab.nodes import Node, in_sync
from scripts.lab.programs import Program

_SETTLE_S: Final = 1.5  # after which the policy is in force
_READY_S: Final = 60.0
_END_S: Final = 60.0
_RESET_PEAK: Final = "5"  # clear_refs(5): the peak counts from now on


def witness(lab: Lab, load: Program, seconds: float) -> dict[str, Any]:
    """Stop the passive for so long, let it go on, kill the active one; what was seen. The load ends with it."""
    active, passive = lab.pair.wait_ready()
    before = _memory_kib(active, "VmRSS")
    _reset_peak(active)
    passive.signal(signal.SIGSTOP)
    try:
        time.sleep(_SETTLE_S)
        begun = load.latest["received"]
        time.sleep(seconds - _SETTLE_S)
        stopped = active.status()
        moved = load.latest["received"] - begun
    finally:
        passive.signal(signal.SIGCONT)
    continued_s = time.monotonic()
    active.wait("in sync again", _is_followed, _READY_S)  # the passive may believe for a moment that it never was not
    passive.wait("in sync again", in_sync, _READY_S)
    in_sync_s = time.monotonic() - continued_s
    peak = _memory_kib(active, "VmHWM")
    resumed = load.latest["received"]
    time.sleep(_SETTLE_S)
    seen = {
        "stopped_s": seconds,
        "state": stopped["replication"]["state"],
        "degraded": stopped["degraded"],
        "bytes_meanwhile": moved,
        "in_sync_after_s": round(in_sync_s, 2),
        "bytes_after": load.latest["received"] - resumed,
        "memory_before_kib": before,
        "memory_peak_kib": peak,
    }
    faults.strike(FAILURES["node"], lab.topology, active)
    taken = lab.pair.wait_active(passive)["last_takeover"]
    time.sleep(_SETTLE_S)
    verdict = load.stop(_END_S)
    FAILURES["node"].mend(lab.topology, active)
    return seen | {
        "sessions_taken_over": taken["sessions"],
        "connections": verdict["connections"],
        "survived": verdict["survived"],
        "bytes_checked": verdict["bytes_checked"],
        "bytes_wrong": verdict["bytes_wrong"],
        "longest_stall_ms": verdict["longest_stall_ms"],
    }


def _is_followed(status: dict[str, Any]) -> bool:
    return bool(status["replication"]["state"] == "in-sync")


def _memory_kib(node: Node, what: str) -> int:
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{node.pids().worker}/status").read_text().splitlines())
    return int(rows[what].split()[0])


def _reset_peak(node: Node) -> None:
    Path(f"/proc/{node.pids().worker}/clear_refs").write_text(_RESET_PEAK)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--policy", choices=("degrade", "hold"), default="degrade")
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.0, help="KiB/s of a connection each way; 0 is full speed")
    parser.add_argument("--prefix", default="tandem-", help=argparse.SUPPRESS)
    options = parser.parse_args()
    site = SturdySite(standby_loss={"policy": options.policy})
    with Lab(options.prefix, timing=RELAXED, site=site) as lab:
        lab.pair.start()
        lab.pair.wait_ready()
        lab.start_servers(load_rate_kib=options.rate)
        load = lab.start_load(options.connections, 3600.0, options.rate)
        load.wait_for_progress(30.0)
        seen = witness(lab, load, options.seconds)
    print(json.dumps({"policy": options.policy} | seen))
    return 0 if seen["survived"] == seen["connections"] and not seen["bytes_wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())
