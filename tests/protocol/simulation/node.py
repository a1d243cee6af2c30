"""A simulated machine: its guard, clock, disk and lease; and the worker, which obeys the role machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol import events
from protocol.datagrams import DatagramOpener, DatagramSealer
from protocol.errors import SealError
from protocol.events import Effect, Event, Settings
from protocol.heartbeat import DeathNotice, Heartbeat, Role, Sync, pack, unpack
from protocol.roles import RoleMachine
from tests.protocol.simulation.witness import LEASE_S
from tests.protocol.simulation.world import INTERVAL_S, LINKS, NEVER, World

SECRET = bytes(range(32))


@dataclass
class Node:
    """A machine with its guard, its disk, its clock and its lease."""

    world: World
    name: str
    priority: int
    lease_s: float
    epoch: int = 0
    incarnation: int = 0
    powered: bool = True
    failures_due: int = 0
    """So many activations will fail."""
    heeds_witness: bool = True
    lease_ends_at: float = NEVER
    """In true time; the checker's view, nobody else looks at it."""
    worker: Worker | None = None
    zero_s: float = field(init=False)
    rate: float = field(init=False)

    def __post_init__(self) -> None:
        self.zero_s = self.world.random.uniform(0, 1e6)
        self.rate = 1 + self.world.random.uniform(-1e-4, 1e-4)

    def clock(self) -> float:
        return self.zero_s + self.world.now * self.rate

    def speaks(self) -> bool:
        return self.world.now < self.lease_ends_at

    def close_lease(self) -> None:
        self.lease_ends_at = min(self.lease_ends_at, self.world.now)

    def start_worker(self) -> None:
        if self.powered and self.worker is None:
            self.incarnation += self.world.random.randint(1, 3)
            self.worker = Worker(self)
            self.worker.schedule()

    def arrive(self, link: str, datagram: bytes) -> None:
        if self.worker is not None:
            self.worker.arrive(link, datagram)

    def worker_ended(self, ended: Worker) -> None:
        """The guard: fence, tell the peer, start a new one."""
        self.worker = None
        self.close_lease()
        self.incarnation += 1
        sealer = DatagramSealer(SECRET, "g", f"{self.name}/guard", self.incarnation)
        machine = ended.machine
        notice = DeathNotice(self.name, machine.epoch, machine.settings.incarnation, machine.peer.incarnation)
        for _ in range(3):
            for link in LINKS:
                self.world.carry(self, link, sealer.seal(pack(notice)))
        self.world.after(self.world.random.uniform(0.01, 0.3), self.start_worker)

    def kill_worker(self) -> None:
        if self.worker is not None:
            self.world.tell(f"{self.name} worker killed as {self.worker.machine.role}")
            worker, self.worker = self.worker, None
            worker.ended = True
            self.world.after(0.002, lambda: self.worker_ended(worker))

    def cut_power(self, off_s: float) -> None:
        self.world.tell(f"{self.name} power off")
        self.powered = False
        self.close_lease()
        if self.worker is not None:
            self.worker.ended = True
            self.worker = None
        self.world.after(off_s, self.restore_power)

    def restore_power(self) -> None:
        self.powered = True
        self.start_worker()


