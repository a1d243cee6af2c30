"""Where a lab keeps its files, and what it writes there: two nodes' YAML and the cluster key."""

import base64
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ruamel.yaml import YAML

from scripts.lab import topology

NODE_NAMES: Final = ("a", "b")
ICCP_PORT: Final = 102
LOAD_PORT: Final = 1102
PAGE_ADDRESS: Final = "127.0.0.1:7420"
_REPLICATION_PORT: Final = 7410
_STANDBY_LOSS_MS: Final = 1000  # longer with slow heartbeats: a stream that has to move to another link must have time
_PRIORITIES: Final = {"a": 200, "b": 100}


@dataclass(frozen=True)
class Timing:
    """How soon a dead node is noticed. The lease must end before the other node may take over."""

    interval_ms: int = 50
    lost_threshold: int = 4
    lease_ms: int = 150

    @property
    def lost_ms(self) -> int:
        """Silence after which the passive node takes over."""
        return self.interval_ms * self.lost_threshold


RELAXED = Timing(interval_ms=100, lost_threshold=5, lease_ms=350)
"""Slower than the default, so that a machine busy with other things does not look like a dead node."""


@dataclass(frozen=True)
class Layout:
    """A lab's directory and what is in it."""

    root: Path
    timing: Timing = field(default_factory=Timing)

    def config(self, name: str) -> Path:
        return self.root / f"{name}.yaml"

    def state(self, name: str) -> Path:
        return self.root / f"state-{name}"

    def log(self, name: str) -> Path:
        return self.root / f"{name}.log"

    def socket(self, name: str) -> Path:
        return self.root / "run" / f"{name}.sock"

    def pids(self, name: str) -> Path:
        return self.root / "run" / f"{name}.pids"

    def events(self, name: str, form: str) -> Path:
        """A node's events in one of the formats."""
        return self.root / f"{name}.{form}"

    @property
    def policy(self) -> Path:
        return self.root / "policy.yaml"

    @property
    def token(self) -> Path:
        return self.root / "page.token"

    @property
    def signatures(self) -> Path:
        return self.root / "signatures.yaml"

    def create(self, site: "Site") -> None:
        """Make the directory anew, with the key, a configuration for each node, and what both are to go by."""
        self.remove()
        (self.root / "run").mkdir(parents=True, mode=0o700)
        write_key(self.root / "cluster.key")
        if site.watched:
            write_token(self.token)
        for path, text in ((self.policy, site.policy), (self.signatures, site.signatures)):
            if text is not None:
                path.write_text(text)
        for name in NODE_NAMES:
            self.state(name).mkdir(mode=0o700)
            with self.config(name).open("w") as file:
                YAML().dump(self._node(name, site), file)

    def remove(self) -> None:
        """Remove the directory, if it is there."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _node(self, name: str, site: "Site") -> dict[str, Any]:
        config: dict[str, Any] = {
            "node": {
                "name": name,
                "priority": _PRIORITIES[name],
                "state_dir": str(self.state(name)),
                "run_dir": str(self.root / "run"),
            },
            "cluster": {
                "group": "lab",
                "key_file": str(self.root / "cluster.key"),
                "takeover": site.takeover,
                "heartbeat": {
                    "interval_ms": self.timing.interval_ms,
                    "lost_threshold": self.timing.lost_threshold,
                    "lease_ms": self.timing.lease_ms,
                },
                "standby_loss": {"after_ms": max(_STANDBY_LOSS_MS, 5 * self.timing.lost_ms)},
                **site.cluster,
            },
            "links": site.links(name),
            "virtual_addresses": [dict(each) for each in site.virtual_addresses],
            "services": [dict(each) for each in site.services],
            **site.sections,
        }
        if site.written_events:
            files = {form: {"file": str(self.events(name, form))} for form in ("eve", "fortios")}
            config["events"] = files
        if site.gateways:
            config["gateways"] = [dict(each) for each in site.gateways]
        if site.watched:
            config["admin"] = {"listen": PAGE_ADDRESS, "token_file": str(self.token)}
        if site.policy is not None:
            config["policy_file"] = str(self.policy)
        if site.signatures is not None:
            config["signature_files"] = [str(self.signatures)]
        return config


class Site:
    """The addresses of the lab in network namespaces: the hitless pair."""

    takeover = "hitless"
    watched = False
    written_events = True
    """Whether each node writes its events to files; release 0.1.0 does not know how."""
    policy: str | None = None
    signatures: str | None = None
    cluster: Mapping[str, Any] = MappingProxyType({})
    """Keys of the cluster's section beside the usual ones."""
    sections: Mapping[str, Any] = MappingProxyType({})
    """Sections beside the usual ones."""
    link_networks: tuple[tuple[str, str, int], ...] = (("hb0", "hb", 100), ("data", "client", 50))
    """Each link's name, its network, its priority."""
    gateways: tuple[Mapping[str, Any], ...] = ()
    client_virtual = topology.CLIENT_VIRTUAL
    iccp_port = ICCP_PORT
    virtual_addresses: tuple[dict[str, str], ...] = (
        {"address": f"{topology.CLIENT_VIRTUAL}/24", "interface": "eth-client"},
        {"address": f"{topology.SERVER_VIRTUAL}/24", "interface": "eth-server"},
    )
    services: tuple[dict[str, Any], ...] = tuple(
        {
            "name": name,
            "listen": f"{topology.CLIENT_VIRTUAL}:{port}",
            "server": f"{topology.SERVER_ADDRESS}:{port}",
            "source": topology.SERVER_VIRTUAL,
        }
        for name, port in (("iccp", ICCP_PORT), ("load", LOAD_PORT))
    )

    def links(self, name: str) -> list[dict[str, Any]]:
        """One for each of `link_networks`."""
        other = next(each for each in NODE_NAMES if each != name)
        return [
            {
                "name": link,
                "priority": priority,
                "local": f"{_host_address(name, network)}:{_REPLICATION_PORT}",
                "peer": f"{_host_address(other, network)}:{_REPLICATION_PORT}",
            }
            for link, network, priority in self.link_networks
        ]


