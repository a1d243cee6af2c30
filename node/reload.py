"""New policies, signatures and keys for a running node: `tandem reload`, or SIGHUP to the guard.

The files are read elsewhere (reading.py), since that may take longer than the lease allows, by a process that waits
ready: the first one some time after the node's start, which it must not hold up. Then either all of it is taken up, or
nothing: a file with a mistake leaves what is in force as it was. Running sessions are held to the new rules some at a
time, so that heartbeats do not wait; each is whole before and after.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from node.config import Config, ConfigErrors
from node.events.standing import NodeEvents
from node.inspectors import Inspectors
from node.keys import KeyFileError, Keys, fingerprint, read_keys
from node.log import get
from node.policy import Tables
from node.reading import TAKEN_UP, Read, Reader
from node.relay import Relay

SESSIONS_PER_TURN = 16
FIRST_READY_S = 10.0
"""After the node's start."""
NEXT_READY_S = 1.0
"""After a reload."""

REFUSALS = (ConfigErrors, KeyFileError, subprocess.SubprocessError)
"""What is wrong with the files, or with reading them."""

log = get("reload")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reload has changed."""

    sessions: int
    """Running sessions that are held to the new rules now."""
    tables: Tables
    keys: list[str]
    """Fingerprints of the cluster keys that are accepted; the first one seals."""
    restart: list[str]
    """Entries of the configuration file that differ from what this node runs with, and need a restart."""


class Reload:
    """Takes up what the configuration's files say now."""

    def __init__(
        self,
        path: Path,
        config: Config,
        inspectors: Inspectors,
        relays: dict[int, Relay],
        on_change: Callable[[Keys], None],
        tell: NodeEvents,
    ) -> None:
        """From a running loop. `on_change` hears of the keys as soon as the new rules hold for new sessions."""
        self._path = path
        self._config = config
        self._services = {service.name: service for service in config.services}
        self._inspectors = inspectors
        self._relays = relays
        self._on_change = on_change
        self._tell = tell
        self._turn = asyncio.Lock()
        self._reader = Reader()
        self._make_ready(FIRST_READY_S)
        self._begun: asyncio.Task[None] | None = None

    def begin(self, on_end: Callable[[], None]) -> None:
        """As by a signal: nobody waits for the outcome, which the events tell; `on_end` is called when it is over."""
        if self._begun is None or self._begun.done():
            self._begun = asyncio.get_running_loop().create_task(self._unattended())
        self._begun.add_done_callback(lambda _: on_end())

    async def _unattended(self) -> None:
        with suppress(*REFUSALS):
            await self()

    async def __call__(self) -> Outcome:
        """Raises ConfigErrors or KeyFileError, and has changed nothing then."""
        async with self._turn:
            try:
                outcome = await self._take_up()
            except REFUSALS as error:
                log.error("reload refused", error=str(error))
                self._tell.refused("reload refused: what was in force still is", {"error": str(error)})
                raise
            finally:
                self._make_ready(NEXT_READY_S)
            log.info("reloaded", **asdict(outcome))
            self._tell.configured("reloaded", asdict(outcome))
            return outcome

    def _make_ready(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(delay_s, loop.run_in_executor, None, self._reader.make_ready)

    async def _take_up(self) -> Outcome:
        loop = asyncio.get_running_loop()
        (written, rulebook), keys = await loop.run_in_executor(None, self._read)
        self._inspectors.rulebook = rulebook
        self._on_change(keys)
        return Outcome(
            await self._hold_to(),
            rulebook.tables,
            list(map(fingerprint, keys)),
            list(differing(self._config.model_dump(), written.model_dump())),
        )

    def _read(self) -> tuple[Read, Keys]:
        return self._reader.read(self._path, self._config), read_keys(self._config.cluster.key_file)

    async def _hold_to(self) -> int:
        """New sessions begin with the new rules already."""
        running = iter(list(self._relays.values()))
        held = 0
        while some := list(islice(running, SESSIONS_PER_TURN)):
            for relay in some:
                held += self._judge_anew(relay)
            await asyncio.sleep(0)
        return held

    def _judge_anew(self, relay: Relay) -> bool:
        service = self._services.get(relay.session.service)
        if relay.closed or service is None:
            return False
        self._inspectors.hold_to(relay.stack, service, relay.session.client)
        relay.judged_anew()
        return True


def differing(running: Any, written: Any, path: str = "") -> Iterator[str]:
    """The dotted paths of values that differ, but for those that are taken up."""
    if path in TAKEN_UP or (path.startswith("services[") and path.endswith("].policy")):
        return
    if isinstance(running, dict) and isinstance(written, dict) and running.keys() == written.keys():
        for name, value in running.items():
            yield from differing(value, written[name], f"{path}.{name}" if path else name)
    elif isinstance(running, tuple) and isinstance(written, tuple) and len(running) == len(written):
        for nr, value in enumerate(running):
            yield from differing(value, written[nr], f"{path}[{nr}]")
    elif running != written:
        yield path
