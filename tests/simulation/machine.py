"""A node's machine: clocks, disk, kernel, and the guard that keeps a worker running.

The worker is the product's own, all of it. The guard is told anew here, since the real one blocks in system calls:
what it does is its header's (node/guard.py) order: silence the node first, tell the peer second, clean up third.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack

from node import exits
from node.child import Orders
from node.config import Config
from node.errors import StartupError
from node.guard import FIRST_BEAT_LIMIT_S, LONE_STALL_LIMIT_S, LOOK_S, RESTART_PAUSE_S
from node.notices import COPIES
from node.store import next_incarnation
from node.tether import Beat
from protocol import heartbeat
from protocol.datagrams import DatagramSealer
from protocol.heartbeat import DeathNotice
from tests.simulation.gate import GateProgram
from tests.simulation.kernel import File, Kernel
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.network import Network
    from tests.simulation.surroundings import Surroundings

SECRET = bytes(range(32))
NOTICED_S = 0.002
START_S = (0.02, 0.15)
SERVICE_RESTART_S = 1.0
"""RestartSec of the service."""


class Tether(File):
    """The worker's end of its tie to the guard."""

    def __init__(self, process: Process, guard: Guard) -> None:
        super().__init__(process)
        self._guard = guard
        self._orders: list[bytes] = []

    def send(self, packet: bytes) -> int:
        self._guard.beaten(Beat(*msgpack.unpackb(packet)))
        return len(packet)

    def recv(self, _size: int) -> bytes:
        if not self._orders:
            raise BlockingIOError
        return self._orders.pop()

    def readable(self) -> bool:
        return bool(self._orders)

    def order(self, packet: bytes) -> None:
        self._orders.append(packet)
        self.changed()


class Machine:
    """One of the two. `kernel` is None while it is without power."""

    def __init__(self, surroundings: Surroundings, network: Network, name: str, config: Config) -> None:
        self.surroundings = surroundings
        self.network = network
        self.world = network.world
        self.name = name
        self.config = config
        random = self.world.random
        self.zero_s = random.uniform(1, 1e6)
        self.rate = 1 + random.uniform(-1e-4, 1e-4)
        self.wall_ahead_s = random.uniform(-5, 5)
        self.monotonic_zero_s = random.uniform(0, 1e6)
        self.disk: dict[str, int] = {}
        self.disk_fails = False
        self.carrier = {"eth-client": True, "eth-server": True}
        self.kernel: Kernel | None = None
        self.guard: Guard | None = None
        self.net_of = {str(link.local.host): link.name for link in config.links}

    # --- clocks

    def clock_s(self) -> float:
        return self.zero_s + self.world.now * self.rate

    def clock_ns(self) -> int:
        return int(self.clock_s() * 1e9)

    def monotonic_ms(self) -> int:
        return int((self.monotonic_zero_s + self.world.now * self.rate) * 1000)

    def wall_s(self) -> float:
        return 1.7e9 + self.world.now + self.wall_ahead_s

    # --- power

    @property
    def powered_kernel(self) -> Kernel:
        assert self.kernel is not None, "code runs on a machine with power"
        return self.kernel

    def power_on(self) -> None:
        if self.kernel is None:
            self.zero_s = self.world.random.uniform(1, 100) - self.world.now * self.rate
            self.monotonic_zero_s = self.zero_s
            self.kernel = Kernel(self)
            self.start_guard()

    def power_off(self) -> None:
        self.world.tell(f"{self.name} without power")
        guard, self.guard = self.guard, None
        self.kernel = None
        if guard is not None:
            guard.gone = True
            if guard.process is not None:
                guard.process.die()

    def start_guard(self) -> None:
        if self.kernel is not None and self.guard is None:
            self.guard = Guard(self)
            self.guard.start()

    @property
    def process(self) -> Process | None:
        """The worker's, if one is alive."""
        process = None if self.guard is None else self.guard.process
        return process if process is not None and process.alive else None

    @property
    def worker(self) -> Any:
        """The worker itself, the product's object, if one lives."""
        return None if self.process is None else self.guard.worker  # type: ignore[union-attr]

    def has(self, address: str) -> bool:
        return self.kernel is not None and address in self.kernel.addresses

    def may_speak(self) -> bool:
        return self.kernel is not None and self.kernel.gate is not None and self.kernel.gate.may_speak()