class Worker:
    """One life of a node: the machine, and what carries out its effects."""

    def __init__(self, node: Node) -> None:
        self.node, self.world = node, node.world
        settings = Settings(
            *(node.name, node.priority, node.incarnation, node.epoch, INTERVAL_S, 4, 0.15, 2.0),
            override=True,
            witness_lease_s=None if self.world.witness is None else LEASE_S,
        )
        self.machine = RoleMachine(settings, node.clock())
        self.sealer = DatagramSealer(SECRET, "g", node.name, node.incarnation)
        self.opener = DatagramOpener(SECRET, "g")
        self.inbox: list[Event] = []
        self.frozen = False
        self.freeze_in_renewal_s = 0.0
        self.ended = False
        self.fenced = False
        self.lapsed = False
        self.connected = False
        self.lease_ends: float | None = None
        """By this node's clock."""
        self._timer = 0

    # --- time and input

    def schedule(self) -> None:
        """Have a tick come when the machine asks for it, or a little later."""
        due = self.machine.next_deadline()
        if due is None or self.ended:
            return
        self._timer += 1
        timer = self._timer
        delay_s = max(0.0, (due - self.node.clock()) / self.node.rate) + self.world.random.uniform(0, 0.001)
        self.world.after(delay_s, lambda: self._on_timer(timer))

    def _on_timer(self, timer: int) -> None:
        if timer == self._timer and not self.frozen:
            self.give(events.Tick())

    def arrive(self, link: str, datagram: bytes) -> None:
        try:
            opened = self.opener.open(datagram)
        except SealError:
            return
        message = unpack(opened.payload)
        self.give(events.PeerHeard(message, link) if isinstance(message, Heartbeat) else events.PeerDied(message))

    def give(self, event: Event) -> None:
        if self.ended:
            return
        if self.frozen:
            self.inbox.append(event)
            del self.inbox[:-500]
            return
        effects = self.machine.step(event, self.node.clock())
        self.node.epoch = max(self.node.epoch, self.machine.epoch)
        for effect in effects:
            self._obey(effect)
        self.schedule()

    def freeze(self, for_s: float) -> None:
        self.world.tell(f"{self.node.name} stopped for {for_s:.3f} s as {self.machine.role}")
        self.frozen = True
        self.world.after(for_s, self.thaw)

    def thaw(self) -> None:
        self.frozen = False
        inbox, self.inbox = self.inbox, []
        if self.world.random.random() < 0.5:  # the loop may run its timers before it reads its sockets
            self.give(events.Tick())
        for event in inbox:
            self.give(event)
        self.give(events.Tick())

    def set_stream(self, connected: bool) -> None:
        if connected == self.connected:
            return
        self.connected = connected
        passive = self.machine.role is Role.PASSIVE
        up, down = (events.Synced(), events.Desynced()) if passive else (events.StreamUp(), events.StreamDown())
        self.give(up if connected else down)

    # --- effects

    def _obey(self, effect: Effect) -> None:
        if self.ended and not isinstance(effect, events.SendHeartbeat):
            return
        match effect:
            case events.SendHeartbeat():
                self._send_heartbeat()
            case events.Activate(epoch, reason, _):
                self._activate(epoch, reason)
            case events.StandDown(reason):
                self.world.tell(f"{self.node.name} stands down: {reason}")
                self.node.close_lease()
                self.ended = True
                self.world.after(0.002, lambda: self.node.worker_ended(self))
            case events.ReclaimLease():
                self.world.tell(f"{self.node.name} reclaims its lease")
                self.lapsed = False
                self._renew(self.node.clock())
            case events.BeginHandover():
                self._hand_over()
            case events.AskWitness():
                assert self.world.witness is not None, "only one that is there is asked"
                self.world.witness.ask(self, effect)
            case events.Report(what, fields):
                self.world.tell(f"{self.node.name} {what} {dict(fields)}")

    def _send_heartbeat(self) -> None:
        clock = self.node.clock()
        renews = self.machine.role is Role.ACTIVE and not self.fenced and not self.lapsed
        if renews and self.lease_ends is not None and clock >= self.lease_ends:
            self.lapsed = True
            self.give(events.LeaseLost())
            return
        heartbeat = self.machine.heartbeat(
            sync=Sync.IN_SYNC if self.connected else Sync.SYNCING,
            stream=self.connected,
            solo=False,
            stale=False,
            sessions=0,
            clock_ms=int(clock * 1000),
        )
        for link in LINKS:
            self.world.carry(self.node, link, self.sealer.seal(pack(heartbeat)))
        if renews and self.freeze_in_renewal_s:
            self.world.after(self.freeze_in_renewal_s, lambda: self._renew(clock))
            self.freeze(self.freeze_in_renewal_s)
            self.freeze_in_renewal_s = 0.0
        elif renews:
            self._renew(clock)

    def _renew(self, clock: float) -> None:
        """Move the lease to `clock`, read before the heartbeats left, plus its length, or to where it is bounded."""
        if self.ended:
            return
        bound = self.machine.lease_bound_s
        self.lease_ends = clock + self.node.lease_s
        if bound is not None and self.node.heeds_witness:
            self.lease_ends = min(self.lease_ends, bound)
        self.node.lease_ends_at = (self.lease_ends - self.node.zero_s) / self.node.rate
        self.world.spoken(self.node)

    def _activate(self, epoch: int, reason: str) -> None:
        self.world.tell(f"{self.node.name} activates epoch {epoch}: {reason}")
        self.world.epochs.append((self.node.name, epoch, reason))
        if self.node.failures_due:
            self.node.failures_due -= 1
            self.fenced = True
            self.world.after(0.003, lambda: self.give(events.ActivationFailed("address-conflict")))
        else:
            self.world.after(0.005, lambda: self.give(events.ActivationDone()))

    def _hand_over(self) -> None:
        peer = self.world.other(self.node).worker
        if peer is None or not self.connected:
            self.world.after(0.001, lambda: self.give(events.HandoverFailed("stream")))
            return
        self.fenced = True
        self.node.close_lease()
        epoch = self.machine.epoch
        self.world.after(0.004, lambda: peer.give(events.HandoverReceived(epoch)))
        self.world.after(0.004, lambda: self.give(events.HandoverDone()))
