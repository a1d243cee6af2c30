"""This node as a member of the pair: drives the role machine with what is heard and with the clock.

The machine decides; this carries messages and time to it, and its effects to whoever performs them, in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from node import clock
from node.agreement import Agreement
from node.config import Link
from node.lease import Lease
from node.links import Links
from node.log import get
from protocol import events, heartbeat, versions
from protocol.events import Effect, Event
from protocol.handshake import Identity
from protocol.heartbeat import DeathNotice, Heartbeat, Role, Sync
from protocol.roles import RoleMachine

NS_PER_S = 1e9

log = get("member")


class Facts(NamedTuple):
    """What a heartbeat says beyond the role machine's own state."""

    sync: Sync
    stream: bool
    solo: bool
    stale: bool
    sessions: int
    question: int = 0
    answer: int = 0


class Duties(Protocol):
    """Who performs what the role machine decides."""

    def activate(self, order: events.Activate) -> None: ...

    def stand_down(self, order: events.StandDown) -> None: ...

    def reclaim_lease(self, order: events.ReclaimLease) -> None: ...

    def begin_handover(self, order: events.BeginHandover) -> None: ...

    def announce(self, order: events.Announce) -> None: ...

    def ask_witness(self, question: events.AskWitness) -> None: ...

    def facts(self) -> Facts: ...

    def peer_heard(self, message: Heartbeat) -> None: ...

    def peer_died(self) -> None: ...

    def beaten(self) -> None: ...


class Member:
    """The role machine and its surroundings."""

    def __init__(
        self,
        machine: RoleMachine,
        lease: Lease,
        links: Links,
        duties: Duties,
        interval_s: float,
        agreement: Agreement,
    ) -> None:
        self.machine = machine
        self.agreement = agreement
        self._links = links
        self._lease = lease
        self._duties = duties
        self._interval_s = interval_s
        self._timer: asyncio.TimerHandle | None = None
        self._pulsed_s = clock.boottime_s()
        self.stepped_ns = 0
        """The clock as read for the machine's latest decision."""
        self.on_effect: Callable[[Effect], None] = lambda _effect: None
        """Hears of each effect before it is carried out."""
        self.on_role: Callable[[Role, Role], None] = lambda _before, _after: None
        """Hears of a change of role after all it takes has been carried out."""
        self._role = machine.role
        self._waiting: deque[Event] = deque()
        self._busy = False
        self._met: Identity | None = None
        """The other node as it last introduced itself on a stream."""
        self._performers: dict[type[Any], Callable[[Any], None]] = {
            events.Activate: duties.activate,
            events.StandDown: duties.stand_down,
            events.ReclaimLease: duties.reclaim_lease,
            events.BeginHandover: duties.begin_handover,
            events.Announce: duties.announce,
            events.AskWitness: duties.ask_witness,
            events.SendHeartbeat: lambda _: self.send_heartbeat(),
            events.Report: _report,
        }

    @property
    def role(self) -> Role:
        """What this node is."""
        return self.machine.role

    def start(self) -> None:
        """Begin to live."""
        self.step(events.Tick())

    def step(self, event: Event) -> None:
        """Tell the machine, do what it wants, and be back in time.

        An event that comes up while effects are carried out waits until all of them are.
        """
        self._waiting.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting:
                self.stepped_ns = clock.boottime_ns()
                effects: list[Effect] = self.machine.step(self._waiting.popleft(), self.stepped_ns / NS_PER_S)
                self._bound_lease()
                for effect in effects:
                    self.on_effect(effect)
                    self._performers[type(effect)](effect)
                self._tell_role()
        finally:
            self._busy = False
        self._schedule()

    def _bound_lease(self) -> None:
        bound_s = self.machine.lease_bound_s
        if bound_s is not None:
            self._lease.bound_ns = int(max(bound_s, 0.0) * NS_PER_S)

    def _tell_role(self) -> None:
        before, self._role = self._role, self.machine.role
        if before is not self._role:
            self.on_role(before, self._role)

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline_s = self.machine.next_deadline()
        if deadline_s is not None:
            delay_s = max(deadline_s - clock.boottime_s(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.step, events.Tick())

    def heard(self, link: Link, sender: str, incarnation: int, message: Heartbeat | DeathNotice) -> None:
        """A datagram whose seal holds; the name inside must be the one that sealed it."""
        if isinstance(message, Heartbeat):
            if (message.node, message.incarnation) != (sender, incarnation):
                return
            if message.to == self.machine.settings.incarnation:
                self._duties.peer_heard(message)
                self.agreement.there(message.rules)
            self.step(events.PeerHeard(message, link.name))
        elif sender == f"{message.node}/guard":
            if self.machine.peer.is_dead(message):
                self._duties.peer_died()
            self.step(events.PeerDied(message))

    def send_heartbeat(self) -> None:
        """Send a heartbeat on every link and renew the lease, in the order that node/lease.py explains."""
        now_ns = clock.boottime_ns()
        if self._lease.claimed and not self._lease.holds(now_ns):
            self._lease.close()
            self.step(events.LeaseLost())
            return
        facts = self._duties.facts()
        said = self.machine.heartbeat(**facts._asdict(), clock_ms=clock.timestamp_clock_ms())
        message = replace(said, rules=self.agreement.mine)
        self._links.send(heartbeat.pack(message, self._peer_reads()))
        if self._lease.claimed:
            self._lease.renew(now_ns)
        self._pulsed_s = clock.boottime_s()
        self._duties.beaten()

    def meet(self, peer: Identity) -> None:
        """The other node has said which versions it reads."""
        self._met = peer

    @property
    def _acquaintance(self) -> Identity | None:
        """The other node in its present life, which may be of another release than the one before."""
        known = self._met is not None and self._met.incarnation == self.machine.peer.incarnation
        return self._met if known else None

    @property
    def software(self) -> str | None:
        """The other node's release, if it has introduced itself in this life."""
        return None if self._acquaintance is None else self._acquaintance.software

    @property
    def peer_answers(self) -> bool:
        """Whether the other node is known to answer questions. One that has not introduced itself in this life has had
        no stream in it either, so that its word is good without."""
        return self._peer_reads() >= heartbeat.ANSWERS

    def _peer_reads(self) -> int:
        """The version of heartbeats that the other node is known to read."""
        if self._acquaintance is None:
            return heartbeat.LOWEST
        return max(set(heartbeat.VERSIONS) & set(versions.reads(self._acquaintance.schemas, "heartbeat")))

    def pulse(self) -> None:
        """In the middle of long work: a heartbeat, if one is due."""
        if clock.boottime_s() - self._pulsed_s >= self._interval_s:
            self.send_heartbeat()

    def stop(self) -> None:
        """Live no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _report(report: events.Report) -> None:
    log.info(report.what, **report.fields)
