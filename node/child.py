"""The guard's worker process: how it is started, watched and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from node import clock, tether


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is started with, as JSON in its only argument."""

    config: str
    tether: int
    incarnation: int
    hitless: bool
    missing: list[str]
    gate: dict[str, int] | None
    """File descriptors of the gate's maps; None without a gate."""


class Child:
    """One worker."""

    def __init__(self, orders: Orders, lock: int) -> None:
        self.tether, worker_end = tether.pair()
        inherited = (worker_end.fileno(), lock, *(orders.gate or {}).values())
        arguments = json.dumps({**asdict(orders), "tether": worker_end.fileno()})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "node.life", arguments], pass_fds=inherited, start_new_session=True
        )
        worker_end.close()
        self.pidfd = os.pidfd_open(self.process.pid)
        self.started_s = clock.boottime_s()
        self.beat_s = self.started_s
        self.beat: tether.Beat | None = None
        self.rekeyed = False
        """The worker has taken up other keys, and the guard has not yet."""
        self.reloaded = False
        """The reload that the worker was asked for is over."""

    def listen(self) -> bool:
        """Take the beats that have come; False at the tether's end, which a dying process lets go of."""
        while packet := tether.receive(self.tether):
            if packet == tether.KEYS:
                self.rekeyed = True
                continue
            if packet == tether.RELOADED:
                self.reloaded = True
                continue
            self.beat = tether.unpack_beat(packet)
            self.beat_s = clock.boottime_s()
        return packet is None

    def stalled(self, limit_s: float) -> bool:
        """No beat for longer than `limit_s`."""
        return clock.boottime_s() - self.beat_s > limit_s

    def leave(self) -> None:
        """Ask the worker to hand over and exit."""
        tether.send(self.tether, tether.LEAVE)

    def reload(self) -> None:
        """Ask the worker to take up policies, signatures and keys anew."""
        self.reloaded = False
        tether.send(self.tether, tether.RELOAD)

    def kill(self) -> None:
        """End the worker now; returns when it is dead."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def reap(self, limit_s: float) -> int:
        """The dying worker's exit code (negative: the signal that ended it); frees what the guard held of it."""
        try:
            code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self.process.wait()
        self.tether.close()
        os.close(self.pidfd)
        return code


def write_pids(path: Path, worker: int) -> None:
    """Say which processes this node is, for tools that look or kill."""
    fresh = path.with_suffix(".pids.new")
    fresh.write_text(json.dumps({"guard": os.getpid(), "worker": worker}))
    fresh.replace(path)
