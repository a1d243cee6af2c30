"""All inputs of a run, shared among processes."""

import argparse
import multiprocessing
import time
from contextlib import suppress
from typing import Final

from scripts.lab.fuzz.figures import Failure, Figures
from scripts.lab.fuzz.worker import Worker

TELL_EVERY_S: Final = 30.0
BATCH: Final = 20_000


def run(options: argparse.Namespace) -> int:
    """Every input that the options ask for, figures and failures printed; the exit code."""
    started = time.monotonic()
    figures = Figures()
    with suppress(KeyboardInterrupt):
        _run(options, started, figures)
    for line in figures.lines(time.monotonic() - started):
        print(line)
    print(f"seed {options.seed}, first {options.first}, inputs {figures.inputs} of {options.inputs} wanted", flush=True)
    return 1 if figures.failed else 0


def _run(options: argparse.Namespace, started: float, total: Figures) -> None:
    """All inputs in batches, the batches shared among the workers; failures are told at once."""
    until_s = started + options.seconds if options.seconds else float("inf")
    end = options.first + options.inputs
    batches = ((at, min(at + BATCH, end), until_s) for at in range(options.first, end, BATCH))
    told = started
    with multiprocessing.Pool(options.workers, _begin, (options.seed,)) as pool:
        for figures in pool.imap_unordered(_work, batches):
            total.add(figures)
            for failure in figures.failures:
                print(transcript(options.seed, failure), flush=True)
            now = time.monotonic()
            if now - told > TELL_EVERY_S:
                told = now
                rate = total.inputs / (now - started)
                print(f"{total.inputs} inputs, {rate:.0f} a second, {total.failed} failures", flush=True)


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
