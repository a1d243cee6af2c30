"""A process of a simulated machine: it can be stopped and killed anywhere, also between two system calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.simulation.loop import Loop

if TYPE_CHECKING:
    from tests.simulation.machine import Machine


class Killed(BaseException):
    """Ends the code of a process that has been killed; no handler of the product catches it."""


class Process:
    """Something with a loop and files. `alive` ends once, for ever."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.world = machine.world
        self.alive = True
        self.stopped = False
        self.files: dict[int, Any] = {}
        self.slow_s = 0.0
        """So much longer does a turn of the loop take."""
        self.loop = Loop(self)
        machine.world.processes.append(self)
        self.on_death: Callable[[], None] = lambda: None
        self._fuse = -1
        self._fused: Callable[[], None] = lambda: None

    def run(self, act: Callable[..., Any], *args: Any) -> None:
        """Run code as this process."""
        world = self.world
        before = world.current
        world.current = self
        asyncio._set_running_loop(self.loop)
        try:
            act(*args)
        except Killed:
            assert not self.alive, "only the dead are ended so"
        finally:
            world.current = before
            asyncio._set_running_loop(None if before is None else before.loop)

    def system_call(self) -> None:
        """The process enters its kernel: here it may be found dead, or be stopped or killed."""
        if not self.alive:
            raise Killed
        if self._fuse >= 0:
            self._fuse -= 1
            if self._fuse < 0:
                self._fused()
                if not self.alive:
                    raise Killed

    def in_a_moment(self, calls: int, act: Callable[[], None]) -> None:
        """Have something befall this process so many system calls from now."""
        self._fuse, self._fused = calls, act

    def stop_here(self, for_s: float) -> None:
        """Stopped in the middle of its code; the world goes on."""
        world = self.world
        self.stopped = True
        before, world.current = world.current, None
        asyncio._set_running_loop(None)
        world.run(world.now + for_s)
        world.current = before
        asyncio._set_running_loop(self.loop)
        self._go_on()

    def stop(self, for_s: float) -> None:
        """Stopped between two turns of its loop."""
        if not self.stopped:
            self.stopped = True
            self.world.after(for_s, self._go_on)

    def _go_on(self) -> None:
        self.stopped = False
        if self.alive:
            self.loop.wake()

    def die(self) -> None:
        """No code of it runs any more; the kernel clears up after it."""
        if self.alive:
            self.alive = False
            files, self.files = self.files, {}
            for file in files.values():
                file.abandon()
            self.on_death()
