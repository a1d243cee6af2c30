"""The guard: a small process that outlives the worker and makes sure that a dead worker's node is silent.

It loads the gate, starts the worker and watches it: a pidfd tells its death, missing beats that it stalls. Then
the guard closes the fence (nothing leaves from a virtual address any more), tells the peer "dead and fenced" on
every link, clears away addresses and orphaned sockets, and starts a new worker as passive.

A worker is active at most once in its life; to stand down is to exit with exits.STOOD_DOWN.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from node import clock, exits
from node import log as logging
from node.addressing import Addresses
from node.child import Child, Orders, write_pids
from node.config import Config, load
from node.doctor import missing_for_hitless
from node.errors import StartupError
from node.herald import Herald
from node.kernel import neighbours, orphans
from node.kernel.errors import KernelError
from node.kernel.gate import Gate
from node.keys import KeyFileError, read_keys
from node.manager import Manager
from node.notices import Notices
from node.precedence import STARTING, set_niceness
from node.store import next_incarnation

LOOK_S = 0.025
"""How often the guard looks at the worker's beats."""
LEAVE_LIMIT_S = 15.0
DYING_LIMIT_S = 2.0
LOCK_LIMIT_S = 2.0
LONE_STALL_LIMIT_S = 5.0
FIRST_BEAT_LIMIT_S = 20.0
STEADY_AFTER_S = 5.0
RESTART_PAUSE_S = 0.1
"""The other node takes over first; a worker's start is hard work that nothing waits for."""
RESTART_PAUSE_MAX_S = 10.0
LEAVING = frozenset((signal.SIGTERM, signal.SIGINT))
PRIORITY = 10
"""Real-time priority of the guard, which sleeps nearly always; the worker does not take one (see precedence.py)."""

log = logging.get("guard")


def run(config_path: Path) -> int:
    """Run a node until it is told to stop; returns its exit code."""
    config = load(config_path)
    logging.configure(config.log, node=config.node.name)
    try:
        return Guard(config, config_path).run()
    except (StartupError, KernelError, KeyFileError) as error:
        print(f"tandem: {error}", file=sys.stderr)
        return exits.BAD_HOST


