"""The lab's network: five namespaces, a client network, a server network, and a heartbeat cable.

    client 10.1.100.10 ──┐                      ┌── server 172.16.200.177
                         │     ┌── node a ──┐   │
              client network ──┤     hb     ├── server network
                               └── node b ──┘

All cables meet in a namespace `switch`, one bridge a network, so that any of them can be unplugged there:
the port of host `a` on the network `client` is called `a-client`.
"""

import fcntl
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.lab import namespaces
from scripts.lab.namespaces import inside, run

CLIENT_ADDRESS: Final = "10.1.100.10"
SERVER_ADDRESS: Final = "172.16.200.177"
CLIENT_VIRTUAL: Final = "10.1.100.1"
SERVER_VIRTUAL: Final = "172.16.200.4"
VIRTUAL_ADDRESSES: Final = (CLIENT_VIRTUAL, SERVER_VIRTUAL)
NETWORKS: Final = ("client", "server", "hb")

_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1

_SYSCTLS: Final = {
    "ipv6/conf/all/disable_ipv6": "1",  # no router solicitations in the captures
    "ipv6/conf/default/disable_ipv6": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/conf/all/arp_ignore": "1",  # an address is answered for on its own network only
    "ipv4/conf/all/arp_announce": "2",
}


@dataclass(frozen=True)
class Plug:
    """One host's interface on one network."""

    host: str
    network: str
    interface: str
    address: str  # with prefix length

    @property
    def port(self) -> str:
        """The name of the switch's end of the cable."""
        return f"{self.host}-{self.network}"

    @property
    def mac(self) -> str:
        """A hardware address that shows the network address, so that captures read well."""
        octets = self.address.split("/", maxsplit=1)[0].split(".")
        return "02:00:" + ":".join(f"{int(octet):02x}" for octet in octets)


PLUGS: Final = (
    Plug("client", "client", "eth0", f"{CLIENT_ADDRESS}/24"),
    Plug("a", "client", "eth-client", "10.1.100.2/24"),
    Plug("b", "client", "eth-client", "10.1.100.3/24"),
    Plug("server", "server", "eth0", f"{SERVER_ADDRESS}/24"),
    Plug("a", "server", "eth-server", "172.16.200.2/24"),
    Plug("b", "server", "eth-server", "172.16.200.3/24"),
    Plug("a", "hb", "hb0", "10.78.0.1/24"),
    Plug("b", "hb", "hb0", "10.78.0.2/24"),
)
_NAMESPACES: Final = {
    "client": "client",
    "a": "node-a",
    "b": "node-b",
    "server": "server",
    "switch": "switch",
}


def plug(host: str, network: str) -> Plug:
    """The plug of `host` on `network`; KeyError when it has none there."""
    return {(each.host, each.network): each for each in PLUGS}[host, network]


@dataclass
class Topology:
    """One lab's network; several can exist at once under different prefixes (at most 8 characters)."""

    prefix: str = "tandem-"
    timestamps: bool = True
    more: tuple[Plug, ...] = ()  # beside the usual ones; a host that is new gets a namespace called like it
    _flags: socket.socket | None = field(default=None, repr=False)

    def namespace(self, host: str) -> str:
        """The namespace of `client`, `a`, `b`, `server`, `switch` or one of the hosts beside them."""
        return self.prefix + self._hosts[host]

    def create(self) -> None:
        """Build the network anew, after removing what an aborted run may have left."""
        self.destroy()
        for host in self._hosts:
            run("ip", "netns", "add", self.namespace(host))
            inside(self.namespace(host), self._set_sysctls)
        self._batch("switch", self._switch_lines())
        for host in self._hosts:
            self._batch(host, self._host_lines(host))
        self._flags = inside(self.namespace("switch"), lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def destroy(self) -> None:
        """Kill whatever runs in the lab's namespaces and remove them. Works on remains of any kind."""
        if self._flags is not None:
            self._flags.close()
            self._flags = None
        present = [self.namespace(host) for host in self._hosts if namespaces.exists(self.namespace(host))]
        for name in present:
            namespaces.end_processes(name)
        for name in present:
            run("ip", "netns", "del", name, check=False)

    def unplug(self, ports: Iterable[str]) -> None:
        """Take switch ports down, one ioctl each: both ends of each cable lose their carrier."""
        self._set_ports(ports, up=False)

    def plug_in(self, ports: Iterable[str]) -> None:
        """Bring switch ports up again."""
        self._set_ports(ports, up=True)

    def set_timestamps(self, on: bool) -> None:
        """Switch TCP timestamps for the connections opened from now on, in every namespace."""
        self.timestamps = on
        for host in self._hosts:
            inside(self.namespace(host), self._set_sysctls)

    def retransmitted_segments(self, host: str) -> int:
        """TcpRetransSegs of `host` since it came up."""
        return inside(self.namespace(host), read_retransmitted_segments)

    @property
    def _hosts(self) -> dict[str, str]:
        return {each.host: each.host for each in self.more} | _NAMESPACES

    @property
    def _plugs(self) -> tuple[Plug, ...]:
        return PLUGS + self.more

    def _set_ports(self, ports: Iterable[str], *, up: bool) -> None:
        assert self._flags is not None, "create() comes first"
        for name in ports:
            asked = struct.pack("16sH14x", name.encode(), 0)
            flags = struct.unpack("16xH14x", fcntl.ioctl(self._flags, _SIOCGIFFLAGS, asked))[0]
            flags = flags | _IFF_UP if up else flags & ~_IFF_UP
            fcntl.ioctl(self._flags, _SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), flags))

    def _set_sysctls(self) -> None:
        root = Path("/proc/sys/net")
        values = _SYSCTLS | {"ipv4/tcp_timestamps": str(int(self.timestamps))}
        for name, value in values.items():
            if (root / name).exists():  # a kernel without IPv6 lacks its settings
                (root / name).write_text(value)

    def _switch_lines(self) -> list[str]:
        lines = []
        for network in dict.fromkeys((*NETWORKS, *(each.network for each in self.more))):
            lines.append(f"link add br-{network} type bridge forward_delay 0 mcast_snooping 0")
            lines.append(f"link set br-{network} up")
        for each in self._plugs:
            lines.append(
                f"link add {each.port} type veth peer name {each.interface} address {each.mac}"
                f" netns {self.namespace(each.host)}"
            )
            lines.append(f"link set {each.port} master br-{each.network} up")
        return lines

    def _host_lines(self, host: str) -> list[str]:
        lines = ["link set lo up"]
        for each in self._plugs:
            if each.host == host:
                lines.append(f"addr add {each.address} dev {each.interface}")
                lines.append(f"link set {each.interface} up")
        return lines

    def _batch(self, host: str, lines: list[str]) -> None:
        run("ip", "-n", self.namespace(host), "-batch", "-", stdin="\n".join(lines) + "\n")


def read_retransmitted_segments() -> int:
    """TcpRetransSegs of the network that the calling thread belongs to."""
    rows = [line.split() for line in Path("/proc/thread-self/net/snmp").read_text().splitlines()]
    names, values = (row for row in rows if row[0] == "Tcp:")
    return int(values[names.index("RetransSegs")])
