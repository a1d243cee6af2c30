"""A child process of the lab that reports in JSON lines on its standard output.

A line with `"final": true` is its summary; any other is progress. What it writes to standard error goes to a
log file. Children get a session of their own, so that Ctrl-C reaches only the lab, which ends them in good order.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from node.precedence import SERVING, set_niceness
from scripts.lab import namespaces
from scripts.lab.namespaces import LabError

REPOSITORY = Path(__file__).resolve().parents[2]
_PROGRESS_KEPT = 10_000


def spawn(
    namespace: str | None,
    log: Path,
    *arguments: str,
    pipe: bool = False,
    environment: Mapping[str, str] = MappingProxyType({}),
    home: Path = REPOSITORY,
) -> subprocess.Popen[str]:
    """Start a command in a namespace, writing to `log` (appended). Its Python packages are those of `home`."""
    with log.open("ab") as sink:
        return subprocess.Popen(
            namespaces.command(namespace, *arguments),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipe else sink,
            stderr=sink,
            text=True,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(home), **environment},
        )


class Program:
    """A running module of the lab, its progress so far, and in the end its summary."""

    def __init__(self, name: str, namespace: str | None, log: Path, module: str, *arguments: str) -> None:
        self.name = name
        self.log = log
        self.progress: deque[dict[str, Any]] = deque(maxlen=_PROGRESS_KEPT)
        self.summary: dict[str, Any] | None = None
        self._process = spawn(namespace, log, sys.executable, "-m", module, *arguments, pipe=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def latest(self) -> dict[str, Any]:
        """The last progress line, or nothing yet."""
        return self.progress[-1] if self.progress else {}

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_for_progress(self, timeout_s: float = 15.0) -> dict[str, Any]:
        """Wait for the first line: the program is up. Raises LabError when it ends or stays silent."""
        deadline = time.monotonic() + timeout_s
        while not self.progress:
            if not self.running or time.monotonic() > deadline:
                raise LabError(f"{self.name} did not come up; its words:\n{self._last_words()}")
            time.sleep(0.02)
        return self.progress[0]

    def wait_until(self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait for a progress line that is as `wanted`. Raises LabError when the program ends or time is up."""
        deadline = time.monotonic() + timeout_s
        while not wanted(self.latest):
            if not self.running or time.monotonic() > deadline:
                raise LabError(f"{self.name} came only to {self.latest}; its words:\n{self._last_words()}")
            time.sleep(0.05)
        return self.latest

    def prefer(self) -> None:
        """Let it come before whatever else runs on this machine: it stands for a peer with a machine of its own."""
        set_niceness(self._process.pid, SERVING)

    def finish(self, timeout_s: float = 15.0) -> dict[str, Any]:
        """Wait for the program's own end and return its summary. Raises LabError when there is none."""
        self._await_end(timeout_s)
        if self.summary is None:
            raise LabError(f"{self.name} left no summary; its words:\n{self._last_words()}")
        return self.summary

    def stop(self, timeout_s: float = 15.0) -> dict[str, Any]:
        """Ask the program to end (SIGTERM) and return its summary."""
        self._process.send_signal(signal.SIGTERM)
        return self.finish(timeout_s)

    def kill(self) -> None:
        """End the program at once, whatever it is doing."""
        if self.running:
            self._process.kill()
        self._await_end(5.0)

    def _await_end(self, timeout_s: float) -> None:
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record.pop("final", False):
                self.summary = record
            else:
                self.progress.append(record)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:]) if self.log.exists() else ""


def report(**fields: Any) -> None:
    """What a program of the lab says: one JSON line of progress."""
    print(json.dumps(fields), flush=True)


def conclude(**fields: Any) -> None:
    """A program's last line: its summary."""
    print(json.dumps({"final": True} | fields), flush=True)
