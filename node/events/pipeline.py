"""All of a node's events in one place: who tells, who keeps."""

from __future__ import annotations

from collections.abc import Callable

from node.config import Config
from node.events.bus import Bus
from node.events.kept import Kept
from node.events.sessions import SessionEvents
from node.events.standing import NodeEvents
from node.inspectors import Inspectors

KEPT_MAX = 5000


class Events:
    """The bus with its sources and its store."""

    def __init__(self, config: Config, inspectors: Inspectors, incarnation: int, epoch: Callable[[], int]) -> None:
        self.bus = Bus(config.node.name, incarnation, epoch)
        self.sessions = SessionEvents(config, inspectors, self.bus)
        self.node = NodeEvents(self.bus)
        self.kept = Kept(KEPT_MAX)
        self.bus.subscribe(self.kept.take)
