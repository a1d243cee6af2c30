"""The checkers: what must never be, apart from the nodes and with the eyes of somebody who sees both.

I1  no ack leaves for a byte that the passive in sync does not hold; what survives loses nothing and repeats nothing
I2  two nodes never hold the right to speak at once, unless what two nodes alone cannot know (roles.py, 3) is the cause
I3  when an address is added, every session that was kept has its sockets
I4  no byte leaves beyond the last whole PDU received; a decoder has seen each PDU exactly once
I5  a node's epochs only grow, on disk before it speaks
I6  no session goes on that is older than what was acknowledged to a peer
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.duties import FRESH_STARTS
from node.replicator import Standing
from protocol.heartbeat import Role
from tests.simulation.gate import CLOSING, key_of
from tests.simulation.network import LINKS, Network
from tests.simulation.segment import ACK, RST, SYN, Segment, after, ahead
from tests.simulation.tcp import OPEN

if TYPE_CHECKING:
    from tests.simulation.machine import Machine
    from tests.simulation.peers import Peers, Talk
    from tests.simulation.process import Process

COMPLAINTS_MAX = 20
GATED = (Standing.IN_SYNC, Standing.WAITING, Standing.DEGRADING)


class Checks:
    """What they have against a run."""

    def __init__(self, network: Network, interval_s: float, lost_s: float, *, witnessed: bool) -> None:
        self.network = network
        self.world = network.world
        self.peers: Peers
        self.complaints: list[str] = []
        self.epochs: list[tuple[str, int, str]] = []
        """Each time that a node took the addresses: node, epoch, reason."""
        self.parted = False
        """Two nodes have spoken at once, excusably."""
        self.broken_allowed = 0
        self.carried = 0
        """Connections that went on with another node."""
        self._interval_s = interval_s
        self._witnessed = witnessed
        self._window_s = lost_s + interval_s + 0.1
        self._severed: dict[tuple[str, str], float] = {}
        self._carried: dict[tuple[str, str], float] = {}
        self._hampered: dict[str, float] = {}
        self._ever_cut = False
        self._disk: dict[str, int] = {}

    def complain(self, what: str) -> None:
        if len(self.complaints) < COMPLAINTS_MAX:
            self.complaints.append(f"{self.world.now:.4f} {what}")
            self.world.tell(f"!!! {what}")

    # --- what the cables and faults tell

    def cables_changed(self) -> None:
        """Before and after any change of what is cut."""
        for sender in self.network.machines.values():
            receiver = self.network.other(sender)
            if not any(self.network.passes(net, sender, receiver) for net in LINKS):
                self._severed[sender.name, receiver.name] = self.world.now
        self._ever_cut |= bool(self.network.cut)

    def heard_of(self, net: str, sender: Machine, receiver: Machine) -> None:
        """A datagram is on its way."""
        if self.network.passes(net, sender, receiver):
            self._carried[sender.name, receiver.name] = self.world.now

    def hampered(self, machine: Machine, until_s: float) -> None:
        """Its worker is stopped, or slow, until then."""
        self._hampered[machine.name] = max(until_s, self._hampered.get(machine.name, 0.0))

    def fault(self, machine: Machine, error: BaseException) -> None:
        """A worker ended by an error of its own."""
        if not machine.disk_fails and not isinstance(error, OSError):
            self.complain(f"{machine.name} worker failed: {error!r}")

    # --- I2

    def lease_written(self, machine: Machine) -> None:
        self._one_voice(machine)

    def announced(self, machine: Machine) -> None:
        self._one_voice(machine)

    def _one_voice(self, machine: Machine) -> None:
        if not machine.may_speak():
            return
        for other in self.network.machines.values():
            if other is not machine and other.may_speak():
                self._two_voices(machine, other)

    def _two_voices(self, one: Machine, other: Machine) -> None:
        if self._excused(one, other) or self._excused(other, one):
            if not self.parted:
                self.world.tell(f"{one.name} and {other.name} both speak, as two nodes alone cannot know better")
            self.parted = True
            for talk in self.peers.talks.values():  # also of one that is over the last words may still be on their way
                talk.may_break = True
        else:
            self.complain(f"I2 {one.name} and {other.name} both speak")

    def _excused(self, old: Machine, new: Machine) -> bool:
        """Whether `new` could not hear `old`, nor tell it so, and there is no witness that could."""
        if self._witnessed or not self._was_severed(old, new):
            return False
        spoke_s = self._carried.get((new.name, old.name), -1.0)
        deaf = self.world.now - spoke_s > self._interval_s + 0.02
        hampered = any(self._hampered.get(each.name, -1.0) > self.world.now - self._window_s for each in (old, new))
        order = None if new.worker is None else new.worker._duties._order
        fresh = order is not None and order.reason in FRESH_STARTS
        return self._was_severed(new, old) or deaf or hampered or fresh or self.parted

    def _was_severed(self, sender: Machine, receiver: Machine) -> bool:
        if not any(self.network.passes(net, sender, receiver) for net in LINKS):
            return True
        return self._severed.get((sender.name, receiver.name), -1.0) > self.world.now - self._window_s

    # --- what a node says to the peers

    def spoken(self, machine: Machine, segment: Segment) -> None:
        self._one_voice(machine)
        if segment.flags & (RST | SYN):
            return
        if segment.flags & ACK:
            self._held_twice(machine, segment)
        if segment.data:
            self._decided(segment)

    def _held_twice(self, machine: Machine, segment: Segment) -> None:
        """I1."""
        worker, passive = machine.worker, self.network.other(machine).worker
        if worker is None or passive is None or passive._member.role is not Role.PASSIVE:
            return
        standby = passive._parts.standby
        if worker._parts.replicator.standing not in GATED or not standby.usable:
            return
        for session in standby.cache.sessions.values():
            for leg in session.legs:
                if leg is not None and _is_of(leg, segment):
                    if after(segment.ack, leg.receive_sequence):
                        self.complain(f"I1 {machine.name} acknowledges what the passive does not hold: {segment}")
                    return
        side = self._side(segment)
        if side is None or self._let_go(machine, segment) or (self.parted and side.talk and side.talk.may_break):
            return
        if ahead(side.tcb.una, segment.ack) > 0 and (side.tcb.outgoing or side.tcb.fin_sent):
            self.complain(f"I1 {machine.name} acknowledges bytes of a session that the passive lacks: {segment}")

    @staticmethod
    def _let_go(machine: Machine, segment: Segment) -> bool:
        """Whether the connection is closed, and guarded no longer."""
        gate = machine.powered_kernel.gate
        loose = None if gate is None else gate.loose.get(key_of(segment.source, segment.target))
        return loose is not None and loose.kind == CLOSING

    def _side(self, segment: Segment) -> Any:
        for host in self.network.hosts.values():
            tcb = host.tcbs.get((segment.target, segment.source))
            if tcb is not None:
                return tcb.owner
        return None

    def _decided(self, segment: Segment) -> None:
        """I4."""
        side = self._side(segment)
        if side is None:
            return
        talk = side.talk
        if talk is None:
            return
        stream = talk.streams[1 - side.leg]
        start = ahead(side.first, segment.seq)
        stop = start + len(segment.data)
        if side.leg == 0 and talk.streams[0].errors:
            return  # errors stand between the bytes: the client looks
        if stop > stream.passing(stream.said):
            self.complain(f"I4 byte {stop} of talk {talk.number} leaves before its PDU is whole")
        elif stream.passed[max(start, 0) : stop] != segment.data[max(-start, 0) :]:
            self.complain(f"I4 other bytes leave than came: talk {talk.number} from {start}")

    # --- becoming active

    def address_added(self, process: Process) -> None:
        machine = process.machine
        worker = machine.worker
        order = worker._duties._order
        self.epochs_grow(machine, order)
        standby = worker._parts.standby
        kept = order.use_cache and standby.usable
        self.world.tell(f"{machine.name} takes the addresses: epoch {order.epoch}, {order.reason}")
        if order.use_cache:
            self._state_before_address(machine, standby.cache.sessions.values())
        for relay in worker._parts.proxy.relays.values():
            self._not_stale(machine, relay)
        held = {session.client for session in standby.cache.sessions.values()} if kept else set()
        for talk in self.peers.open:
            side = talk.sides[0]
            client = "" if side is None else f"{side.tcb.local[0]}:{side.tcb.local[1]}"
            if not kept or (client not in held and not talk.acknowledged):
                talk.may_break = True
            self.carried += kept and not talk.may_break

    def _state_before_address(self, machine: Machine, sessions: Any) -> None:
        """I3."""
        kernel = machine.powered_kernel
        for session in sessions:
            for leg in session.legs:
                if leg is None:
                    continue
                host, port, peer, peer_port = leg.connection[:4]
                if ((host, port), (peer, peer_port)) not in kernel.tcbs:
                    self.complain(f"I3 {machine.name} has the address and not the socket of {session.serial}")

    def _not_stale(self, machine: Machine, relay: Any) -> None:
        """I6, and the decoder's part of I4."""
        for number, leg in enumerate(relay.session.legs):
            if leg is None:
                continue
            remote = tuple(leg.connection[2:4])
            for tcb in self._peer_ends(leg):
                if tcb.state != OPEN or tcb.owner is None:
                    continue
                if self.parted and tcb.owner.talk is not None and tcb.owner.talk.may_break:
                    continue  # two nodes have gone on with it, each in its way
                if after(tcb.una, leg.receive_sequence):
                    self.complain(f"I6 {machine.name} goes on with an older session than {remote} was told of")
                if after(leg.send_sequence, tcb.rcv_nxt):
                    self.complain(f"I1 {machine.name} takes for acknowledged what {remote} does not have")
                self.inspected(relay, number, tcb.owner.talk)

    def inspected(self, relay: Any, number: int, talk: Talk | None) -> None:
        """I4: each PDU was seen once."""
        leg = relay.session.legs[number]
        if talk is None or relay.stack.ignored or leg.ahead:
            return
        expected = talk.streams[number].decided(leg.received)
        if relay.stack.pdus[number] != expected:
            self.complain(f"I4 talk {talk.number}: {relay.stack.pdus[number]} PDUs inspected of {expected}")

    # --- I5

    def epochs_grow(self, machine: Machine, order: Any) -> None:
        own = [epoch for name, epoch, _ in self.epochs if name == machine.name]
        if own and order.epoch <= max(own):
            self.complain(f"I5 {machine.name} uses epoch {order.epoch} again")
        if machine.disk.get("epoch", 0) < order.epoch:
            self.complain(f"I5 {machine.name} speaks in epoch {order.epoch}, on disk is {machine.disk.get('epoch', 0)}")
        highest = max((epoch for _, epoch, _ in self.epochs), default=0)
        if order.epoch <= highest and order.reason != "alone" and not self._ever_cut:
            self.complain(f"I5 {machine.name} takes epoch {order.epoch}, {highest} was used: {order.reason}")
        self.epochs.append((machine.name, order.epoch, order.reason))

    def stored(self, machine: Machine, name: str, value: int) -> None:
        """A number goes to disk."""
        key = f"{machine.name}/{name}"
        if value < self._disk.get(key, 0):
            self.complain(f"I5 {key} on disk goes from {self._disk[key]} to {value}")
        self._disk[key] = value

    def died(self, machine: Machine) -> None:
        """Whoever is leaving, and was about to hand over to this one, has nobody left to hand over to."""
        other = self.network.other(machine)
        if other.guard is not None and other.guard.leaving and self.role(other).startswith("active"):
            for talk in self.peers.open:
                talk.may_break = True

    # --- what the peers tell

    def wrong_bytes(self, talk: Talk, leg: int, at: int) -> None:
        self.complain(f"I1 wrong bytes in talk {talk.number}, leg {leg}, from {at}")

    def second_server(self, talk: Talk) -> None:
        """Of two voices each may connect to the server for a talk of which it has sent nothing on."""
        if talk.streams[0].heard and talk.may_break and self.parted:
            talk.give_up()
        elif talk.streams[0].heard:
            self.complain(f"I1 the server hears talk {talk.number} a second time")

    def cut_short(self, talk: Talk, leg: int) -> None:
        if not talk.may_break:
            self.complain(f"I1 talk {talk.number}, leg {leg} ends before all was said")

    def broken(self, talk: Talk, leg: int, why: str) -> None:
        if talk.may_break or not talk.acknowledged:
            self.broken_allowed += 1
        else:
            self.complain(f"I1 talk {talk.number} broken at leg {leg}: {why}")

    # --- the end

    def finish(self) -> None:
        """All is well again: one node serves, the other follows, every talk that had to live has come through."""
        roles = {name: self.role(machine) for name, machine in self.network.machines.items()}
        if sorted(map(str, roles.values())) != ["active", "passive in sync"]:
            self.complain(f"in the end the nodes are {roles}")
        for talk in self.peers.open:
            if not talk.whole and not talk.may_break and talk.acknowledged:
                self.complain(f"I1 talk {talk.number} stands still: {self._progress(talk)}")
        for machine in self.network.machines.values():
            if machine.worker is not None:
                for relay in machine.worker._parts.proxy.relays.values():
                    self._inspected_relay(relay)

    def _inspected_relay(self, relay: Any) -> None:
        for number, leg in enumerate(relay.session.legs):
            for tcb in [] if leg is None else self._peer_ends(leg):
                if tcb.owner is not None:
                    self.inspected(relay, number, tcb.owner.talk)

    def _peer_ends(self, leg: Any) -> list[Any]:
        """The peer's end of a leg's connection, if it still stands."""
        ends = tuple(leg.connection[2:4]), tuple(leg.connection[:2])
        return [host.tcbs[ends] for host in self.network.hosts.values() if ends in host.tcbs]

    @staticmethod
    def _progress(talk: Talk) -> str:
        return ", ".join(f"{it.heard} heard and {it.said} said of {len(it.octets)}" for it in talk.streams)

    @staticmethod
    def role(machine: Machine) -> str:
        worker = machine.worker
        if worker is None:
            return "down"
        role = str(worker._member.role)
        if role == "active":
            return role if machine.may_speak() else "active, silent"
        return f"{role} in sync" if worker._parts.standby.usable else role


def _is_of(leg: Any, segment: Segment) -> bool:
    connection = leg.connection
    return (
        connection[1] == segment.source[1]
        and connection[3] == segment.target[1]
        and connection[2] == segment.target[0]
        and connection[0] == segment.source[0]
    )
