"""Two hosts beside the pair, each on both of the lab's networks: HAProxy, and a router for the straight way."""

from pathlib import Path
from typing import Final

from scripts.lab.namespaces import inside, run
from scripts.lab.topology import Plug, Topology

HAPROXY: Final = "haproxy"
ROUTER: Final = "router"
HAPROXY_ADDRESS: Final = "10.1.100.20"
_ROUTER_ADDRESSES: Final = {"client": "10.1.100.254", "server": "172.16.200.254"}
_BEHIND: Final = {"client": "172.16.200.0/24", "server": "10.1.100.0/24"}

MORE_HOSTS: Final = (
    Plug(HAPROXY, "client", "eth-client", f"{HAPROXY_ADDRESS}/24"),
    Plug(HAPROXY, "server", "eth-server", "172.16.200.20/24"),
    *(Plug(ROUTER, network, f"eth-{network}", f"{address}/24") for network, address in _ROUTER_ADDRESSES.items()),
)


def route(topology: Topology) -> None:
    """Let the client and the server reach each other through the router."""
    inside(topology.namespace(ROUTER), _forward)
    for host, network in _BEHIND.items():
        run("ip", "-n", topology.namespace(host), "route", "add", network, "via", _ROUTER_ADDRESSES[host])


def _forward() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
