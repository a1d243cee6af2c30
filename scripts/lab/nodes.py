"""A node of the lab (a guard and its worker), and the pair."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scripts.lab import admin, namespaces
from scripts.lab.admin import AdminError
from scripts.lab.clocks import Clocks
from scripts.lab.disks import SmallDisk
from scripts.lab.etcd import Etcd
from scripts.lab.layout import Layout
from scripts.lab.namespaces import LabError
from scripts.lab.programs import REPOSITORY, spawn

_POLL_S = 0.02
_READY_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Pids:
    """The processes of a node."""

    guard: int
    worker: int


class Node:
    """One node, started as `tandem run` in its namespace (or where we are, when that is None)."""

    def __init__(self, name: str, namespace: str | None, layout: Layout) -> None:
        self.name = name
        self.namespace = namespace
        self.layout = layout
        self.clocks: Clocks | None = None
        self.disk: SmallDisk | None = None
        self.home = REPOSITORY
        """Where its program lies: another release may be unpacked elsewhere."""
        self.witness: Etcd | None = None
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the guard, which starts the worker. Returns at once."""
        told, environment = ((), {}) if self.clocks is None else (self.clocks.command(), self.clocks.environment())
        arguments = (*told, sys.executable, "-m", "node.cli", "run", str(self.layout.config(self.name)))
        self._process = spawn(
            self.namespace, self.layout.log(self.name), *arguments, environment=environment, home=self.home
        )

    @property
    def running(self) -> bool:
        """Whether the guard that we started is alive."""
        return self._process is not None and self._process.poll() is None

    def pids(self) -> Pids:
        """Guard and worker as the node itself wrote them down. Raises LabError when it has not."""
        try:
            written = json.loads(self.layout.pids(self.name).read_text())
            return Pids(int(written["guard"]), int(written["worker"]))
        except (OSError, ValueError, KeyError) as error:
            raise LabError(f"node {self.name} has no process ids written down: {error}") from error

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to guard and worker."""
        pids = self.pids()
        for pid in (pids.guard, pids.worker):
            namespaces.kill(pid, number)

    def kill(self) -> None:
        """`kill -9` of both, as in one instant: the guard is held first, so that neither acts on the other's death."""
        pids = self.pids()
        namespaces.kill(pids.guard, signal.SIGSTOP)
        for pid in (pids.worker, pids.guard):
            namespaces.kill(pid, signal.SIGKILL)

    def stop(self, patience_s: float = 5.0) -> None:
        """End the node in good order, or else by force."""
        if self._process is None:
            return
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                with suppress(LabError):
                    self.kill()
        self._process.kill()
        self._process.wait()
        self._process = None

    def reap(self) -> None:
        """Collect a guard that was killed, so that `start` can be called again."""
        if self._process is not None:
            self._process.wait(_READY_TIMEOUT_S)
            self._process = None

    def ask(self, resource: str, method: str = "GET", timeout_s: float = 2.0) -> Any:
        """What the admin socket answers. Raises AdminError."""
        return admin.call(self.layout.socket(self.name), resource, method, timeout_s)

    def status(self) -> dict[str, Any]:
        """`/status`, or nothing while the node does not answer."""
        try:
            answer: dict[str, Any] = self.ask("/status", timeout_s=0.5)
        except AdminError:
            return {}
        return answer

    def wait(self, what: str, wanted: Callable[[dict[str, Any]], bool], timeout_s: float) -> dict[str, Any]:
        """Poll the status until it is as `wanted`. Raises LabError, quoting the node, when it never is."""
        deadline = time.monotonic() + timeout_s
        status: dict[str, Any] = {}
        while time.monotonic() < deadline:
            status = self.status()
            if status and wanted(status):
                return status
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(_POLL_S)
        raise LabError(f"node {self.name} is not {what}: status {status}\n{self._last_words()}")

    def _last_words(self) -> str:
        log = self.layout.log(self.name)
        return "\n".join(log.read_text(errors="replace").splitlines()[-12:]) if log.exists() else ""


class Pair:
    """Both nodes, and which of them is which at the moment."""

    def __init__(self, nodes: tuple[Node, Node]) -> None:
        self.nodes = nodes

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def other(self, node: Node) -> Node:
        return next(each for each in self.nodes if each is not node)

    def start(self) -> None:
        """Start both, the first one first, so that it becomes the primary."""
        for node in self.nodes:
            node.start()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def active(self) -> Node:
        """The node that is active now. Raises LabError when none or both say so."""
        found = [node for node in self.nodes if node.status().get("role") == "active"]
        if len(found) != 1:
            raise LabError(f"active nodes: {[node.name for node in found] or 'none'}")
        return found[0]

    def wait_ready(self, timeout_s: float = _READY_TIMEOUT_S) -> tuple[Node, Node]:
        """Wait until one node is active and the other passive and in sync; returns (active, passive)."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            seen = [(node, node.status()) for node in self.nodes]
            active = next((node for node, status in seen if status.get("role") == "active"), None)
            passive = next((node for node, status in seen if in_sync(status)), None)
            if active is not None and passive is not None:
                return active, passive
            time.sleep(_POLL_S)
        raise LabError(f"no pair: {[(node.name, node.status(), node._last_words()) for node in self.nodes]}")

    def wait_active(self, node: Node, timeout_s: float = 10.0) -> dict[str, Any]:
        """Wait until `node` is active with its takeover done; returns its status."""
        return node.wait("active", has_taken_over, timeout_s)


def in_sync(status: dict[str, Any]) -> bool:
    """A passive node that could take over now."""
    return status.get("role") == "passive" and status.get("sync") == "in-sync"


def has_taken_over(status: dict[str, Any]) -> bool:
    """An active node whose takeover is complete."""
    taken = status.get("last_takeover") or {}
    return status.get("role") == "active" and bool(taken.get("announced_ns"))
