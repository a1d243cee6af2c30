"""Which ports the server sees or has lately seen connections from: these rest before they are used again.

Clients at several addresses may come from the same port, and the server sees them all come from the pair's one
address. A connection from a port whose last one is about to end, or just has, would meet what is left of that.
"""

from __future__ import annotations

REST_S = 150.0
"""Longer than TIME-WAIT lasts on any known system (RFC 9293 asks for two maximum segment lifetimes)."""
PORTS_MAX = 65_536


IN_USE = float("inf")


class RestingPorts:
    """Ports by the address they belong to, and when each was last given up; the oldest make room."""

    def __init__(self) -> None:
        self._since_s: dict[tuple[str, int], float] = {}

    def take(self, address: str, port: int) -> None:
        """There is a connection from this port."""
        self.give_up(address, port, IN_USE)

    def give_up(self, address: str, port: int, now_s: float) -> None:
        """The connection from this port has ended."""
        self._since_s.pop((address, port), None)
        if len(self._since_s) >= PORTS_MAX:
            del self._since_s[next(iter(self._since_s))]
        self._since_s[address, port] = now_s

    def rests(self, address: str, port: int, now_s: float) -> bool:
        """Whether the port should not be used yet."""
        since_s = self._since_s.get((address, port))
        return since_s is not None and now_s - since_s < REST_S
