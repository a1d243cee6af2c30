"""The worker: one life of a node, from starting to passive to active, or any part of that.

    python -m node.worker ORDERS        started by the guard only; ORDERS is JSON (node/child.py)

It wires the parts together and performs what the role machine decides. Standing down ends the life: sockets are
let go silently, the process exits, and the guard starts the next one.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import socket
import sys
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path

import uvloop

from inspector import Result
from node import channel, clock, exits, log, tether
from node.addressing import Addresses
from node.admin import Admin
from node.channel import Channel, Credentials, Owner
from node.child import Orders
from node.config import Config, Link, load
from node.errors import StartupError
from node.kernel.acks import AckSender
from node.kernel.addresses import LinkWatcher
from node.kernel.errors import KernelError
from node.kernel.gate import Gate
from node.keys import KeyFileError, read_key
from node.lease import Lease, LeaseOverError
from node.links import Links
from node.member import Facts, Member
from node.proxy import Proxy
from node.rates import Rates
from node.refusals import Refusals
from node.relay import Relay, Surroundings
from node.replicator import Replicator, Standing
from node.standby import Standby
from node.status import Status
from node.store import Store
from node.takeover import Takeover
from node.turns import Turns
from protocol import events
from protocol.datagrams import DatagramOpener, DatagramSealer
from protocol.errors import HandshakeError
from protocol.handover import obstacle
from protocol.handshake import Identity
from protocol.heartbeat import DeathNotice, Heartbeat, Role
from protocol.roles import RoleMachine
from protocol.session import Session

NICENESS = -10
"""The worker comes before ordinary processes. No real-time class: under load that would starve the kernel's own
network threads, and the throttling of real-time tasks would stop the worker for 50 ms in every second."""
HANDOVER_LIMIT_S = 1.0
HANDOVER_POLL_S = 0.001
FILES_BESIDES = 256
SOFTWARE = "iccp-tandem 0.1"
SCHEMAS = {"messages": (1,), "decoder": (1,)}
"""What the replication stream carries, and the versions that this release reads and writes."""

logger = log.get("worker")


class Worker:
    """The parts of a node, and the duties that the role machine gives them."""

    def __init__(self, orders: Orders, config: Config, guard: socket.socket) -> None:
        self._orders = orders
        self._config = config
        self._guard = guard
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._counters: Counter[str] = Counter()
        self._peer_clock: tuple[int, int] | None = None
        self._peer_heard_s: float | None = None
        self._peer_stale = False
        self._store = Store(config.node.state_dir, config.node.name)
        self._addresses = Addresses(config.virtual_addresses)
        self._gate = None if orders.gate is None else Gate.adopt(orders.gate, 2 * config.limits.sessions)
        self._lease = Lease(self._gate, config.cluster.heartbeat.lease_ns)
        self._build_cluster(read_key(config.cluster.key_file))
        self._build_proxy()
        self._status = Status(
            config,
            orders.hitless,
            orders.missing,
            self._member,
            self._lease,
            self._links,
            self._replicator,
            self._standby,
            self._proxy,
            self._gate,
            self._counters,
            clock.boottime_s(),
        )
        self._rates = Rates(self._counters, self._status)
        self._admin = Admin(config, self._status, self._request_switchover)

    # --- parts

    def _build_cluster(self, secret: bytes) -> None:
        config, incarnation = self._config, self._orders.incarnation
        beat = config.cluster.heartbeat
        settings = events.Settings(
            node=config.node.name,
            priority=config.node.priority,
            incarnation=incarnation,
            epoch=self._store.epoch,
            interval_s=beat.interval_s,
            lost_threshold=beat.lost_threshold,
            lease_s=beat.lease_s,
            hold_down_s=config.cluster.hold_down_s,
            override=config.cluster.override,
            session_pickup=config.cluster.session_pickup and self._orders.hitless,
        )
        machine = RoleMachine(settings, clock.boottime_s())
        refusals = Refusals(self._counters, clock.boottime_s)
        self._links = Links(
            config,
            DatagramSealer(secret, config.cluster.group, config.node.name, incarnation),
            DatagramOpener(secret, config.cluster.group),
            self._heard,
            refusals,
            self._counters,
            clock.boottime_s,
        )
        self._member = Member(machine, self._lease, self._links, self, beat.interval_s)
        self._credentials = Credentials(secret, self._identity, refusals)
        self._standby = Standby(
            self._open_stream, config.limits.sessions, beat.lost_s, self._counters, clock.boottime_s
        )
        self._standby.on_change = self._cache_changed
        self._standby.on_handover = lambda epoch: self._member.step(events.HandoverReceived(epoch))

    def _build_proxy(self) -> None:
        config = self._config
        relays: dict[int, Relay] = {}
        self._replicator = Replicator(config, relays, self._counters, clock.boottime_s, self._loop.call_soon)
        self._replicator.on_change = self._standing_changed
        around = Surroundings(
            loop=self._loop,
            turns=Turns(self._loop),
            publisher=self._replicator,
            acks=None if self._gate is None else AckSender(),
            buffer_bytes=config.limits.buffer_bytes,
            clock_s=clock.boottime_s,
            on_result=self._inspected,
            on_closed=self._session_closed,
        )
        self._proxy = Proxy(config, self._gate, around, relays, self._counters)

    def _identity(self) -> Identity:
        return Identity(
            self._config.node.name,
            self._config.cluster.group,
            self._orders.incarnation,
            self._member.machine.epoch,
            SCHEMAS,
            SOFTWARE,
        )

    # --- life

    async def run(self) -> int:
        """Live; returns the exit code. Raises StartupError or KernelError when the host does not allow it."""
        watcher = LinkWatcher(self._config.interfaces)
        self._loop.add_reader(watcher.fileno(), self._carrier_changed, watcher)
        self._loop.add_reader(self._guard.fileno(), self._guard_spoke)
        if self._gate is not None:
            self._proxy.bind()
        await self._links.open()
        servers = [await self._serve(link) for link in self._config.links]
        await self._admin.start()
        _settle_memory()
        self._rates.start(self._loop)
        if not all(watcher.up.values()):
            self._member.step(events.DataLinksChanged(False))
        self._member.start()
        logger.info("worker runs", takeover="hitless" if self._orders.hitless else "reconnect")
        try:
            return await self._ended
        finally:
            self._member.stop()
            for server in servers:
                server.close()
            self._replicator.close("the node leaves")
            self._standby.close("the node leaves")
            self._proxy.stop()
            self._links.close()
            await self._admin.stop()

    async def _serve(self, link: Link) -> asyncio.Server:
        try:
            return await channel.serve(self._credentials, link, self._stream_arrived)
        except OSError as error:
            raise StartupError(
                f"link {link.name}: cannot use {link.local} (TCP): {error.strerror}",
                "give the link an address of this host and a port that nothing else uses",
            ) from error

    def _end(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)

    def _guard_spoke(self) -> None:
        packet = tether.receive(self._guard)
        if packet is None:
            return
        if packet == b"":
            self._loop.remove_reader(self._guard.fileno())
            logger.error("the guard is gone: leaving")
        self._leave()

    def _leave(self) -> None:
        """Hand over if somebody can take over; otherwise tell the peers by resetting what cannot go on."""
        self._member.step(events.SwitchoverRequested("leaving"))
        if self._member.machine.handing_over:
            return
        for relay in list(self._proxy.relays.values()):
            relay.abort("the node leaves and nobody takes over")
        self._fall_silent()
        self._end(exits.DONE)

    def _fall_silent(self) -> None:
        self._lease.close()
        self._proxy.vanish()
        self._addresses.remove()

    # --- duties that the role machine gives

    def activate(self, order: events.Activate) -> None:
        """Take the active role, with the cached sessions if the order says so."""
        self._lease.claim(self._member.stepped_ns)
        if order.reason in {"alone", "elected"}:
            self._spawn(self._activate_first(order))
        else:
            self._take_over(order)

    async def _activate_first(self, order: events.Activate) -> None:
        """Nobody was active: see first that no stranger holds an address."""
        stranger = await self._loop.run_in_executor(None, self._addresses.taken_by)
        if stranger is not None:
            self._refuse(
                StartupError(
                    f"virtual address {stranger}",
                    "free the address, or configure another one in virtual_addresses",
                )
            )
            return
        if self._member.role is Role.ACTIVE:  # a better node may have spoken up meanwhile
            self._take_over(order)

    def _take_over(self, order: events.Activate) -> None:
        silent_ms = 0.0 if self._peer_heard_s is None else (clock.boottime_s() - self._peer_heard_s) * 1000
        takeover = Takeover(
            self._config,
            self._gate,
            self._proxy,
            self._lease,
            self._addresses,
            self._store,
            self._member.pulse,
        )
        try:
            account = takeover.run(
                order.epoch, order.reason, self._kept(order), self._peer_timestamp_clock_ms(), silent_ms
            )
        except LeaseOverError:
            self._member.step(events.LeaseLost())
            return
        except (OSError, KernelError) as error:
            self._fall_silent()
            logger.error("cannot become active", error=str(error))
            self._member.step(events.ActivationFailed(str(error)))
            return
        self._status.account = account
        self._standby.close("taking over")
        self._member.step(events.ActivationDone())
        logger.info(
            "active",
            epoch=account.epoch,
            reason=account.reason,
            sessions=account.sessions,
            reset=account.reset,
            restore_ms=round((account.restored_ns - account.detected_ns) / 1e6, 3),
            total_ms=round((account.announced_ns - account.detected_ns) / 1e6, 3),
        )

    def _kept(self, order: events.Activate) -> list[Session]:
        return list(self._standby.cache.sessions.values()) if order.use_cache else []

    def _peer_timestamp_clock_ms(self) -> int:
        """The other host's CLOCK_MONOTONIC now, going by its last heartbeat: what its TCP timestamps are made from."""
        now_ms = clock.timestamp_clock_ms()
        if self._peer_clock is None:
            return now_ms
        theirs_ms, mine_ms = self._peer_clock
        return theirs_ms + now_ms - mine_ms

    def stand_down(self, order: events.StandDown) -> None:
        """End this life, silently."""
        self._fall_silent()
        logger.warning("standing down", reason=order.reason)
        self._loop.call_soon(self._end, exits.STOOD_DOWN)

    def begin_handover(self, order: events.BeginHandover) -> None:
        """Planned switchover: fall silent, give the passive all there is, tell it to take over."""
        if self._replicator.standing is not Standing.IN_SYNC:
            self._member.step(events.HandoverFailed("the passive node is not in sync"))
            return
        self._lease.close()
        self._proxy.freeze()
        self._proxy.stop()
        self._replicator.hand_over(order.epoch)
        self._spawn(self._finish_handover())

    async def _finish_handover(self) -> None:
        """The last word must leave this host before the process does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HANDOVER_LIMIT_S):
                while self._replicator.channel is not None and not self._replicator.all_committed:
                    await asyncio.sleep(HANDOVER_POLL_S)
        self._member.step(events.HandoverDone())

    def facts(self) -> Facts:
        """What a heartbeat says of the sessions and their replication."""
        active = self._member.role is Role.ACTIVE
        stream = self._replicator.channel if active else self._standby.channel
        return Facts(
            sync=self._status.sync(),
            stream=stream is not None,
            solo=active and self._replicator.standing in (Standing.SOLO, Standing.DEGRADING),
            stale=not active and self._standby.stale,
            sessions=len(self._proxy.relays if active else self._standby.cache.sessions),
        )

    def beaten(self) -> None:
        """A heartbeat has gone out: tell the guard, and look after what hangs on time."""
        machine = self._member.machine
        beat = tether.Beat(machine.role, machine.epoch, self._orders.incarnation, machine.peer.incarnation)
        tether.send(self._guard, tether.pack_beat(beat))
        if machine.epoch > self._store.epoch and machine.role is Role.PASSIVE:
            self._loop.run_in_executor(None, self._store.raise_epoch, machine.epoch)
        self._links.count_missed()
        if machine.role is Role.PASSIVE:
            latest = machine.peer.latest
            if latest is not None and latest.role is Role.ACTIVE:
                self._standby.follow(self._links.live())
        elif machine.role is Role.ACTIVE:
            self._replicator.tick(self._peer_stale, self._peer_heard_s)

    # --- what comes from outside

    def _heard(self, link: Link, sender: str, incarnation: int, message: DeathNotice | Heartbeat) -> None:
        self._member.heard(link, sender, incarnation, message)

    def peer_heard(self, message: Heartbeat) -> None:
        """A heartbeat of the peer that is meant for this life of ours."""
        self._peer_clock = (message.clock_ms, clock.timestamp_clock_ms())
        self._peer_heard_s = clock.boottime_s()
        self._peer_stale = message.stale
        if self._member.role is Role.PASSIVE and message.role is Role.ACTIVE and message.solo:
            self._standby.primary_is_solo()

    def peer_died(self) -> None:
        """The peer's guard says that its worker is dead."""
        if self._member.role is Role.ACTIVE:
            self._replicator.peer_gone()

    def _open_stream(self, link: Link) -> asyncio.Task[Channel]:
        return self._loop.create_task(channel.connect(self._credentials, link, self._standby.opened))

    def _stream_arrived(self, stream: Channel) -> Owner:
        if self._member.role is not Role.ACTIVE or not self._lease.held:
            raise HandshakeError("not-active", "only the active node gives a stream")
        self._replicator.joined(stream)
        return self._replicator

    def _carrier_changed(self, watcher: LinkWatcher) -> None:
        if changed := watcher.changes():
            logger.warning("data interfaces changed", **changed)
            self._member.step(events.DataLinksChanged(all(watcher.up.values())))

    def _cache_changed(self) -> None:
        self._member.step(events.Synced() if self._standby.usable else events.Desynced())
        self._member.send_heartbeat()  # the primary may be waiting for just this

    def _standing_changed(self) -> None:
        in_sync = self._replicator.standing is Standing.IN_SYNC
        self._member.step(events.StreamUp() if in_sync else events.StreamDown())

    def _inspected(self, relay: Relay, result: Result) -> None:
        self._rates.count(result)
        for finding in result.findings:
            logger.warning(
                "finding",
                serial=relay.session.serial,
                code=finding.code,
                severity=finding.severity,
                detail=finding.detail,
            )

    def _session_closed(self, relay: Relay, reason: str) -> None:
        self._proxy.forget(relay)
        logger.info("session closed", serial=relay.session.serial, reason=reason)

    def _request_switchover(self) -> str | None:
        """For the operator: why it cannot be, or None when it has begun."""
        if self._member.role is not Role.ACTIVE:
            return "this node is not active"
        self._member.step(events.SwitchoverRequested("operator"))
        if self._member.machine.handing_over:
            return None
        return obstacle(self._member.machine.peer, self._replicator.standing is Standing.IN_SYNC) or "not now"

    def _refuse(self, error: StartupError) -> None:
        print(f"tandem: {error}", file=sys.stderr, flush=True)
        self._fall_silent()
        self._end(exits.BAD_HOST)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _allow_sockets(sessions: int) -> None:
    """Two sockets a session and some; raises StartupError when the host's hard limit is lower."""
    wanted = 2 * sessions + FILES_BESIDES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise StartupError(
            f"limits.sessions: {sessions} sessions need {wanted} open files, and this process may have {hard}",
            "raise the limit (LimitNOFILE= of the service, ulimit -Hn), or lower limits.sessions",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), hard))


def _settle_memory() -> None:
    """What is loaded now stays: the collector need not look at it, nor often at the rest (a pause is a stutter)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _live(orders: Orders, config: Config, guard: socket.socket) -> int:
    return await Worker(orders, config, guard).run()


def main() -> int:
    """Run one life with the orders given."""
    orders = Orders(**json.loads(sys.argv[1]))
    config = load(Path(orders.config))
    log.configure(config.log, node=config.node.name)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    guard = socket.socket(fileno=orders.tether)
    guard.setblocking(False)
    try:
        _allow_sockets(config.limits.sessions)
        return uvloop.run(_live(orders, config, guard))
    except (StartupError, KernelError, KeyFileError) as error:
        print(f"tandem: {error}", file=sys.stderr, flush=True)
        return exits.BAD_HOST


if __name__ == "__main__":
    sys.exit(main())
