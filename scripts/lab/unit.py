"""A service manager in small: runs a command as its systemd unit says, and does what systemd does about it.

It knows the keys that the node's unit has: who runs it, with which capabilities, limits and system calls, which
directories it may write, when it is ready, when its watchdog must have been fed, when it starts again.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from scripts.lab import namespaces
from scripts.lab.hosts import Host
from scripts.lab.namespaces import LabError, run

ANNOUNCED_S: Final = 4.0
"""The watchdog's time as the service is told it, so that it feeds often enough for whoever tests that it does."""
_LOOK_S: Final = 0.05
_CAPABILITIES: Final = {
    "CAP_NET_BIND_SERVICE": 10,
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_SYS_NICE": 23,
    "CAP_PERFMON": 38,
    "CAP_BPF": 39,
}
_DIRECTORIES: Final = {"RuntimeDirectory": "/run", "StateDirectory": "/var/lib", "LogsDirectory": "/var/log"}
_MESSAGES_MAX: Final = 10_000


class Unit:
    """A unit file's [Service]."""

    def __init__(self, path: Path) -> None:
        lines = [line.split("=", 1) for line in path.read_text().splitlines() if re.match(r"\w+=", line)]
        self._values = [(key, value) for key, value in lines]

    def all(self, key: str) -> list[str]:
        return [value for name, value in self._values if name == key]

    def get(self, key: str) -> str:
        return self.all(key)[-1]

    @property
    def command(self) -> list[str]:
        return shlex.split(self.get("ExecStart"))

    @property
    def directories(self) -> dict[str, int]:
        """The directories that the manager makes for it, and their modes."""
        return {f"{parent}/{self.get(key)}": int(self.get(f"{key}Mode"), 8) for key, parent in _DIRECTORIES.items()}

    def rules(self, uid: int, gid: int) -> dict[str, Any]:
        """What confine.py is to do."""
        assert self.get("AmbientCapabilities") == self.get("CapabilityBoundingSet"), "confine.py knows one set"
        return {
            "uid": uid,
            "gid": gid,
            "umask": int(self.get("UMask"), 8),
            "capabilities": [_CAPABILITIES[name] for name in self.get("AmbientCapabilities").split()],
            "limits": {
                "MEMLOCK": -1 if self.get("LimitMEMLOCK") == "infinity" else int(self.get("LimitMEMLOCK")),
                "NOFILE": int(self.get("LimitNOFILE")),
            },
            "families": [int(getattr(socket, name)) for name in self.get("RestrictAddressFamilies").split()],
            "syscalls": sorted(_system_calls(self.all("SystemCallFilter"))),
        }


def _system_calls(filters: list[str]) -> set[str]:
    """The allow list that several SystemCallFilter= lines make, each adding or (with ~) taking away."""
    allowed = _expanded("@default")
    for line in filters:
        names = set().union(*(_expanded(word) for word in line.removeprefix("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def _expanded(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    words = [line.strip() for line in run("systemd-analyze", "syscall-filter", word).splitlines()[1:]]
    return set().union(*(_expanded(each) for each in words if each and not each.startswith("#")))


class Service:
    """A running unit on a host: started, heard, and started again when it ends or its watchdog is not fed."""

    def __init__(self, host: Host, log: Path) -> None:
        self.unit = Unit(host.path("/usr/lib/systemd/system/tandem.service"))
        self.watchdog_s = float(self.unit.get("WatchdogSec"))
        """How long it waits to be fed; a test may lose patience sooner."""
        self.messages: deque[tuple[float, dict[str, str]]] = deque(maxlen=_MESSAGES_MAX)
        self.ends: list[str] = []
        """How each life of it ended."""
        self.ready = threading.Event()
        self._host = host
        self._log = log
        self._uid, self._gid = (int(host.run(f"id {option} {self.unit.get('User')}")) for option in ("-u", "-g"))
        self._process: subprocess.Popen[bytes] | None = None
        self._leaving = False
        self._thread = threading.Thread(target=self._manage, daemon=True)

    def start(self) -> None:
        """Start it; returns at once."""
        for directory, mode in self.unit.directories.items():
            self._host.path(directory).mkdir(parents=True, exist_ok=True)
            self._host.path(directory).chmod(mode)
            os.chown(self._host.path(directory), self._uid, self._gid)
        self._host.path("/run/rules.json").write_text(json.dumps(self.unit.rules(self._uid, self._gid)))
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(self._host.path("/run/notify")))
        self._host.path("/run/notify").chmod(0o666)
        self._ear.settimeout(_LOOK_S)
        self._launch()
        self._thread.start()

    def stop(self, patience_s: float = 10.0) -> None:
        """SIGTERM, and if that does not help SIGKILL."""
        self._leaving = True
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                namespaces.end_processes(self._host.namespace)
        self._thread.join(patience_s)
        self._ear.close()

    @property
    def status(self) -> str:
        """Its last STATUS=."""
        return next((message["STATUS"] for _, message in reversed(self.messages) if "STATUS" in message), "")

    def count(self, key: str) -> int:
        """How often it has said `key`."""
        return sum(key in message for _, message in list(self.messages))

    def _launch(self) -> None:
        self._fed_s = float("inf")  # the watchdog counts from READY=1
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "NOTIFY_SOCKET": "/run/notify",
            "WATCHDOG_USEC": str(round(ANNOUNCED_S * 1e6)),
        }
        writable = [*self.unit.directories, *self.unit.all("ReadWritePaths")]
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(
                self._host.confined(writable, *self.unit.command),
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )

    def _manage(self) -> None:
        while True:
            self._hear()
            assert self._process is not None, "start() comes first"
            if time.monotonic() - self._fed_s > self.watchdog_s:
                self.ends.append("watchdog")
                for number in (signal.SIGABRT, signal.SIGCONT):
                    self._process.send_signal(number)
                self._fed_s = float("inf")
            code = self._process.poll()
            if code is None:
                continue
            self.ready.clear()
            self.ends.append(str(code))
            if self._leaving or str(code) in self.unit.get("RestartPreventExitStatus").split():
                return
            self._let_the_rest_end()
            time.sleep(float(self.unit.get("RestartSec")))
            self._launch()

    def _hear(self) -> None:
        with suppress(TimeoutError):
            lines = self._ear.recv(4096).decode().splitlines()
            message = dict(line.split("=", 1) for line in lines)
            self.messages.append((time.monotonic(), message))
            if "WATCHDOG" in message or "READY" in message:
                self._fed_s = time.monotonic()
            if "READY" in message:
                self.ready.set()

    def _let_the_rest_end(self, patience_s: float = 3.0) -> None:
        """What is left of it, a worker, may end by itself; then it is made to."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and namespaces.processes(self._host.namespace):
            time.sleep(_LOOK_S)
        namespaces.end_processes(self._host.namespace)


def wait_until(what: str, wanted: Any, timeout_s: float = 90.0) -> None:
    """Wait for a condition. Raises LabError."""
    deadline = time.monotonic() + timeout_s
    while not wanted():
        if time.monotonic() > deadline:
            raise LabError(f"never {what}")
        time.sleep(_LOOK_S)
