"""Tells others what the node has become, in keepalived's format: a line to a FIFO, a script called with the same words.

    INSTANCE "grid-east" MASTER 200         the line
    SCRIPT INSTANCE grid-east MASTER 200    the call

The words are MASTER, BACKUP, FAULT (its worker died, or it may not serve) and STOP.

The guard tells, since it outlives the worker. Nothing here blocks it: the FIFO takes a line or loses it, and the script
runs from a thread, one call at a time, ended when it takes too long. It runs without the node's capabilities.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import subprocess
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

from node import log as logging
from node.config import Config
from node.errors import StartupError

STATES = {"active": "MASTER", "fault": "FAULT"}
"""What roles are called; of all others BACKUP."""
CALLS_MAX = 64
"""Calls that wait for the script; the oldest are lost first."""
LAST_CALL_S = 2.0
FIFO_MODE = 0o640
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4  # linux/prctl.h

log = logging.get("herald")


class Herald:
    """Raises StartupError when the FIFO cannot be made."""

    def __init__(self, config: Config) -> None:
        self._settings = config.notify
        self._instance = config.cluster.group
        self._priority = config.node.priority
        self._state = ""
        self._fifo = None if self._settings.fifo is None else _open(self._settings.fifo)
        self._calls: deque[str] = deque(maxlen=CALLS_MAX)
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def become(self, role: str) -> None:
        """The worker says what it is."""
        self._tell(STATES.get(role, "BACKUP"))

    def fail(self) -> None:
        """The worker died."""
        self._tell("FAULT")

    def stop(self) -> None:
        """The node ends; the script has a moment to hear of it."""
        self._tell("STOP")
        if self._thread is not None:
            self._thread.join(LAST_CALL_S)

    def _tell(self, state: str) -> None:
        if state == self._state:
            return
        self._state = state
        if self._fifo is not None:
            line = f'INSTANCE "{self._instance}" {state} {self._priority}\n'
            with suppress(OSError):  # nobody reads, and it is full
                os.write(self._fifo, line.encode())
        if self._settings.script is not None:
            self._call(state)

    def _call(self, state: str) -> None:
        with self._change:
            self._calls.append(state)
            self._change.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="herald", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        ctypes.CDLL(None).prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)  # of this thread and its children
        state = ""
        while state != "STOP":
            with self._change:
                while not self._calls:
                    self._change.wait()
                state = self._calls.popleft()
            self._run_script(state)

    def _run_script(self, state: str) -> None:
        words = [str(self._settings.script), "INSTANCE", self._instance, state, str(self._priority)]
        try:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            log.error("the notify script cannot be run", state=state, error=str(error))
            return
        try:
            code = process.wait(self._settings.timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
            log.error("the notify script took too long", state=state, timeout_ms=self._settings.timeout_ms)
        if code != 0:
            log.warning("the notify script failed", state=state, code=code)


def _open(path: Path) -> int:
    """Open it for reading too, as keepalived does: then nobody need read yet, and lines wait in the pipe."""
    try:
        with suppress(FileExistsError):
            os.mkfifo(path, FIFO_MODE)
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise StartupError(f"notify.fifo: {path}: {error.strerror}", "see its directory, or name another") from None
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StartupError(f"notify.fifo: {path} is no FIFO", "remove it, or name another")
    return descriptor
