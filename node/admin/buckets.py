"""How often an address may ask: token buckets, a bounded number of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

ADDRESSES_MAX = 1024


class Buckets:
    """A bucket for each address; the one longest unused makes room."""

    def __init__(self, rate_per_s: float, burst: int, clock_s: Callable[[], float]) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._clock_s = clock_s
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> bool:
        """Take one out; False when there is none."""
        now_s = self._clock_s()
        level, then_s = self._levels.pop(address, (self._burst, now_s))
        level = min(self._burst, level + (now_s - then_s) * self._rate_per_s)
        allowed = level >= 1
        self._levels[address] = (level - 1 if allowed else level, now_s)
        if len(self._levels) > ADDRESSES_MAX:
            self._levels.popitem(last=False)
        return allowed
