"""What the product finds around itself in the simulation: one table of what is put in whose place.

Everything else of a worker is the product's own: role machine, seal, links, channel, replicator, standby, cache,
takeover, proxy, relay, inspector, and the node's side of the gate.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog

import node.channel
import node.clock
import node.duties
import node.events.pipeline
import node.kernel.gate
import node.kernel.repair
import node.kernel.tcp
import node.links
import node.networks
import node.reload
import node.replicator
import node.spares
import node.store
import node.takeover
import node.witness
import node.worker
from inspector import Action, Policy
from inspector.policy import Peer, Right, Row
from node.config import Config
from node.policy import load_all
from tests.simulation.gate import Maps
from tests.simulation.kernel import AckSender, Addresses, Calls, DatagramSocket, File
from tests.simulation.machine import SECRET, Machine
from tests.simulation.plan import GUARDED
from tests.simulation.process import Process
from tests.simulation.witness import Etcd, Store
from tests.simulation.world import World

Swap = tuple[Any, str, Any]
_RULEBOOKS: dict[int, Any] = {}
_ALL = ("*",)
_PEER = Peer(
    "east",
    client_may=(Row("ICC1", _ALL, frozenset((Right.READ, Right.REPORT))),),
    server_may=(Row("ICC1", _ALL, frozenset((Right.READ, Right.REPORT))),),
)
DENYING = Policy(GUARDED, "guarded", default=Action.DENY, peers=(_PEER,))
"""Reading and reporting pass, writing does not."""


class Surroundings:
    """One run's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.maps = Maps()
        self.store = Store(world)
        self._beside: list[Machine] = []
        """Machines whose code runs outside of any process: a guard's."""

    def enter(self, machine: Machine) -> None:
        self._beside.append(machine)

    def leave(self) -> None:
        self._beside.pop()

    @property
    def machine(self) -> Machine:
        """Whose code runs."""
        return self._beside[-1] if self._beside else self.process.machine

    @property
    def process(self) -> Process:
        process = self.world.current
        assert process is not None, "the product's code runs in a process"
        return process

    def worker(self, orders: Any, config: Config, tether: Any) -> Any:
        """The product's worker."""
        return node.worker.Worker(orders, config, tether)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Put everything in its place, and back."""
        structlog.configure(
            processors=[self._note],
            wrapper_class=structlog.make_filtering_bound_logger(20),
            cache_logger_on_first_use=False,
        )
        table = self._table()
        before = [(owner, name, getattr(owner, name)) for owner, name, _ in table]
        for owner, name, value in table:
            setattr(owner, name, value)
        try:
            yield
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)
            structlog.reset_defaults()

    def _table(self) -> list[Swap]:
        calls = Calls(lambda: self.process)
        tcp = node.kernel.tcp
        names = (
            "listener",
            "open_active",
            "describe",
            "go_live",
            "drop",
            "probe",
            "close_silently",
            "tune",
            "unacknowledged",
            "state",
        )
        return [
            (node.clock, "boottime_ns", self._of("clock_ns")),
            (node.clock, "boottime_s", self._of("clock_s")),
            (node.clock, "timestamp_clock_ms", self._of("monotonic_ms")),
            (node.clock, "wall_s", self._of("wall_s")),
            *((tcp, name, getattr(calls, name)) for name in names),
            (node.kernel.repair, "Successor", calls.successor),
            (node.spares, "Successor", calls.successor),
            (node.kernel.gate, "libbpf", self.maps),
            (node.kernel.gate, "MappedArray", self.maps.array),
            (node.events.pipeline, "outboxes", lambda *_: ()),
            (node.links, "socket", self._sockets()),
            (node.channel, "secrets", SimpleNamespace(token_bytes=self.world.random.randbytes)),
            (node.store.GrowingNumber, "_read", self._read()),
            (node.store.GrowingNumber, "_write", self._write()),
            (node.takeover, "ThreadPoolExecutor", Here),
            (node.witness, "Etcd", lambda *_: Etcd(self.store, self.process)),
            (node.replicator, "SYNC_BURST_SESSIONS", 1),
            (node.worker, "AckSender", lambda: AckSender(self.process)),
            (node.worker, "Addresses", lambda virtual: Addresses(self.process, virtual)),
            (node.worker, "Admin", NoAdmin),
            (node.worker, "Arrivals", LoopArrivals),
            (node.worker, "set_niceness", lambda *_: None),
            (node.duties, "set_niceness", lambda *_: None),
            (node.duties, "Farewell", NoFarewell),
            (node.reload, "Reader", NoReader),
            (node.networks, "LinkWatcher", lambda interfaces: Watcher(self.process, interfaces)),
            (node.worker, "load_all", _rulebook),
            (node.worker, "read_keys", lambda _path: (SECRET,)),
        ]

    def _of(self, clock: str) -> Callable[[], Any]:
        """A clock of whichever machine asks."""

        def read() -> Any:
            return getattr(self.machine, clock)()

        return read

    def _sockets(self) -> Any:
        return SimpleNamespace(
            AF_INET=socket.AF_INET, SOCK_DGRAM=socket.SOCK_DGRAM, socket=lambda *_: DatagramSocket(self.process)
        )

    def _read(self) -> Callable[[Any], int]:
        return lambda number: self.machine.disk.get(_name(number._path), 0)

    def _write(self) -> Callable[[Any, int], None]:
        def write(number: Any, value: int) -> None:
            machine = self.machine
            if self.world.current is not None:
                self.world.current.system_call()
            if machine.disk_fails:
                raise OSError(28, "No space left on device")
            name = _name(number._path)
            machine.network.checks.stored(machine, name, value)
            machine.disk[name] = value

        return write

    def _note(self, _logger: Any, _method: str, event: Any) -> Any:
        process = self.world.current
        if process is not None:
            what = event.pop("event")
            event.pop("part", None)
            fields = " ".join(f"{name}={value}" for name, value in event.items())
            self.world.tell(f"{process.machine.name} {what} {fields}".rstrip())
        raise structlog.DropEvent


def _name(path: Path) -> str:
    return path.suffix.removeprefix(".")


def _rulebook(config: Config) -> Any:
    """Read once: it is the same for all."""
    number = config.services[0].policy
    if number not in _RULEBOOKS:
        book = load_all(config)
        if number == GUARDED:
            services = {name: loaded._replace(policy=DENYING) for name, loaded in book.services.items()}
            book = replace(book, services=services)
        _RULEBOOKS[number] = book
    return _RULEBOOKS[number]


class Here:
    """A thread pool whose work is done at once."""

    def __init__(self, *_: Any, **__: Any) -> None:
        return

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class NoFarewell:
    """Frames that come late are lost; their senders repeat them."""

    def __init__(self, *_: Any) -> None:
        return

    def close(self) -> None:
        return


class LoopArrivals:
    """The simulated loop knows the simulated sockets."""

    def __init__(self, loop: Any, ready: Callable[[Any], None]) -> None:
        self._loop, self._ready = loop, ready

    def watch(self, descriptor: int, reader: Any) -> None:
        self._loop.add_reader(descriptor, self._ready, reader)

    def unwatch(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)


class NoReader:
    """Nothing is read anew."""

    def make_ready(self) -> None:
        return


class NoAdmin:
    """Nobody asks."""

    def __init__(self, *_: Any) -> None:
        return

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        return


class Watcher(File):
    """The data interfaces' carrier."""

    def __init__(self, process: Process, interfaces: Any) -> None:
        super().__init__(process)
        self._known = dict(process.machine.carrier)
        self.up = dict(self._known)

    def close(self) -> None:
        self.forget()

    def readable(self) -> bool:
        return self.process.machine.carrier != self._known

    def changes(self) -> dict[str, bool]:
        now = self.process.machine.carrier
        changed = {name: up for name, up in now.items() if up != self._known[name]}
        self._known = dict(now)
        self.up = dict(now)
        return changed