class Guard:
    """One node's guard."""

    def __init__(self, config: Config, config_path: Path) -> None:
        self._config = config
        self._config_path = config_path
        config.node.run_dir.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(config.node.run_dir / f"{config.node.name}.lock")
        self._pids = config.node.run_dir / f"{config.node.name}.pids"
        self._notices = Notices(config, read_keys(config.cluster.key_file)[0], self._next_incarnation())
        self._missing = missing_for_hitless(config)
        self._hitless = self._choose_mode()
        self._addresses = Addresses(config.virtual_addresses)
        self._gate: Gate | None = None
        self._manager = Manager.of(os.environ)
        self._herald = Herald(config)
        self._leaving = False
        self._pause_s = RESTART_PAUSE_S

    def _next_incarnation(self) -> int:
        node = self._config.node
        return next_incarnation(node.state_dir, node.name, time.time_ns())

    def _choose_mode(self) -> bool:
        wanted = self._config.cluster.takeover
        if wanted == "hitless" and self._missing:
            raise StartupError(
                "takeover: hitless is configured, but this host lacks: " + "; ".join(self._missing),
                "run `tandem doctor CONFIG` for the remedies, or set cluster.takeover to auto or reconnect",
            )
        hitless = wanted != "reconnect" and not self._missing
        log.info("takeover mode", mode="hitless" if hitless else "reconnect", missing=self._missing)
        return hitless

    def run(self) -> int:
        """Keep a worker running until told to stop."""
        _take_priority()
        stop = self._stop_signals()
        try:
            if self._hitless:
                self._gate = Gate.load(
                    self._config.interfaces,
                    2 * self._config.limits.sessions,
                    map(str, self._config.virtual_hosts),
                )
            self._clear()
            return self._keep_running(stop)
        finally:
            self._clear()
            if self._gate is not None:
                self._detach(self._gate)
            self._herald.stop()
            self._pids.unlink(missing_ok=True)

    def _stop_signals(self) -> socket.socket:
        """SIGTERM, SIGINT and SIGHUP, as something to select on: their numbers."""
        read_end, write_end = socket.socketpair()
        write_end.setblocking(False)
        self._signal_end = write_end
        signal.set_wakeup_fd(write_end.fileno())
        for number in (*LEAVING, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        return read_end

    def _keep_running(self, stop: socket.socket) -> int:
        while True:
            child = self._start()
            self._watch(child, stop)
            code = self._bury(child)
            if self._leaving or code == exits.BAD_HOST:
                return exits.DONE if self._leaving else code
            self._wait_before_restart(child, stop)
            if self._leaving:
                return exits.DONE

    def _start(self) -> Child:
        """A new worker, passive; the fence is opened for it and its lease stands at zero."""
        if self._gate is not None:
            self._gate.lease = 0
            self._gate.open_fence()
        orders = Orders(
            config=str(self._config_path),
            tether=-1,
            incarnation=self._next_incarnation(),
            hitless=self._hitless,
            missing=self._missing,
            gate=None if self._gate is None else self._gate.fds(),
        )
        child = Child(orders, self._lock)
        set_niceness(child.process.pid, STARTING)
        write_pids(self._pids, child.process.pid)
        log.info("worker started", pid=child.process.pid, incarnation=orders.incarnation)
        return child

    def _watch(self, child: Child, stop: socket.socket) -> None:
        """Return when the worker is dead."""
        leave_by_s = float("inf")
        looked_s = clock.boottime_s()
        with selectors.DefaultSelector() as selector:
            for source in (child.pidfd, child.tether, stop):
                selector.register(source, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(LOOK_S)}
                # The tether's end comes first: the kernel closes a dead process's files before it reports the death,
                # and some take milliseconds to close. The fence makes it safe to act on it.
                if child.pidfd in ready or not child.listen():
                    return
                if child.beat is not None:
                    self._manager.beaten(child.beat, child.beat_s, reloaded=child.reloaded)
                    self._herald.become(child.beat.role)
                if child.rekeyed:
                    self._rekey(child)
                if stop in ready and self._obey(stop, child):
                    leave_by_s = clock.boottime_s() + LEAVE_LIMIT_S
                overslept = clock.boottime_s() - looked_s > 4 * LOOK_S  # we were stopped, not only the worker
                looked_s = clock.boottime_s()
                if (child.stalled(self._patience_s(child)) and not overslept) or looked_s > leave_by_s:
                    log.error("worker stalls: ending it", pid=child.process.pid)
                    child.kill()
                    return

    def _obey(self, stop: socket.socket, child: Child) -> bool:
        """Do what the signals say; whether that is to leave."""
        numbers = stop.recv(16)
        if signal.SIGHUP in numbers:
            self._manager.reloading(time.clock_gettime_ns(time.CLOCK_MONOTONIC))
            child.reload()
        if not LEAVING.isdisjoint(numbers):
            self._leave_soon()
            child.leave()
        return self._leaving

    def _rekey(self, child: Child) -> None:
        """Death notices are sealed as the worker seals."""
        child.rekeyed = False
        try:
            self._notices.rekey(read_keys(self._config.cluster.key_file)[0])
        except KeyFileError as error:
            log.error("death notices keep the old key", error=str(error))

    def _leave_soon(self) -> None:
        self._leaving = True
        self._manager.stopping()

    def _patience_s(self, child: Child) -> float:
        """How long a worker may be silent: beside a standby, no longer than its lease lasts anyway."""
        if child.beat is None:
            return FIRST_BEAT_LIMIT_S
        return self._config.cluster.heartbeat.lease_s if child.beat.standby else LONE_STALL_LIMIT_S

    def _bury(self, child: Child) -> int:
        """Silence the node first, tell the peer second, clean up third."""
        if self._gate is not None:
            self._gate.close_fence()
        child.listen()
        if child.beat is not None:
            self._notices.send(child.beat)
        code = child.reap(DYING_LIMIT_S)
        self._clear()
        died = code not in (exits.DONE, exits.STOOD_DOWN, exits.BAD_HOST)
        if died:
            log.error("worker died", pid=child.process.pid, code=code)
        else:
            log.info("worker ended", pid=child.process.pid, code=code)
        if not self._leaving:
            self._tell_of_end(died=died)
        return code

    def _tell_of_end(self, *, died: bool) -> None:
        self._manager.ended(died=died)
        if died:
            self._herald.fail()

    def _clear(self) -> None:
        """Remove what a worker may have left: addresses, sockets, the gate's entries."""
        self._addresses.remove()
        if self._hitless:
            with suppress(KernelError):
                orphans.destroy(map(str, self._config.virtual_hosts))

    def _detach(self, gate: Gate) -> None:
        """What still waits for the network to come back would pass where there is no gate."""
        for interface in self._config.interfaces:
            with suppress(KernelError):
                neighbours.drop_waiting(interface)
        gate.detach()

    def _wait_before_restart(self, child: Child, stop: socket.socket) -> None:
        steady = clock.boottime_s() - child.started_s > STEADY_AFTER_S
        self._pause_s = RESTART_PAUSE_S if steady else min(2 * self._pause_s, RESTART_PAUSE_MAX_S)
        stop.settimeout(self._pause_s)
        with suppress(TimeoutError, BlockingIOError):
            if not LEAVING.isdisjoint(stop.recv(16)):  # the next worker reads everything anew anyhow
                self._leave_soon()


def _take_priority() -> None:
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))


def _lock(path: Path) -> int:
    """Hold the node's lock, which the worker inherits: one guard and one worker of a name on a host."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    give_up_s = clock.boottime_s() + LOCK_LIMIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.boottime_s() < give_up_s:
                time.sleep(0.05)
                continue
            raise StartupError(
                f"{path} is locked: this node is running already",
                f"stop it first; its processes are in {path.with_suffix('.pids')}",
            ) from None
        return descriptor
