"""What the soaks have in common: how soon their nodes notice a death, and telling how far a soak is."""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from scripts.lab.layout import Timing

_CLEAR: Final = "\r\x1b[K"


def add_timing(parser: argparse.ArgumentParser, usual: Timing) -> None:
    """Options for each of the times."""
    parser.add_argument("--interval", type=int, default=usual.interval_ms, help="of heartbeats, ms")
    parser.add_argument("--threshold", type=int, default=usual.lost_threshold, help="heartbeats lost")
    parser.add_argument("--lease", type=int, default=usual.lease_ms, help="ms; less than threshold times interval")


def timing(options: argparse.Namespace) -> Timing:
    """What these options say."""
    return Timing(options.interval, options.threshold, options.lease)


class Way:
    """How far a soak is and how long it will take still; on a terminal one line, drawn over itself."""

    def __init__(
        self,
        step: str,
        steps: int,
        limit_s: float = float("inf"),
        sink: TextIO = sys.stderr,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`step` is what one of its steps is called; after `limit_s` none begins."""
        self._step = step
        self._steps = steps
        self._limit_s = limit_s
        self._sink = sink
        self._clock_s = clock_s
        self._began_s = clock_s()

    def tell(self, done: int) -> None:
        """So many steps are behind it."""
        passed_s = self._clock_s() - self._began_s
        left_s = min(passed_s / done * (self._steps - done), max(self._limit_s - passed_s, 0.0))
        words = f"{self._step} {done} of {self._steps}, about {left_s / 60:.0f} min left"
        self._sink.write(f"{_CLEAR}{words}" if self._sink.isatty() else f"{words}\n")
        self._sink.flush()
