"""The witness of the lab: Debian's etcd on a network of its own, one member or three, each of which can be killed.

    Lab(site=WitnessedSite(), more_hosts=etcd.PLUGS)        and, in it,
    with Etcd(lab.topology, lab.layout) as witness: ...

The cables are called `a-witness`, `b-witness` and `witness-witness`, to be unplugged at the switch.
"""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Final

from scripts.lab.layout import Layout, Site, SturdySite
from scripts.lab.namespaces import LabError, inside
from scripts.lab.programs import spawn
from scripts.lab.topology import Plug, Topology

HOST: Final = "witness"
ADDRESS: Final = "10.79.0.10"
PLUGS: Final = (
    Plug(HOST, HOST, "eth0", f"{ADDRESS}/24"),
    Plug("a", HOST, "witness0", "10.79.0.1/24"),
    Plug("b", HOST, "witness0", "10.79.0.2/24"),
)
LEASE_MS: Final = 1000
_PORTS: Final = (2379, 2479, 2579)
_UP_TIMEOUT_S: Final = 30.0
_LOOK_S: Final = 0.05


def endpoints(members: int = 1) -> list[str]:
    """The members' URLs, as the nodes' configuration wants them."""
    return [f"http://{ADDRESS}:{port}" for port in _PORTS[:members]]


def section(members: int = 1, lease_ms: int = LEASE_MS) -> dict[str, Any]:
    """A node's section `witness`."""
    return {"endpoints": endpoints(members), "lease_ms": lease_ms}


class WitnessedSite(Site):
    """The usual pair with a witness."""

    def __init__(self, members: int = 1, lease_ms: int = LEASE_MS) -> None:
        self.sections = {"witness": section(members, lease_ms)}


class WitnessedSturdySite(SturdySite):
    """The pair with three links, and a witness."""

    sections: Mapping[str, Any] = MappingProxyType({"witness": section()})


class Etcd:
    """A cluster of one or three members in the witness's namespace."""

    def __init__(self, topology: Topology, layout: Layout, members: int = 1) -> None:
        self._namespace = topology.namespace(HOST)
        self._layout = layout
        self._members = members
        self._processes: dict[int, subprocess.Popen[str]] = {}

    def __enter__(self) -> "Etcd":
        for member in range(self._members):
            self.start(member)
        self.wait_up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in list(self._processes):
            self.kill(member)

    def start(self, member: int = 0) -> None:
        """Start a member, with the data it had."""
        port = _PORTS[member]
        peers = {f"m{each}": f"http://{ADDRESS}:{_PORTS[each] + 1}" for each in range(self._members)}
        client, name = f"http://{ADDRESS}:{port}", f"m{member}"
        self._processes[member] = spawn(
            self._namespace, self._layout.log(f"etcd-{member}"), _program(),
            "--name", name, "--data-dir", str(self._layout.root / f"etcd-{member}"),
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peers[name], "--initial-advertise-peer-urls", peers[name],
            "--initial-cluster", ",".join(f"{each}={url}" for each, url in peers.items()),
            "--initial-cluster-state", "new", "--logger", "zap", "--log-level", "warn",
        )  # fmt: skip

    def kill(self, member: int = 0) -> None:
        """`kill -9` of a member."""
        process = self._processes.pop(member)
        process.kill()
        process.wait()

    def wait_up(self) -> None:
        """Wait until a member answers a linearizable read. Raises LabError when none does."""
        deadline = time.monotonic() + _UP_TIMEOUT_S
        while time.monotonic() < deadline:
            for url in endpoints(self._members):
                if inside(self._namespace, lambda url=url: _answers(url)):  # type: ignore[misc]
                    return
            time.sleep(_LOOK_S)
        raise LabError(f"etcd does not come up: {self._layout.log('etcd-0').read_text()[-1000:]}")


def _program() -> str:
    found = shutil.which("etcd")
    if found is None:
        raise LabError("etcd is not installed: apt install etcd-server")
    return found


def _answers(url: str) -> bool:
    request = urllib.request.Request(f"{url}/v3/kv/range", json.dumps({"key": "AA=="}).encode())
    try:
        with urllib.request.urlopen(request, timeout=1.0) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
