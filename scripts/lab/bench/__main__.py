"""How fast: the round trip through the pair beside HAProxy's, and the inspector beside tshark; or, with --switchover,
what many busy clients see of a planned switchover and of the way back; or, with --commands, how soon `tandem` answers.

Exit code 0 when everything was measured, 2 when it cannot be measured here. All but the inspector needs root.
"""

import argparse
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, Protocol

from rich.console import Console
from rich.table import Table

from scripts.lab import faults
from scripts.lab.bench import commands, inspection, roundtrip, switchover
from scripts.lab.bench.figures import Figures
from scripts.lab.namespaces import LabError

MEASURED: Final = 0
CANNOT: Final = 2
INTERRUPTED: Final = 130
_WIDTH: Final = 110


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    seconds: float
    turns: int


class Shown(Protocol):
    """What every part comes to."""

    def as_json(self) -> dict[str, Any]: ...

    def tables(self) -> list[Table]: ...


_QUICK: Final = Extent(20.0, 3)
_LONG: Final = Extent(90.0, 7)
_REPORTS: Final = 100_000
_ROUNDS: Final = 10
_QUICK_ROUNDS: Final = 3
_CONNECTIONS: Final = 100
_ASSOCIATIONS: Final = 40
_PERIOD_MS: Final = 250


def main() -> int:
    options = _parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    console = Console(highlight=False, width=max(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH))
    try:
        figures = _part(options)(options)
    except LabError as error:
        print(f"The bench cannot go on: {error}", file=sys.stderr)
        return CANNOT
    except KeyboardInterrupt:
        print("\nInterrupted; everything is taken down.", file=sys.stderr)
        return INTERRUPTED
    if options.json:
        print(json.dumps(figures.as_json()), flush=True)
    else:
        for table in figures.tables():
            console.print(table)
    return MEASURED


def _part(options: argparse.Namespace) -> Callable[[argparse.Namespace], Shown]:
    if options.commands:
        return _run_commands
    return _run_switchovers if options.switchover else _run


def _run(options: argparse.Namespace) -> Figures:
    """One part after the other, so that neither disturbs the other."""
    extent = _QUICK if options.quick else _LONG
    trips = speeds = None
    if options.only != "inspector":
        _need_root()
        trips = roundtrip.measure(options.prefix, options.seconds or extent.seconds, _say)
    if options.only != "roundtrip":
        speeds = inspection.measure(options.reports, options.turns or extent.turns, _say)
    return Figures(trips, speeds)


def _run_switchovers(options: argparse.Namespace) -> switchover.Switchovers:
    _need_root()
    rounds = options.turns or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    clients = switchover.Clients(options.connections or _CONNECTIONS, options.period_ms)
    return switchover.measure(options.prefix, rounds, clients, _say, options.blow, witness=options.witness)


def _run_commands(options: argparse.Namespace) -> commands.Commands:
    _need_root()
    turns = options.turns or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    return commands.measure(options.prefix, turns, options.connections or _ASSOCIATIONS, _say)


def _need_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the pair needs root: network namespaces, BPF and TCP_REPAIR (or: --only inspector)")


def _say(words: str) -> None:
    print(words, flush=True)


def _leave(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="about a minute in all, instead of several")
    parser.add_argument("--only", choices=("roundtrip", "inspector"), help="one part alone")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line of its own")
    parser.add_argument("--reports", type=int, default=_REPORTS, metavar="N", help=f"to inspect ({_REPORTS})")
    parser.add_argument("--seconds", type=float, metavar="N", help="of round trips, all paths together")
    parser.add_argument("--turns", type=int, metavar="N", help="of the inspector and tshark, the best counts; rounds")
    parser.add_argument("--switchover", action="store_true", help="there by command and back by override, nothing else")
    parser.add_argument("--commands", action="store_true", help="every command on a pair with sessions, nothing else")
    parser.add_argument("--connections", type=int, metavar="N", help="of clients")
    parser.add_argument("--period-ms", type=int, default=_PERIOD_MS, metavar="N", help="between a client's requests")
    parser.add_argument("--blow", choices=sorted(faults.FAILURES), default="planned", help="instead of the command")
    parser.add_argument("--witness", action="store_true", help="switchovers of a pair with one (etcd)")
    parser.add_argument("--prefix", default="bench-", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
