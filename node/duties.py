"""What the role machine makes this node do: become active, fall silent, hand over; and what it says of itself."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

from node import clock, exits, log
from node.addressing import Addresses
from node.config import Config
from node.errors import StartupError
from node.farewell import LINGER_S, Farewell
from node.kernel.errors import KernelError
from node.kernel.gate import Gate
from node.lease import Lease, LeaseOverError
from node.member import Facts, Member
from node.precedence import ORDINARY, set_niceness
from node.proxy import Proxy
from node.readiness import bring_up
from node.relay import Gating, Relay
from node.replicator import Replicator, Standing
from node.standby import Standby
from node.status import Status
from node.store import GrowingNumber
from node.takeover import Account, Takeover
from node.understudies import Understudies
from node.witness import EtcdWitness
from protocol import events
from protocol.handover import DATA_LINKS, obstacle
from protocol.heartbeat import Heartbeat, Role
from protocol.session import Session

HANDOVER_LIMIT_S = 0.3
"""The stream may run over the very network that fails. What the passive has not got by then its peers send again."""
HANDOVER_POLL_S = 0.001
PREPARATIONS = 2
"""Rounds; in the second little is left to do, and so little moves in it."""
CLOSE_LIMIT_S = 0.2
"""In all: a passive that does not answer must be told to take over while it still counts as in sync."""
TOLD_AFTER_S = 0.05
"""Bookkeeping waits until the peers have had their answers."""
READ_OUT_S, READ_OUT_LIMIT_S = 0.001, 0.01
FRESH_STARTS = ("alone", "elected")
"""Reasons to become active at which no other node of the pair can hold the addresses: strangers may."""

logger = log.get("duties")


@dataclass(slots=True)
class Parts:
    """The parts of a node that its duties move."""

    config: Config
    gate: Gate | None
    lease: Lease
    addresses: Addresses
    epoch: GrowingNumber
    proxy: Proxy
    replicator: Replicator
    standby: Standby
    witness: EtcdWitness | None
    understudies: Understudies | None


class NodeDuties:
    """Performs the role machine's effects; ends the life with an exit code through `end`."""

    def __init__(self, parts: Parts, end: Callable[[int], None], on_beat: Callable[[], None]) -> None:
        self.beaten = on_beat
        self.peer_heard_s: float | None = None
        self._peer_said = (False, 0)
        """Whether its cache is stale, and its answer."""
        self.on_takeover: Callable[[Account], None] = lambda _account: None
        self._parts = parts
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._peer_clock: tuple[int, int] | None = None
        self._takeover: Takeover | None = None
        self._order: events.Activate | None = None
        self._farewell: Farewell | None = None
        self._leaving = False
        self._preparation: asyncio.Task[None] | None = None

    def join(self, member: Member, status: Status) -> None:
        """The member that gives the orders, and the status that shows how they went."""
        self._member = member
        self._status = status

    # --- becoming active

    def activate(self, order: events.Activate) -> None:
        """Take the active role, with the cached sessions if the order says so."""
        self._parts.lease.claim(self._member.stepped_ns)
        self._order = order
        if order.reason in FRESH_STARTS:
            self._spawn(self._look_for_strangers())
        else:
            self._take_over()

    async def _look_for_strangers(self) -> None:
        stranger = await self._loop.run_in_executor(None, self._parts.addresses.taken_by)
        if stranger is not None:
            remedy = "free the address, or configure another one in virtual_addresses"
            print(f"tandem: {StartupError(f'virtual address {stranger}', remedy)}", file=sys.stderr, flush=True)
            self.fall_silent()
            self._end(exits.BAD_HOST)
        elif self._member.role is Role.ACTIVE:  # a better node may have spoken up meanwhile
            self._take_over()

    def _take_over(self) -> None:
        parts, order = self._parts, self._order
        assert order is not None, "an order makes a node take over"
        self._break_off_preparation()  # what it would restore is about to live
        takeover = Takeover(
            parts.config,
            parts.gate,
            parts.proxy,
            parts.lease,
            parts.addresses,
            parts.epoch,
            parts.understudies,
            self._member.pulse,
        )

        def prepare() -> None:
            kept = self._kept(order)
            parts.proxy.inspectors.take_up(parts.standby.cache.shared, [session.client for session in kept])
            takeover.prepare(order.epoch, kept, self._peer_timestamp_clock_ms())

        if self._attempt(prepare):
            self._takeover = takeover
            self._speak()

    def prepare(self) -> None:
        """The primary is about to hand over: bring up what stands still, and say when that is done. It may ask again
        before it is."""
        self._break_off_preparation()
        self._preparation = self._spawn(self._prepare())

    def _break_off_preparation(self) -> None:
        if self._preparation is not None:
            self._preparation.cancel()

    async def _prepare(self) -> None:
        parts = self._parts
        if parts.understudies is not None:
            await bring_up(parts.understudies, parts.standby.cache.sessions, self._peer_timestamp_clock_ms)
        parts.standby.prepared()

    def _speak(self) -> None:
        takeover, order = self._takeover, self._order
        assert takeover is not None and order is not None, "prepared before"
        silent_ms = 0.0 if self.peer_heard_s is None else (clock.boottime_s() - self.peer_heard_s) * 1000

        def speak() -> None:
            self._status.account = takeover.speak(order.epoch, order.reason, silent_ms)

        if self._member.role is Role.ACTIVE and self._attempt(speak):
            self._parts.standby.close("taking over")
            if self._parts.understudies is not None:
                self._parts.understudies.discard()
            self._member.step(events.ActivationDone())
            self._loop.call_later(TOLD_AFTER_S, self._tell)

    def _attempt(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except LeaseOverError:
            self._parts.lease.close()
            self._member.step(events.LeaseLost())
            return False
        except (OSError, KernelError) as error:
            self.fall_silent()
            logger.error("cannot become active", error=str(error))
            self._member.step(events.ActivationFailed(str(error)))
            return False
        return True

    def reclaim_lease(self, _order: events.ReclaimLease) -> None:
        """Nobody took over while this node stuttered: go on, or go on with becoming active."""
        self._parts.lease.claim(self._member.stepped_ns)
        if self._status.account is None:
            self._speak()
        else:
            with suppress(LeaseOverError):  # the next heartbeat finds it lost again
                self._parts.lease.take_up(clock.boottime_ns())

    def _kept(self, order: events.Activate) -> list[Session]:
        return list(self._parts.standby.cache.sessions.values()) if order.use_cache else []

    def _peer_timestamp_clock_ms(self) -> int:
        """The other host's CLOCK_MONOTONIC now, going by its last heartbeat: its TCP timestamps are made from it."""
        now_ms = clock.timestamp_clock_ms()
        if self._peer_clock is None:
            return now_ms
        theirs_ms, mine_ms = self._peer_clock
        return theirs_ms + now_ms - mine_ms

    def _tell(self) -> None:
        account = self._status.account
        if account is not None:
            self.on_takeover(account)
            logger.info(
                "takeover complete",
                epoch=account.epoch,
                reason=account.reason,
                sessions=account.sessions,
                reset=account.reset,
                restore_ms=round((account.restored_ns - account.detected_ns) / 1e6, 3),
                total_ms=round((account.announced_ns - account.detected_ns) / 1e6, 3),
            )

    def announce(self, _order: events.Announce | None = None) -> None:
        """Hosts may have learned the addresses from the other node, which spoke from them; or have missed where they
        are, on a network that was away."""
        if self._takeover is not None:
            self._takeover.announce()

    # --- ceasing to be

    def fall_silent(self) -> None:
        """Close the lease, let go of every connection without a word, take the addresses away."""
        self._parts.lease.close()
        self._parts.proxy.vanish()
        self._parts.addresses.remove()

    def stand_down(self, order: events.StandDown) -> None:
        """End this life, silently."""
        self._parts.lease.close()
        logger.warning("standing down", reason=order.reason)
        if self._farewell is not None:
            self._spawn(self._linger(self._farewell))
        else:
            self.fall_silent()
            self._loop.call_soon(self._end, exits.STOOD_DOWN)

    async def _linger(self, farewell: Farewell) -> None:
        """The successor has much to do now; letting go of everything can wait, and then takes second place."""
        until_s = clock.boottime_s() + LINGER_S
        while clock.boottime_s() < until_s:
            self.beaten()
            await asyncio.sleep(self._parts.config.cluster.heartbeat.interval_s)
        farewell.close()
        set_niceness(os.getpid(), ORDINARY)
        self.fall_silent()
        self._end(exits.STOOD_DOWN)

    def begin_handover(self, order: events.BeginHandover) -> None:
        """Planned switchover, if the passive node holds what it must."""
        if self._parts.replicator.standing is Standing.IN_SYNC:
            self._spawn(self._hand_over(order))
        else:
            self._fail_handover()

    def _fail_handover(self) -> None:
        self._member.step(events.HandoverFailed("the passive node is not in sync"))
        if self._leaving:
            self.leave()

    async def _hand_over(self, order: events.BeginHandover) -> None:
        """Have all prepared, read what has come, fall silent, give the passive all there is, tell it to take over."""
        parts = self._parts
        if order.reason != DATA_LINKS:  # else there are those whom nobody serves as long as this lasts
            await self._come_close()
        if parts.gate is not None:
            self._farewell = Farewell(self._loop, parts.config)
            await self._read_out()
        if self._member.role is not Role.ACTIVE:
            return
        if parts.replicator.standing is not Standing.IN_SYNC:
            self._stay()
            self._fail_handover()
            return
        parts.lease.close()
        parts.replicator.hand_over(order.epoch)
        parts.proxy.freeze()
        parts.proxy.stop()
        # the last word must leave before the process does
        await self._streamed(lambda: parts.replicator.all_committed, HANDOVER_LIMIT_S)
        self._member.step(events.HandoverDone())

    def _stay(self) -> None:
        if self._farewell is not None:
            self._farewell.close()
            self._farewell = None

    async def _come_close(self) -> None:
        """While this node still serves, have the passive know what the peers have acknowledged, which it would send
        again, and restore every connection as it stands. In the gap only those remain that have moved since."""
        replicator, until_s = self._parts.replicator, clock.boottime_s() + CLOSE_LIMIT_S
        for _ in range(PREPARATIONS):
            left_s = until_s - clock.boottime_s()
            if left_s <= 0:
                return
            for relay in list(self._parts.proxy.relays.values()):
                relay.progress()
            replicator.prepare()
            await self._streamed(lambda: replicator.prepared, left_s)

    async def _read_out(self) -> None:
        """The farewell keeps what comes from now on. What came before is read in the ordinary way; of a long stream the
        rest stays unacknowledged, and its sender sends it again."""
        turns = self._parts.proxy.around.turns
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_OUT_LIMIT_S):
                await asyncio.sleep(READ_OUT_S)
                while turns.waiting:
                    await asyncio.sleep(0)

    async def _streamed(self, done: Callable[[], bool], limit_s: float) -> None:
        """Wait for something from the passive, as long as there is a stream and no longer than so."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self._parts.replicator.channel is not None and not done():
                    await asyncio.sleep(HANDOVER_POLL_S)

    def leave(self) -> None:
        """Hand over if somebody can take over; otherwise tell the peers by resetting what cannot go on.

        A passive whose stream has just been lost may still take over, as from a node that dies.
        """
        self._leaving = True
        self._member.step(events.SwitchoverRequested("leaving"))
        if self._member.machine.handing_over:
            return
        for relay in list(self._parts.proxy.relays.values()):
            if not self._may_go_on_elsewhere(relay):
                relay.abort("the node leaves and nobody takes over")
        self.fall_silent()
        self._end(exits.DONE)

    def _may_go_on_elsewhere(self, relay: Relay) -> bool:
        """Whether the passive may hold all of a session that was ever acknowledged. One that was stopped for a moment
        goes on when it wakes."""
        machine, standing = self._member.machine, self._parts.replicator.standing
        latest, heard_s = machine.peer.latest, self.peer_heard_s
        lives = heard_s is not None and clock.boottime_s() - heard_s <= self._parts.config.cluster.heartbeat.gone_s
        heard = lives and latest is not None and latest.role is Role.PASSIVE
        follows = heard or standing is Standing.IN_SYNC  # the stream may have told before any heartbeat did
        kept = relay.gating is not Gating.SOLO and standing is not Standing.DEGRADING
        return follows and kept and machine.settings.session_pickup

    def request_switchover(self) -> str | None:
        """For the operator: why it cannot be, or None when it has begun."""
        if self._member.role is not Role.ACTIVE:
            return "this node is not active"
        self._member.step(events.SwitchoverRequested("operator"))
        if self._member.machine.handing_over:
            return None
        return obstacle(self._member.machine.peer, self._parts.replicator.standing is Standing.IN_SYNC) or "not now"

    def ask_witness(self, question: events.AskWitness) -> None:
        """The answer comes as an event."""
        assert self._parts.witness is not None, "a machine without a witness asks nothing"
        self._parts.witness.ask(question)

    # --- heartbeats

    def facts(self) -> Facts:
        """What a heartbeat says of the sessions and their replication."""
        parts = self._parts
        active = self._member.role is Role.ACTIVE
        stream = parts.replicator.channel if active else parts.standby.channel
        return Facts(
            sync=self._status.sync(),
            stream=stream is not None,
            solo=active and parts.replicator.standing in (Standing.SOLO, Standing.DEGRADING),
            stale=not active and parts.standby.stale,
            sessions=len(parts.proxy.relays if active else parts.standby.cache.sessions),
            question=parts.replicator.question if active else 0,
            answer=0 if active else parts.standby.answer_to(self._member.machine.peer.incarnation),
        )

    @property
    def peer_stale(self) -> bool:
        """Whether the passive has said what lets us go solo. One of 0.1.0 says only that its cache is stale, which a
        stream that it has not done with can change yet."""
        stale, answer = self._peer_said
        return answer == self._parts.replicator.question != 0 if self._member.peer_answers else stale

    def peer_heard(self, message: Heartbeat) -> None:
        """A heartbeat of the peer that is meant for this life of ours."""
        if message.role is Role.ACTIVE:  # a later life may run on a rebooted machine, whose clock began anew
            self._peer_clock = (message.clock_ms, clock.timestamp_clock_ms())
        self.peer_heard_s = clock.boottime_s()
        self._peer_said = (message.stale, message.answer)
        if self._member.role is Role.PASSIVE and message.role is Role.ACTIVE:
            asked = (message.incarnation, message.question)
            self._parts.standby.primary_says(stream=message.stream, solo=message.solo, asked=asked)

    def peer_died(self) -> None:
        """The peer's guard says that its worker is dead."""
        if self._member.role is Role.ACTIVE:
            self.peer_heard_s = None
            self._parts.replicator.peer_gone()

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()  # a fault must not stay unseen
