"""Time passes while the pair is at work, and the demo shows it: live on a terminal, now and then elsewhere."""

import time
from collections.abc import Callable
from itertools import count
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live

from scripts.lab.act import wait

_LOOK_S: Final = 0.25
_PLAIN_EVERY: Final = 8  # looks between two when the output is no terminal


def watch(console: Console, seconds: float, overview: Callable[[str], RenderableType]) -> None:
    """Show the overview for so long; it is told how much of the time has passed."""
    began_s = time.monotonic()

    def look() -> RenderableType:
        passed_s = min(time.monotonic() - began_s, seconds)
        return overview(f"{passed_s:.0f} of {seconds:.0f} s")

    if console.is_terminal and not console.is_dumb_terminal:
        with Live(look(), console=console, auto_refresh=False) as live:
            wait(seconds, lambda: live.update(look(), refresh=True), _LOOK_S)
            live.update(look())
        return
    looks = count()
    wait(seconds, lambda: None if next(looks) % _PLAIN_EVERY else console.print(look()), _LOOK_S)
