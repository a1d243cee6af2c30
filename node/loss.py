"""Heartbeats that the peer has sent and a link has not brought.

A sender seals every heartbeat once for each link, in order, so a datagram's number tells which heartbeat it is. What
came over any link tells what should have come over each. Both nodes have the same links.
"""

from __future__ import annotations


class Loss:
    """Counts the lost heartbeats of each link, exactly but for those that take longer than from settle to settle."""

    def __init__(self, links: int) -> None:
        self.lost = [0] * links
        """Since this node's life began."""
        self._earlier = [0] * links
        """Of the peer's earlier lives."""
        self._incarnation = 0
        self._begin(0, 0)

    def _begin(self, incarnation: int, first: int) -> None:
        links = len(self.lost)
        self._earlier = list(self.lost)
        self._incarnation = incarnation
        self._first = self._settled = self._newest = first
        """Numbers of heartbeats: the first one heard, those that are `late` by now up to here, the newest."""
        self._heard = [0] * links
        self._heard_since = [0] * links
        """Those beyond the settled one."""

    def heard(self, link: int, incarnation: int, datagram: int) -> None:
        """The peer's datagram of this number came over a link; its seal holds, so it comes once."""
        number = (datagram - 1) // len(self.lost)
        if incarnation > self._incarnation:
            self._begin(incarnation, number)
        if incarnation < self._incarnation or number < self._first:
            return
        self._newest = max(self._newest, number)
        if number > self._settled:
            self._heard_since[link] += 1
        else:
            self._heard[link] += 1

    def settle(self) -> None:
        """An interval has passed: what had been sent by the last one and is not here is lost."""
        if self._incarnation:
            due = self._settled - self._first + 1
            for link, heard in enumerate(self._heard):
                self.lost[link] = max(self.lost[link], self._earlier[link] + due - heard)
        self._settled = self._newest
        self._heard = [a + b for a, b in zip(self._heard, self._heard_since, strict=True)]
        self._heard_since = [0] * len(self.lost)
