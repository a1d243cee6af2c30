"""How far long work has come: one line on standard error, drawn over itself.

It is shown on a terminal whose output goes elsewhere, where it is in nobody's way, or wherever it is asked for.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

EVERY_S = 0.2
_CLEAR = "\r\x1b[K"

ProgressOption = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        help="Show on standard error how far it is; by default on a terminal whose output goes elsewhere.",
        show_default=False,
    ),
]


class Progress:
    """Tells parts of a whole; silent unless `wanted`."""

    def __init__(self, wanted: bool | None) -> None:
        self.shown = sys.stderr.isatty() and not sys.stdout.isatty() if wanted is None else wanted
        self._told_s = float("-inf")

    def tell(self, what: str, done: float, whole: float) -> None:
        """`done` of `whole`; too soon after the last time, it is not shown."""
        now_s = time.monotonic()
        if not self.shown or (done < whole and now_s - self._told_s < EVERY_S):
            return
        self._told_s = now_s
        part = min(100, int(100 * done / whole)) if whole else 100
        self._put(f"{what}: {part} %")

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """The line is gone in the end, whatever happened."""
        try:
            yield
        finally:
            if self.shown and sys.stderr.isatty():
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()

    def _put(self, text: str) -> None:
        sys.stderr.write(f"{_CLEAR}{text}" if sys.stderr.isatty() else f"{text}\n")
        sys.stderr.flush()