class Guard:
    """Keeps a worker running on its machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.world = machine.world
        self.gone = False
        self.leaving = False
        self.process: Process | None = None
        self.worker: Any = None
        self._beat: Beat | None = None
        self._beat_s = 0.0
        self._pause_s = RESTART_PAUSE_S
        self._tether: Tether | None = None
        self._stopped_until = 0.0

    def start(self) -> None:
        """Load the gate, fence closed; clear away what an earlier guard left; start the first worker."""
        machine, kernel = self.machine, self.machine.powered_kernel
        slots = 2 * machine.config.limits.sessions
        kernel.gate = GateProgram(slots, machine.clock_ns, lambda: machine.network.checks.lease_written(machine))
        self._descriptors = machine.surroundings.maps.offer(kernel.gate)
        self._clear()
        number = self._number()
        if number is None:
            return
        self._sealer = DatagramSealer(SECRET, machine.config.cluster.group, f"{machine.name}/guard", number)
        self.world.after(self.world.random.uniform(*START_S), self._start)
        self.world.after(LOOK_S, self._look)

    def _number(self) -> int | None:
        """The next incarnation; None when the disk fails: the service starts anew after a while."""
        config, machine = self.machine.config.node, self.machine
        machine.surroundings.enter(machine)
        try:
            return next_incarnation(config.state_dir, config.name, int(machine.wall_s() * 1e9))
        except StartupError as error:
            self.world.tell(f"{machine.name} guard fails: {error}")
            self.end(SERVICE_RESTART_S)
            return None
        finally:
            machine.surroundings.leave()

    def _clear(self) -> None:
        kernel = self.machine.powered_kernel
        kernel.addresses.clear()
        kernel.destroy_orphans()

    def _start(self) -> None:
        if self.gone or self.machine.kernel is None or self.machine.kernel.gate is None:
            return
        machine = self.machine
        machine.kernel.gate.control.u64[0] = 0
        machine.kernel.gate.fence = True
        incarnation = self._number()
        if incarnation is None:
            return
        process = self.process = Process(machine)
        process.on_death = lambda: self._died(process)
        self._beat, self._beat_s = None, machine.clock_s()
        self._tether = Tether(process, self)
        orders = Orders("", 0, incarnation, True, [], self._descriptors)
        process.run(self._begin, process, orders)

    def _died(self, process: Process) -> None:
        self.machine.network.checks.died(self.machine)
        self.world.after(NOTICED_S, self._bury, process)

    def _begin(self, process: Process, orders: Orders) -> None:
        self.worker = self.machine.surroundings.worker(orders, self.machine.config, self._tether)
        task = process.loop.create_task(self.worker.run())
        task.add_done_callback(lambda done: self._ended(process, done))

    def _ended(self, process: Process, done: Any) -> None:
        error = None if done.cancelled() else done.exception()
        code = exits.STOOD_DOWN if error is not None else done.result()
        if error is not None:
            self.machine.network.checks.fault(self.machine, error)
        if code == exits.BAD_HOST:
            self.world.tell(f"{self.machine.name} ends: the host is not fit")
            self.leaving = True
        process.die()

    def beaten(self, beat: Beat) -> None:
        self._beat, self._beat_s = beat, self.machine.clock_s()

    def stop(self, for_s: float) -> None:
        """The guard is stopped; when it wakes it knows that it was, and blames nobody."""
        self._stopped_until = self.world.now + for_s

    def _look(self) -> None:
        if self.gone:
            return
        if self._stopped_until > self.world.now:
            self.world.after(self._stopped_until - self.world.now + LOOK_S, self._look)
            return
        process = self.process
        if process is not None and process.alive:
            patience_s = FIRST_BEAT_LIMIT_S
            if self._beat is not None:
                lease_s = self.machine.config.cluster.heartbeat.lease_s
                patience_s = lease_s if self._beat.standby else LONE_STALL_LIMIT_S
            if self.machine.clock_s() - self._beat_s > patience_s:
                self.world.tell(f"{self.machine.name} guard ends a stalled worker")
                process.die()
        self.world.after(LOOK_S, self._look)

    def _bury(self, process: Process) -> None:
        if self.gone or self.process is not process:
            return
        if self._stopped_until > self.world.now:
            self.world.after(self._stopped_until - self.world.now, self._bury, process)
            return
        machine = self.machine
        machine.powered_kernel.gate.fence = False  # type: ignore[union-attr]
        self._notify()
        self._clear()
        self.process = None
        if self.leaving:
            self.end(SERVICE_RESTART_S)
        else:
            self.world.after(self._pause_s, self._start)

    def _notify(self) -> None:
        beat = self._beat
        if beat is None:
            return
        notice = heartbeat.pack(DeathNotice(self.machine.name, beat.epoch, beat.incarnation, beat.peer_incarnation))
        for _ in range(COPIES):
            for link in self.machine.config.links:
                origin = (str(link.local.host), 1)
                sealed = self._sealer.seal(notice)
                self.machine.network.datagram(self.machine, origin, link.peer.sockaddr, sealed)

    def leave(self) -> None:
        """SIGTERM."""
        self.leaving = True
        if self._tether is not None:
            self._tether.order(b"leave")

    def end(self, back_s: float) -> None:
        """The guard is no more; the service comes back after a while."""
        self.gone = True
        machine = self.machine
        if machine.guard is self:
            machine.guard = None
            self.world.after(back_s, machine.start_guard)

    def kill(self, back_s: float) -> None:
        """Guard and worker die at one stroke: nobody closes the fence, nobody tells the peer."""
        process = self.process
        self.end(back_s)
        if process is not None:
            process.die()
