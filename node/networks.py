"""The data networks of this node: whether each interface has a carrier, and each configured gateway answers.

A network that is lost on the active node and not on the other one is a reason for a planned switchover.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from node.config import Config, Gateway
from node.kernel import interfaces as nic
from node.kernel.addresses import LinkWatcher
from node.kernel.gateways import GatewayProbe
from node.log import get

NO_ADDRESS = "0.0.0.0"

log = get("networks")


class Probe(Protocol):
    """What asks for a gateway (node/kernel/gateways.py)."""

    def fileno(self) -> int: ...

    def ask(self, own: str) -> None: ...

    def answered(self) -> bool: ...

    def close(self) -> None: ...


class GatewayWatch:
    """One gateway. Unanswered questions count, not time: a node that did not run has not asked."""

    def __init__(self, gateway: Gateway, probe: Probe, on_change: Callable[[bool], None]) -> None:
        self.gateway = gateway
        self.probe = probe
        self.ok = True
        self._on_change = on_change
        self._unanswered = 0

    def ask(self, own: str) -> None:
        """An interval has passed: judge, and ask again in the name of an address of this host."""
        self.hear()
        if self.ok and self._unanswered >= self.gateway.lost_threshold:
            self._turn(False)
        self._unanswered += 1
        self.probe.ask(own)

    def hear(self) -> None:
        """Something came in."""
        if self.probe.answered():
            self._unanswered = 0
            if not self.ok:
                self._turn(True)

    def _turn(self, ok: bool) -> None:
        self.ok = ok
        log.warning("gateway", address=str(self.gateway.address), interface=self.gateway.interface, answers=ok)
        self._on_change(ok)


class DataNetworks:
    """All of them."""

    def __init__(
        self, config: Config, loop: asyncio.AbstractEventLoop, on_change: Callable[[dict[str, bool]], None]
    ) -> None:
        """`on_change` hears what has come back (True) or is lost, by name. Raises KernelError."""
        self._loop = loop
        self._on_change = on_change
        self._virtual = {str(host) for host in config.virtual_hosts}
        self._links = LinkWatcher(config.interfaces)
        self._gateways = [self._watch(gateway) for gateway in config.gateways]
        self._timers: dict[GatewayWatch, asyncio.TimerHandle] = {}

    def _watch(self, gateway: Gateway) -> GatewayWatch:
        probe = GatewayProbe(str(gateway.address), gateway.interface)
        name = f"{gateway.interface} to {gateway.address}"
        return GatewayWatch(gateway, probe, lambda ok: self._on_change({name: ok}))

    def start(self) -> None:
        """Listen, and ask the gateways."""
        self._loop.add_reader(self._links.fileno(), self._carrier_changed)
        for watch in self._gateways:
            self._loop.add_reader(watch.probe.fileno(), watch.hear)
            self._ask(watch)

    def _ask(self, watch: GatewayWatch) -> None:
        own = nic.first_address(watch.gateway.interface)
        watch.ask(NO_ADDRESS if own is None or own in self._virtual else own)
        self._timers[watch] = self._loop.call_later(watch.gateway.interval_s, self._ask, watch)

    def _carrier_changed(self) -> None:
        if changed := self._links.changes():
            log.warning("data interfaces changed", **changed)
            self._on_change(changed)

    @property
    def ok(self) -> bool:
        """Whether this node can serve on all of them."""
        return all(self._links.up.values()) and all(watch.ok for watch in self._gateways)

    def problems(self) -> list[str]:
        """What is wrong, in words."""
        down = [f"data interface {name} has no carrier" for name, up in self._links.up.items() if not up]
        silent = [watch.gateway for watch in self._gateways if not watch.ok]
        return [*down, *(f"gateway {each.address} on {each.interface} does not answer" for each in silent)]

    def stop(self) -> None:
        """Watch no more."""
        for timer in self._timers.values():
            timer.cancel()
        self._loop.remove_reader(self._links.fileno())
        self._links.close()
        for watch in self._gateways:
            self._loop.remove_reader(watch.probe.fileno())
            watch.probe.close()
