"""The last fraction of a second of a node that has handed over: what still arrives goes on to its successor."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from node.config import Config
from node.kernel.diversion import Diversion
from node.kernel.errors import KernelError
from node.log import get

LINGER_S = 0.3
"""The successor announces the addresses several times in this; peers that heed it send no more frames here."""

log = get("farewell")


class Farewell:
    """Diversions on all data interfaces, from the freeze on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, config: Config) -> None:
        """Where an interface does not allow it, its peers send again what is lost."""
        self._loop = loop
        self._diversions: list[Diversion] = []
        hosts: dict[str, list[str]] = defaultdict(list)
        for each in config.virtual_addresses:
            hosts[each.interface].append(str(each.host))
        for interface, addresses in hosts.items():
            try:
                self._begin(Diversion(interface, addresses))
            except KernelError as error:
                log.warning("frames that come late are lost", interface=interface, error=str(error))

    def _begin(self, diversion: Diversion) -> None:
        self._diversions.append(diversion)
        for descriptor in diversion.filenos():
            self._loop.add_reader(descriptor, diversion.work)

    def close(self) -> None:
        """Enough."""
        for diversion in self._diversions:
            for descriptor in diversion.filenos():
                self._loop.remove_reader(descriptor)
            diversion.close()
        sent, lost = (sum(getattr(each, name) for each in self._diversions) for name in ("sent", "lost"))
        log.info("sent on to the successor", frames=sent, lost=lost)
        self._diversions.clear()
