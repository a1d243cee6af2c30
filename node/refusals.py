"""What the node refuses from the network: each counted, and told in the log at most once a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from node.log import get

LOG_EVERY_S = 60.0

log = get("refusals")


class Refusals:
    """Counts by kind and code; a flood of bad messages cannot flood the log."""

    def __init__(self, counters: Counter[str], clock_s: Callable[[], float]) -> None:
        self._counters = counters
        self._clock_s = clock_s
        self._told_s: dict[str, float] = {}
        self._untold: Counter[str] = Counter()

    def refuse(self, kind: str, code: str, detail: str, where: str) -> None:
        """A message of this kind ("datagram", "stream") is not accepted; `code` is the error's."""
        self._counters[f"{kind}_refused_{code.replace('-', '_')}"] += 1
        now_s = self._clock_s()
        if now_s - self._told_s.get(kind, float("-inf")) < LOG_EVERY_S:
            self._untold[kind] += 1
            return
        self._told_s[kind] = now_s
        log.warning(f"{kind} refused", code=code, detail=detail, where=where, untold=self._untold.pop(kind, 0))
