"""Makes the inspectors of this node's sessions, each held to its service's signatures and policy.

What is remembered of peers beyond one session, the watch, is shared by all of them. It moves with the sessions: the
passive node keeps a copy and goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from inspector import Limits, Policing, Policy, Ruleset, Stack, StateError, Watch
from node import clock
from node.config import Config, Service
from node.decoder import KeptDecoder
from node.log import get
from node.policy import Rulebook

log = get("inspectors")


class Inspectors:
    """The signatures, the policies and the watch of a node."""

    def __init__(self, config: Config, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.watch = Watch()
        self._limits = Limits(held_bytes=config.limits.held_bytes)

    def fresh(self, service: Service, client: str) -> Stack:
        """The inspector of a session that begins; `client` is host:port."""
        return Stack(self._limits, **self._options(service, client))

    def resume(self, service: Service, client: str, kept: KeptDecoder, held: tuple[bytes, bytes]) -> Stack:
        """The inspector of a session that comes from the other node."""
        return kept.take_up(held, self._limits, **self._options(service, client))

    def held_to(self, service: str) -> tuple[Ruleset, Policy]:
        """The signatures and the policy of a service."""
        return self.rulebook.services[service]

    def hold_to(self, stack: Stack, service: Service, client: str) -> None:
        """A running inspector goes on with the rules as they are now."""
        stack.hold_to(**self._options(service, client))

    def _options(self, service: Service, client: str) -> dict[str, Any]:
        rules, policy = self.held_to(service.name)
        return {
            "on_undecodable": policy.on_undecodable or service.on_undecodable,
            "policing": Policing(rules, policy, self.watch, host_of(client), str(service.server)),
        }

    # --- peers

    def admits(self, client: str) -> bool:
        """Whether a client may connect, or is in quarantine."""
        return not self.watch.quarantined(host_of(client), now_ms())

    def opened(self, client: str) -> None:
        """A client has connected."""
        self.watch.connected(host_of(client), now_ms())

    def closed(self, client: str) -> None:
        """A client's session is over."""
        self.watch.closed(host_of(client))

    # --- the watch moves between nodes

    def take_up(self, shared: bytes, clients: Iterable[str]) -> None:
        """Go on with the other node's watch, and with the sessions of these clients."""
        if shared:
            try:
                self.watch.take_up(shared)
            except StateError as error:
                log.warning("what was known of the peers is lost", error=str(error))
        self.watch.recount(map(host_of, clients))

    def changed(self) -> bytes | None:
        """The watch, packed, if it changed since this was last asked."""
        return self.whole() if self.watch.changed else None

    def whole(self) -> bytes:
        """The watch, packed."""
        self.watch.changed = False
        return self.watch.pack()


def host_of(client: str) -> str:
    """The address out of host:port."""
    return client.rpartition(":")[0]


def now_ms() -> int:
    """The wall clock, milliseconds since 1970."""
    return int(clock.wall_s() * 1000)
