"""Feeds the inspector input after input that a peer might send and should not, and demands that it bears them all.

Each input is a few messages: captured ones and ones made by a grammar, with something wrong in them. It goes to an
inspector under one of several kinds of policing. Nothing may be raised; what is to be forwarded, and what is made up
in the place of what is denied, must be well-formed; tables stay within their limits. Samples are fed in other cuts and
carried on by other inspectors, with the same results demanded, and their cost is counted against a budget for each
octet. Input number N of a seed is always the same. Exit code 0 when there was no trouble, else 1: each failure is
made as small as possible and printed as octets that a test can take up.
"""

import argparse
import multiprocessing
import os
import sys
import time
from typing import Final

from scripts.lab.fuzz import guided
from scripts.lab.fuzz.figures import Failure, Figures
from scripts.lab.fuzz.worker import Worker

TELL_EVERY_S: Final = 30.0
BATCH: Final = 20_000


def main() -> int:
    options = _parse()
    if options.coverage is not None:
        return guided.run(options.seed, options.seconds or 60.0, options.coverage)
    started = time.monotonic()
    try:
        figures = _run(options, started)
    except KeyboardInterrupt:
        return 130
    for failure in figures.failures:
        print(transcript(options.seed, failure))
    for line in figures.lines(time.monotonic() - started):
        print(line)
    print(f"seed {options.seed}, first {options.first}, inputs {figures.inputs} of {options.inputs} wanted", flush=True)
    return 1 if figures.failed else 0


def _run(options: argparse.Namespace, started: float) -> Figures:
    """All inputs in batches, the batches shared among the workers."""
    until_s = started + options.seconds if options.seconds else float("inf")
    end = options.first + options.inputs
    batches = ((at, min(at + BATCH, end), until_s) for at in range(options.first, end, BATCH))
    total = Figures()
    told = started
    with multiprocessing.Pool(options.workers, _begin, (options.seed,)) as pool:
        for figures in pool.imap_unordered(_work, batches):
            total.add(figures)
            now = time.monotonic()
            if now - told > TELL_EVERY_S:
                told = now
                rate = total.inputs / (now - started)
                print(f"{total.inputs} inputs, {rate:.0f} a second, {total.failed} failures", flush=True)
    return total


_worker: Worker | None = None


def _begin(seed: int) -> None:
    global _worker  # noqa: PLW0603 (what a pool's process has is its module's)
    _worker = Worker(seed)


def _work(batch: tuple[int, int, float]) -> Figures:
    assert _worker is not None
    first, end, until_s = batch
    _worker.figures = Figures()
    if time.monotonic() > until_s:
        return _worker.figures
    return _worker.work(range(first, end), until_s)


def transcript(seed: int, failure: Failure) -> str:
    """A failure as text: what happened, and the input for a test."""
    smallest = failure.smallest
    lines = [
        f"--- FAILED: seed {seed}, input {failure.index} ({smallest.kind}), setup: {failure.setup}",
        failure.trouble.rstrip(),
        f"start {smallest.start}, piece {smallest.piece}, step_ms {smallest.step_ms}, octets:",
        *(f"{direction} {octets.hex()}" for direction, octets in smallest.sent),
    ]
    return "\n".join(lines)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=100_000, metavar="N", help="how many (100000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first one (0)")
    parser.add_argument("--seconds", type=float, default=0.0, metavar="S", help="stop after so long; 0: when done")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(1)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (one a core)")
    parser.add_argument(
        "--coverage",
        metavar="DIR",
        help="instead: let atheris (pip install atheris) look for new ways through the code, and keep in DIR what"
        " finds some",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
