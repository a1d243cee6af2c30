"""What the node refuses from the network: each counted, each kind of refusal told in the log at most once a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from node.log import get

LOG_EVERY_S = 60.0
RECENT_S = 10.0

log = get("refusals")


class Refusals:
    """Counts by kind and code; a flood of bad messages cannot flood the log."""

    def __init__(self, counters: Counter[str], clock_s: Callable[[], float]) -> None:
        self._counters = counters
        self._clock_s = clock_s
        self._told_s: dict[tuple[str, str], float] = {}
        self._untold: Counter[tuple[str, str]] = Counter()
        self._latest: dict[tuple[str, str], tuple[float, str]] = {}

    def refuse(self, kind: str, code: str, detail: str, where: str) -> None:
        """A message of this kind ("datagram", "stream") is not accepted; `code` is the error's."""
        self._counters[f"{kind}_refused_{code.replace('-', '_')}"] += 1
        now_s, reason = self._clock_s(), (kind, code)
        self._latest[reason] = (now_s, detail)
        if now_s - self._told_s.get(reason, float("-inf")) < LOG_EVERY_S:
            self._untold[reason] += 1
            return
        self._told_s[reason] = now_s
        log.warning(f"{kind} refused", code=code, detail=detail, where=where, untold=self._untold.pop(reason, 0))

    def recent(self, kind: str, code: str) -> str | None:
        """The detail of the latest such refusal, if it was of late."""
        at_s, detail = self._latest.get((kind, code), (float("-inf"), ""))
        return detail if self._clock_s() - at_s < RECENT_S else None
