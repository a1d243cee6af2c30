"""The cables: two data networks with their ARP tables, a heartbeat link, and what is cut of them.

A packet is lost, doubled, delayed and overtaken; a cable can be cut in either direction. The replication streams run
over the same cables, see streams.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.segment import Endpoint, Segment
from tests.simulation.streams import Streams
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.checks import Checks
    from tests.simulation.machine import Machine
    from tests.simulation.peers import PeerHost

HEARTBEAT, CLIENT_NET, SERVER_NET = "hb0", "client", "server"
NETS = (HEARTBEAT, CLIENT_NET, SERVER_NET)
DATA_LINK = "data"
"""The second link. It runs over the clients' network, and can be cut alone."""
LINKS = (HEARTBEAT, DATA_LINK)
"""What carries heartbeats and streams."""
VIRTUAL = {CLIENT_NET: "10.1.100.1", SERVER_NET: "172.16.200.4"}
NET_OF = {address: net for net, address in VIRTUAL.items()}
ARP_S = 0.001
SEGMENT_S, DATAGRAM_S = 0.0004, 0.002
LATE_S = 0.012


class Noise(NamedTuple):
    """How likely it is that a packet is lost, doubled, or late."""

    lost: float
    doubled: float
    late: float


class Network:
    """All cables. `cut` holds (network, machine, "in" or "out")."""

    def __init__(self, world: World, noise: Noise) -> None:
        self.world = world
        self.noise = noise
        self.cut: set[tuple[str, str, str]] = set()
        self.machines: dict[str, Machine] = {}
        self.hosts: dict[str, PeerHost] = {}
        """The peers' machines by network."""
        self.arp: dict[str, str] = {}
        """Of each network: which machine the peers take for the owner of its virtual address."""
        self.streams = Streams(self)
        self.checks: Checks

    # --- cables

    def passes(self, net: str, sender: Machine, receiver: Machine) -> bool:
        """Whether what one node sends to the other gets through."""
        nets = (DATA_LINK, CLIENT_NET) if net == DATA_LINK else (net,)
        return not any((it, sender.name, "out") in self.cut or (it, receiver.name, "in") in self.cut for it in nets)

    def _delay(self, usual_s: float) -> float | None:
        """None when the packet is lost."""
        random = self.world.random
        if random.random() < self.noise.lost:
            return None
        delay_s = usual_s * (0.5 + random.random())
        return delay_s + LATE_S * random.random() if random.random() < self.noise.late else delay_s

    def _doubled(self) -> bool:
        return self.world.random.random() < self.noise.doubled

    # --- TCP between nodes and peers

    def from_node(self, machine: Machine, segment: Segment) -> None:
        """A segment has left a node."""
        net = NET_OF[segment.source[0]]
        self.checks.spoken(machine, segment)
        if (net, machine.name, "out") in self.cut:
            return
        host = self.hosts[net]
        for _ in range(2 if self._doubled() else 1):
            delay_s = self._delay(SEGMENT_S)
            if delay_s is not None:
                self.world.after(delay_s, host.arrive, segment)

    def from_peer(self, net: str, segment: Segment, again: bool) -> None:
        """A segment has left a peer; one that gets no answer asks anew who has the address."""
        owner = self.arp.get(net)
        if owner is None or (again and not self._answers(net, owner)):
            owner = next((name for name in self.machines if self._answers(net, name)), None)
            if owner is None:
                return
            self.arp[net] = owner
        for _ in range(2 if self._doubled() else 1):
            delay_s = self._delay(SEGMENT_S)
            if delay_s is not None:
                self.world.after(delay_s, self._reach, net, owner, segment)

    def _reach(self, net: str, owner: str, segment: Segment) -> None:
        machine = self.machines[owner]
        if machine.kernel is not None and (net, owner, "in") not in self.cut:
            machine.kernel.arrive(segment)

    # --- addresses

    def _answers(self, net: str, name: str) -> bool:
        """Whether a machine answers an ARP request of the peers for the network's virtual address."""
        machine = self.machines[name]
        blocked = (net, name, "in") in self.cut or (net, name, "out") in self.cut
        return not blocked and machine.has(VIRTUAL[net]) and machine.may_speak()

    def announce(self, machine: Machine, address: str) -> None:
        """Gratuitous ARP."""
        net = NET_OF[address]
        if not machine.may_speak():
            return
        self.checks.announced(machine)
        if (net, machine.name, "out") not in self.cut and not self.world.chance(self.noise.lost):
            self.world.after(ARP_S * self.world.random.random(), self.arp.__setitem__, net, machine.name)

    def owner_besides(self, asking: Machine, addresses: list[str]) -> str | None:
        """Who else answers for one of these addresses."""
        for address in addresses:
            net = NET_OF[address]
            for machine in self.machines.values():
                works = self.passes(net, asking, machine) and self.passes(net, machine, asking)
                if machine is not asking and works and machine.has(address) and machine.may_speak():
                    return f"{address} belongs to {machine.name}"
        return None

    # --- datagrams between nodes

    def datagram(self, sender: Machine, origin: Endpoint, to: Endpoint, datagram: bytes) -> None:
        """A heartbeat or a notice."""
        receiver = self.other(sender)
        net = receiver.net_of[to[0]]
        self.checks.heard_of(net, sender, receiver)
        if not self.passes(net, sender, receiver):
            return
        for _ in range(2 if self._doubled() else 1):
            delay_s = self._delay(DATAGRAM_S)
            if delay_s is not None:
                self.world.after(delay_s, self._drop_in, receiver, datagram, origin, to)

    def _drop_in(self, receiver: Machine, datagram: bytes, origin: Endpoint, to: Endpoint) -> None:
        if receiver.kernel is not None:
            sock = receiver.kernel.datagrams.get(to)
            if sock is not None:
                sock.arrive(datagram, origin)

    def other(self, machine: Machine) -> Machine:
        """The other node."""
        return next(each for each in self.machines.values() if each is not machine)