class SturdySite(Site):
    """The same pair with a third link, so that both data networks carry heartbeats."""

    link_networks = (*Site.link_networks, ("server", "server", 40))

    def __init__(self, **cluster: Any) -> None:
        """`cluster`: keys of the cluster's section beside the usual ones."""
        self.cluster = cluster


class PolicedSite(Site):
    """The same pair with a policy file, and a service more for each policy beyond the second."""

    def __init__(self, policy: str, services: Sequence[int] = (1, 1), signatures: str | None = None) -> None:
        """`policy` and `signatures` are YAML; `services` the policies of the services at ports 102, 1102 and so on."""
        self.policy = policy
        self.signatures = signatures
        names = ("iccp", "load", *(f"policy-{number}" for number in services[2:]))
        self.services = tuple(
            {
                "name": name,
                "listen": f"{topology.CLIENT_VIRTUAL}:{ICCP_PORT + 1000 * place}",
                "server": f"{topology.SERVER_ADDRESS}:{ICCP_PORT + 1000 * place}",
                "source": topology.SERVER_VIRTUAL,
                "policy": number,
            }
            for place, (name, number) in enumerate(zip(names, services, strict=False))
        )


class WatchedSite(Site):
    """The same pair, each node with its page at PAGE_ADDRESS in its own namespace."""

    watched = True


class LoopbackSite(Site):
    """The addresses of a pair on the loopback interface, for those who are not root."""

    takeover = "reconnect"
    client_virtual = "127.10.100.1"
    server_address = "127.16.200.177"
    iccp_port = 10102
    virtual_addresses = (
        {"address": "127.10.100.1/8", "interface": "lo"},
        {"address": "127.16.200.4/8", "interface": "lo"},
    )
    services = (
        {
            "name": "iccp",
            "listen": "127.10.100.1:10102",
            "server": "127.16.200.177:10102",
            "source": "127.16.200.4",
        },
    )

    def links(self, name: str) -> list[dict[str, Any]]:
        """Two links, as a real pair has them; here both are the same loopback."""
        ends = {"a": 1, "b": 2}
        other = next(each for each in NODE_NAMES if each != name)
        return [
            {
                "name": link,
                "priority": priority,
                "local": f"127.78.{net}.{ends[name]}:{_REPLICATION_PORT}",
                "peer": f"127.78.{net}.{ends[other]}:{_REPLICATION_PORT}",
            }
            for link, net, priority in (("hb0", 0, 100), ("data", 1, 50))
        ]


def write_key(path: Path) -> None:
    """A fresh cluster key, readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"tandem-key-v1 {base64.b64encode(os.urandom(32)).decode()}\n")


def write_token(path: Path) -> None:
    """A fresh token for the page, readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{base64.urlsafe_b64encode(os.urandom(32)).decode()}\n")


def _host_address(name: str, network: str) -> str:
    return topology.plug(name, network).address.split("/", maxsplit=1)[0]
