"""Virtual time, the links between two nodes, and what happened."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.heartbeat import Role

if TYPE_CHECKING:
    from tests.protocol.simulation.node import Node
    from tests.protocol.simulation.witness import SimulatedWitness

LINKS = ("hb0", "data")
NEVER = float("-inf")
INTERVAL_S = 0.05


class World:
    """Virtual time, the links, and what happened."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.trace: list[str] = []
        self.overlaps: list[str] = []
        self.epochs: list[tuple[str, int, str]] = []
        """Each activation: node, epoch, reason."""
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self.loss = self.random.choice([0.0, 0.01, 0.03])
        self.cut: set[tuple[str, str]] = set()
        """Of (link, sender): what it sends there is lost."""
        self.parted_at = NEVER
        self.ever_cut = False
        self.nodes: dict[str, Node] = {}
        self.witness: SimulatedWitness | None = None
        self.after(0.1, self._connect_streams)

    def add(self, node: Node) -> None:
        self.nodes[node.name] = node
        self.after(self.random.uniform(0, 2.0), node.start_worker)

    def after(self, delay_s: float, act: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (self.now + delay_s, self._number, act))

    def run(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.now, _, act = heapq.heappop(self._queue)
            act()
        self.now = until

    def tell(self, text: str) -> None:
        self.trace.append(f"{self.now:9.4f} {text}")

    def other(self, node: Node) -> Node:
        return next(one for one in self.nodes.values() if one is not node)

    def carry(self, sender: Node, link: str, datagram: bytes) -> None:
        """Lose, delay, reorder, duplicate."""
        if (link, sender.name) in self.cut or self.random.random() < self.loss:
            return
        for _ in range(2 if self.random.random() < 0.02 else 1):
            slow = 0.02 if self.random.random() < 0.05 else 0.004
            self.after(self.random.uniform(0.0001, slow), lambda: self.other(sender).arrive(link, datagram))

    def set_cut(self, cut: set[tuple[str, str]]) -> None:
        if self._parted():
            self.parted_at = self.now
        self.cut = cut
        self.ever_cut |= bool(cut)
        self.tell(f"cut: {sorted(cut)}")

    def _parted(self) -> bool:
        return self.cut == {(link, name) for link in LINKS for name in self.nodes}

    def excused(self) -> bool:
        """All links cut both ways, or so lately that no heartbeat can have told of it. A witness takes no excuses."""
        return self.witness is None and self._is_or_was_parted()

    def _is_or_was_parted(self) -> bool:
        return self._parted() or self.now < self.parted_at + INTERVAL_S + 0.03

    def spoken(self, node: Node) -> None:
        """The checker of one voice: called whenever a lease is written."""
        other = self.other(node)
        if other.speaks() and node.speaks() and not self.excused():
            self.overlaps.append(f"{self.now:.4f}: {node.name} and {other.name} both speak")
            self.tell("OVERLAP")

    def _connect_streams(self) -> None:
        """The replication stream, coarsely: up and in sync while a link works both ways and roles fit."""
        workers = [node.worker for node in self.nodes.values() if node.worker is not None]
        works = any(all((link, name) not in self.cut for name in self.nodes) for link in LINKS)
        fit = {worker.machine.role for worker in workers} == {Role.ACTIVE, Role.PASSIVE}
        for worker in workers:
            worker.set_stream(works and fit and not any(w.frozen for w in workers))
        self.after(0.1, self._connect_streams)
