"""The demo: a pair takes over live ICCP associations on this machine, and says what it kept.

Exit code 0 when everything held, 1 when something did not, 2 when the lab cannot be built here.
"""

import argparse
import json
import os
import shutil
import signal
import sys
from types import FrameType
from typing import Final

from rich.console import Console

from scripts.lab import reconnect_story, screen, walk
from scripts.lab.admin import AdminError
from scripts.lab.evidence import Result
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED, Layout, Timing
from scripts.lab.namespaces import LabError
from scripts.lab.story import Story

HELD: Final = 0
NOT_HELD: Final = 1
CANNOT: Final = 2
INTERRUPTED: Final = 130
_WIDTH: Final = 100


def main() -> int:
    options = _parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    console = Console(highlight=False, width=min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH))
    try:
        if options.walk:
            return _walk(options, console)
        result = _run(options, console)
    except (LabError, AdminError) as error:
        console.print(f"The demo cannot go on: {error}", markup=False)
        return CANNOT
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is taken down.")
        return INTERRUPTED
    if options.json:
        print(json.dumps(result.as_json()), flush=True)
    return NOT_HELD if result.faults() else HELD


def _run(options: argparse.Namespace, console: Console) -> Result:
    if options.unprivileged or os.geteuid() != 0:
        if not options.unprivileged:
            console.print("Not root: network namespaces cannot be had. Showing the unprivileged pair instead.")
        return reconnect_story.run(console, options.failure, options.connections, options.seconds)
    with Lab(options.prefix, timing=RELAXED if options.relaxed else Timing()) as lab:
        result = Story(console, lab, options.failure, options.connections, options.seconds).tell()
        if options.keep:
            _keep(console, lab.layout, options.prefix)
    return result


def _walk(options: argparse.Namespace, console: Console) -> int:
    """Step by step through FortiOS's document; what it lists is found here as well."""
    lacking: list[str] = []
    with Lab(options.prefix, timing=RELAXED if options.relaxed else Timing()) as lab:
        for number, step in enumerate(walk.walk(lab), 1):
            screen.heading(console, number, step.title)
            if step.command:
                console.print(f"{step.node}$ tandem {step.command}", style="bold", markup=False)
                lacking += step.lacking
            console.print(step.text, markup=False)
    return NOT_HELD if lacking else HELD


def _keep(console: Console, layout: Layout, prefix: str) -> None:
    """Stay up until Enter or Ctrl-C."""
    console.print("\nThe pair stays up. From another terminal, for example:")
    for words in (
        f"tandem --help                 # sockets: {layout.socket('a')}, {layout.socket('b')}",
        f"tandem status --watch --socket {layout.socket('b')}",
        f"tandem execute ha switchover --socket {layout.socket('b')}",
        f"ip netns exec {prefix}client python -m scripts.lab.peers.tase2_client --host 10.1.100.1",
    ):
        console.print(f"  {words}", markup=False)
    console.print("Press Enter to take everything down.")
    sys.stdin.readline()


def _leave(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = "\n".join(f"  {failure.name:15} {failure.words}" for failure in FAILURES.values())
    parser.epilog = f"failures of the active node:\n{kinds}"
    parser.add_argument("--failure", choices=list(FAILURES), default="worker", help="how the active node fails")
    parser.add_argument("--connections", type=_positive, default=8, metavar="N", help="connections in all (8)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="N", help="how long to watch (10)")
    parser.add_argument("--keep", action="store_true", help="stay up afterwards, to play with")
    parser.add_argument("--walk", action="store_true", help="instead, go step by step through FortiOS's document")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line of its own")
    parser.add_argument(
        "--unprivileged", action="store_true", help="the pair on loopback, without root: reconnect mode"
    )
    parser.add_argument(
        "--relaxed", action="store_true", help="slower heartbeats, for a machine that is busy with other things"
    )
    parser.add_argument("--prefix", default="tandem-", help=argparse.SUPPRESS)
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
