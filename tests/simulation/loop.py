"""An event loop of asyncio's kind in virtual time: what the node uses of it, and no more."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.process import Process

TURN_S = 20e-6
EXECUTOR_S = 0.002


class Handle:
    """Something the loop will call, unless it is cancelled."""

    __slots__ = ("args", "callback", "context", "live")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Any = None) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.live = True

    def cancel(self) -> None:
        self.live = False

    def cancelled(self) -> bool:
        return not self.live


class Loop(asyncio.AbstractEventLoop):
    """One turn: ask the files, then call what is ready. Timers and turns are steps of the world."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.world
        self._ready: deque[Handle] = deque()
        self._readers: dict[int, Handle] = {}
        self._writers: dict[int, Handle] = {}
        self._hot: dict[int, None] = {}
        self._turning = False
        self._timers_first = self._world.chance(0.5)
        self._handler: Callable[..., None] | None = None
        self._tasks: list[asyncio.Task[Any]] = []

    # --- turns

    def wake(self) -> None:
        """There is something to do."""
        if not self._turning:
            self._turning = True
            random = self._world.random.random()
            jitter_s = 0.001 * random if random < 0.02 else 0.0
            self._world.after(TURN_S + jitter_s + self._process.slow_s, self._turn)

    def _turn(self) -> None:
        self._turning = False
        process = self._process
        if process.alive and not process.stopped:
            process.run(self._run_ready)

    def _run_ready(self) -> None:
        called = self._ready
        self._ready = deque()
        asked = self._ask_files()
        for handle in (*called, *asked) if self._timers_first else (*asked, *called):
            if handle.live:
                self._call(handle)
        for fd in tuple(self._hot):
            if self._due(fd) is None:
                del self._hot[fd]
        if self._hot or self._ready:
            self.wake()

    def _ask_files(self) -> list[Handle]:
        return [handle for fd in self._hot if (handle := self._due(fd)) is not None]

    def _due(self, fd: int) -> Handle | None:
        file = self._process.files.get(fd)
        if file is None:
            return None
        if fd in self._readers and file.readable():
            return self._readers[fd]
        return self._writers[fd] if fd in self._writers and file.writable() else None

    def _call(self, handle: Handle) -> None:
        try:
            if handle.context is None:
                handle.callback(*handle.args)
            else:
                handle.context.run(handle.callback, *handle.args)
        except Exception as error:
            self.call_exception_handler({"message": "an error that nobody caught", "exception": error})

    # --- files

    def changed(self, fd: int) -> None:
        """A file has become readable or writable, or may have."""
        if fd in self._readers or fd in self._writers:
            self._hot[fd] = None
            self.wake()

    def add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> None:
        self._readers[fd] = Handle(callback, args)
        self.changed(fd)

    def remove_reader(self, fd: int) -> bool:
        handle = self._readers.pop(fd, None)
        if handle is not None:
            handle.cancel()
        return handle is not None

    def add_writer(self, fd: int, callback: Callable[..., Any], *args: Any) -> None:
        self._writers[fd] = Handle(callback, args)
        self.changed(fd)

    def remove_writer(self, fd: int) -> bool:
        handle = self._writers.pop(fd, None)
        if handle is not None:
            handle.cancel()
        return handle is not None

    # --- calls and time

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Handle:
        handle = Handle(callback, args, context)
        self._ready.append(handle)
        self.wake()
        return handle

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Handle:
        handle = Handle(callback, args, context)
        self._world.after(max(delay, 0.0) / self._process.machine.rate, self._due_now, handle)
        return handle

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Handle:
        return self.call_later(when - self.time(), callback, *args, context=context)

    def time(self) -> float:
        return self._process.machine.clock_s()

    def _due_now(self, handle: Handle) -> None:
        if handle.live and self._process.alive:
            self._ready.append(handle)
            self.wake()

    # --- futures and tasks

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: Any = None, context: Any = None
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name="task", context=context or contextvars.Context())
        self._tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()
        self._world.after(EXECUTOR_S * self._world.random.random(), self._execute, future, func, args)
        return future

    def _execute(self, future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if self._process.alive:
            self._process.run(self._execute_now, future, func, args)

    def _execute_now(self, future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            result = func(*args)
        except Exception as error:
            if not future.cancelled():
                future.set_exception(error)
            return
        if not future.cancelled():
            future.set_result(result)

    # --- sockets

    async def sock_connect(self, sock: Any, address: tuple[str, int]) -> None:
        connected = self.create_future()
        sock.connect_to(address, connected)
        await connected

    async def create_datagram_endpoint(self, factory: Callable[[], Any], *, sock: Any, **_: Any) -> tuple[Any, Any]:
        protocol = factory()
        sock.deliver_to(protocol)
        self.add_reader(sock.fileno(), sock.deliver)
        protocol.connection_made(sock)
        return sock, protocol

    async def create_connection(
        self, factory: Callable[[], Any], host: str, port: int, *, local_addr: Any = None, **_: Any
    ) -> tuple[Any, Any]:
        connected = self.create_future()
        self._process.machine.network.streams.connect(self._process, (host, port), factory, connected)
        return await connected

    async def create_server(self, factory: Callable[[], Any], host: str, port: int, **_: Any) -> Any:
        return self._process.machine.network.streams.listen(self._process, (host, port), factory)

    # --- errors

    def set_exception_handler(self, handler: Any) -> None:
        self._handler = handler

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self._process.alive and self._handler is not None:
            self._handler(self, context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    # --- the end

    def dispose(self) -> None:
        """Let go of what will never be finished, without a word."""
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _close(task)
            elif not task.cancelled():
                task.exception()
        self._tasks.clear()
        self._ready.clear()


def _close(task: asyncio.Task[Any]) -> None:
    try:
        task.get_coro().close()  # type: ignore[union-attr]
    except BaseException:
        return
