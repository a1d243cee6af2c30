"""The worker: one life of a node, from starting to passive to active, or any part of that.

It wires the parts together. Standing down ends the life: sockets are let go silently, the process exits, and the
guard starts the next one.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from pathlib import Path
from typing import Any

from inspector import Result
from node import channel, clock, log, store, tether
from node.addressing import Addresses
from node.admin import Admin, Sources, routes
from node.agreement import Agreement
from node.arrivals import Arrivals
from node.channel import Channel, Credentials, Owner
from node.child import Orders
from node.config import Config, Link
from node.duties import NodeDuties, Parts
from node.epochs import EpochKeeper
from node.errors import StartupError
from node.events.pipeline import Events
from node.inspectors import Inspectors, host_of
from node.kernel.acks import AckSender
from node.kernel.gate import Gate
from node.keys import Keys, fingerprint, read_keys
from node.lease import Lease
from node.lessons import Lessons
from node.links import Links
from node.member import Member
from node.metrics.gauges import Gauges
from node.metrics.tallies import Tallies
from node.networks import DataNetworks
from node.policy import load_all
from node.precedence import SERVING, set_niceness
from node.proxy import Proxy
from node.rates import Rates
from node.refusals import Refusals
from node.relay import Relay, Surroundings
from node.release import SOFTWARE
from node.reload import Reload
from node.replicator import Replicator, Standing
from node.schemas import READS, written_for
from node.spares import Spares
from node.standby import Standby
from node.status import Status
from node.takeover import Account
from node.turns import Turns
from node.understudies import Understudies
from node.witness import EtcdWitness
from protocol import events
from protocol.datagrams import DatagramOpener, DatagramSealer
from protocol.errors import HandshakeError
from protocol.events import WitnessAnswered, WitnessFailed
from protocol.handover import obstacle
from protocol.handshake import Identity
from protocol.heartbeat import DeathNotice, Heartbeat, Role
from protocol.roles import RoleMachine

logger = log.get("worker")


class Worker:
    """The parts of a node and the strings between them."""

    def __init__(self, orders: Orders, config: Config, guard: socket.socket) -> None:
        self._orders = orders
        self._config = config
        self._guard = guard
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._counters: Counter[str] = Counter()
        self._tallies = Tallies()
        keys = read_keys(config.cluster.key_file)
        refusals = Refusals(self._counters, clock.boottime_s)
        self._credentials = Credentials(keys, self._identity, refusals)
        self._parts = self._build_parts()
        self._duties = NodeDuties(self._parts, self._end, self._beaten)
        self._epochs = EpochKeeper(self._parts.epoch, self._loop, clock.boottime_s)
        self._parts.standby.on_prepare = self._duties.prepare
        self._links = Links(
            config,
            DatagramSealer(keys[0], config.cluster.group, config.node.name, orders.incarnation),
            DatagramOpener(keys[0], config.cluster.group, *keys[1:]),
            self._heard,
            refusals,
            self._counters,
            clock.boottime_s,
        )
        machine = RoleMachine(self._settings(), clock.boottime_s())
        self._member = Member(
            machine,
            self._parts.lease,
            self._links,
            self._duties,
            config.cluster.heartbeat.interval_s,
            Agreement(self._parts.proxy.inspectors.rulebook.tables, self._rules_compared),
        )
        self._status = Status(self._parts, orders, self._member, self._links, self._counters, clock.boottime_s())
        self._status.keys = list(map(fingerprint, keys))
        self._status.misfit = lambda: refusals.recent("stream", "schema")
        self._duties.join(self._member, self._status)
        self._parts.replicator.may_go_solo = lambda: machine.may_go_solo
        self._rates = Rates(self._counters, self._status, self._tallies)
        self._events = Events(
            config, self._parts.proxy.inspectors, orders.incarnation, lambda: self._member.machine.epoch
        )
        self._member.on_effect, self._member.on_role = self._events.node.effect, self._events.node.role
        self._duties.on_takeover = self._took_over
        self._lessons = Lessons()
        proxy = self._parts.proxy
        self._reload = Reload(
            Path(orders.config), config, proxy.inspectors, proxy.relays, self._taken_up, self._events.node
        )
        request, gauges = self._duties.request_switchover, Gauges(self._status, self._events, self._tallies)
        sources = Sources(config, self._status, self._events, self._lessons, gauges, request, self._reload)
        self._admin = Admin(config, routes(sources), refusals)

    # --- parts

    def _build_parts(self) -> Parts:
        config, gate = self._config, None
        if self._orders.gate is not None:
            gate = Gate.adopt(self._orders.gate, 2 * config.limits.sessions)
        relays: dict[int, Relay] = {}
        replicator = Replicator(config, relays, self._counters, clock.boottime_s, self._loop.call_soon)
        replicator.on_change = self._standing_changed
        replicator.on_committed = self._tallies.committed.add
        inspectors = Inspectors(config, load_all(config))
        replicator.shared, replicator.shared_whole = inspectors.changed, inspectors.whole
        turns = Turns(self._loop)
        around = Surroundings(
            loop=self._loop,
            turns=turns,
            arrivals=Arrivals(self._loop, turns.ready),
            publisher=replicator,
            acks=None if gate is None else AckSender(),
            buffer_bytes=config.limits.buffer_bytes,
            clock_s=clock.boottime_s,
            on_result=self._inspected,
            on_closed=self._session_closed,
            on_fault=self._session_failed,
            on_relayed=self._tallies.relayed.add,
            on_opened=self._session_opened,
        )
        lost_s = config.cluster.heartbeat.lost_s
        standby = Standby(self._open_stream, config.limits.sessions, lost_s, self._counters, clock.boottime_s)
        standby.on_change = self._cache_changed
        standby.on_handover = lambda epoch: self._member.step(events.HandoverReceived(epoch))
        witness = None
        if config.witness is not None:
            witness = EtcdWitness(config.cluster.group, config.witness, self._witness_told, self._counters)
        proxy = Proxy(config, gate, around, relays, self._counters, inspectors)
        return Parts(
            config,
            gate,
            Lease(gate, config.cluster.heartbeat.lease_ns),
            Addresses(config.virtual_addresses),
            store.epoch(config.node.state_dir, config.node.name),
            proxy,
            replicator,
            standby,
            witness,
            None if gate is None else Understudies(config, proxy, Spares(gate, config.limits.buffer_bytes)),
        )

    def _settings(self) -> events.Settings:
        node, cluster = self._config.node, self._config.cluster
        return events.Settings(
            node=node.name,
            priority=node.priority,
            incarnation=self._orders.incarnation,
            epoch=self._parts.epoch.value,
            interval_s=cluster.heartbeat.interval_s,
            lost_threshold=cluster.heartbeat.lost_threshold,
            lease_s=cluster.heartbeat.lease_s,
            hold_down_s=cluster.hold_down_s,
            override=cluster.override,
            session_pickup=cluster.session_pickup and self._orders.hitless,
            witness_lease_s=None if self._config.witness is None else self._config.witness.lease_s,
            solo_after_s=cluster.standby_loss.after_s if self._may_be_solo_unheard else None,
        )

    @property
    def _may_be_solo_unheard(self) -> bool:
        """Whether a primary goes solo that a stopped passive cannot hear, and no witness would tell of it."""
        return self._config.cluster.standby_loss.policy == "degrade" and self._config.witness is None

    def _identity(self) -> Identity:
        return Identity(
            self._config.node.name,
            self._config.cluster.group,
            self._orders.incarnation,
            self._member.machine.epoch,
            READS,
            SOFTWARE,
        )

    # --- life

    async def run(self) -> int:
        """Live; returns the exit code. Raises StartupError or KernelError when the host does not allow it."""
        self._loop.set_exception_handler(self._broken)
        networks = self._status.networks = DataNetworks(self._config, self._loop, self._networks_changed)
        self._loop.add_reader(self._guard.fileno(), self._guard_spoke)
        if self._parts.gate is not None:
            self._parts.proxy.bind()
        await self._links.open()
        servers = [await self._serve(link) for link in self._config.links]
        await self._admin.start()
        self._rates.start(self._loop)
        networks.start()
        if not networks.ok:
            self._member.step(events.DataLinksChanged(False))
        self._events.start(self._status.totals)
        self._events.node.started({"takeover": "hitless" if self._orders.hitless else "reconnect"})
        set_niceness(os.getpid(), SERVING)
        self._member.start()
        logger.info("worker runs", takeover="hitless" if self._orders.hitless else "reconnect")
        try:
            return await self._ended
        finally:
            networks.stop()
            await self._stop(servers)

    async def _stop(self, servers: list[asyncio.Server]) -> None:
        self._member.stop()
        for server in servers:
            server.close()
        self._parts.replicator.close("the node leaves")
        self._parts.standby.close("the node leaves")
        self._parts.proxy.stop()
        if self._parts.witness is not None:
            await self._parts.witness.close()
        self._links.close()
        await self._admin.stop()
        self._events.close()

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

    def _broken(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error that nobody caught. One stream's costs that stream; any other ends this life: the peer, told by
        the guard, takes over from a node that no longer knows what it is doing."""
        error = context.get("exception")
        logger.error(context["message"], exc_info=error)
        if "transport" not in context and not self._ended.done():
            self._ended.set_exception(error or RuntimeError(context["message"]))

    # --- the guard

    def _guard_spoke(self) -> None:
        packet = tether.receive(self._guard)
        if packet is None:
            return
        if packet == tether.RELOAD:
            self._reload.begin(lambda: tether.send(self._guard, tether.RELOADED))
            return
        if packet == b"":
            self._loop.remove_reader(self._guard.fileno())
            logger.error("the guard is gone: leaving")
        self._duties.leave()

    def _taken_up(self, keys: Keys) -> None:
        """A reload has changed what this node goes by."""
        self._credentials.keys = keys
        self._links.rekey(keys)
        self._status.keys = list(map(fingerprint, keys))
        tether.send(self._guard, tether.KEYS)
        self._member.agreement.here(self._parts.proxy.inspectors.rulebook.tables)

    def _rules_compared(self, differing: list[str]) -> None:
        """Both nodes have begun, or ceased, to judge by different tables."""
        facts = {"differing": differing, **self._member.agreement.view()}
        if differing:
            self._events.node.refused("the nodes go by different rules: " + ", ".join(differing), facts)
        else:
            self._events.node.configured("both nodes go by the same rules", facts)

    def _beaten(self) -> None:
        """A heartbeat has gone out: tell the guard, and look after what hangs on time."""
        machine, parts = self._member.machine, self._parts
        standby = obstacle(machine.peer, parts.replicator.standing is Standing.IN_SYNC) is None
        beat = tether.Beat(machine.role, machine.epoch, self._orders.incarnation, machine.peer.incarnation, standby)
        tether.send(self._guard, tether.pack_beat(beat))
        self._links.count_lost()
        self._events.node.beaten(self._status.sync(), self._links)
        self._epochs.look(machine.epoch, is_passive=machine.role is Role.PASSIVE)
        if machine.role is Role.PASSIVE:
            if machine.peer.latest is not None and machine.peer.latest.role is Role.ACTIVE:
                parts.standby.follow(self._links.live())
            if parts.understudies is not None:
                parts.understudies.follow(parts.standby.cache.sessions)
        elif machine.role is Role.ACTIVE:
            parts.replicator.tick(self._duties.peer_stale, self._duties.peer_heard_s)

    # --- the other node

    def _heard(self, link: Link, sender: str, incarnation: int, message: DeathNotice | Heartbeat) -> None:
        self._member.heard(link, sender, incarnation, message)

    def _open_stream(self, link: Link) -> asyncio.Task[Channel]:
        return self._loop.create_task(channel.connect(self._credentials, link, self._stream_opened))

    def _stream_opened(self, stream: Channel) -> Owner:
        assert stream.peer is not None, "it has proved who it is"
        self._member.meet(stream.peer)
        return self._parts.standby.opened(stream)

    def _stream_arrived(self, stream: Channel) -> Owner:
        if self._member.role is not Role.ACTIVE or not self._parts.lease.held:
            raise HandshakeError("not-active", "only the active node gives a stream")
        if (rests_s := self._parts.replicator.rests_s()) > 0:
            raise HandshakeError("resting", f"the passive node was too slow; it may come again in {rests_s:.1f} s")
        assert stream.peer is not None, "it has proved who it is"
        written = written_for(stream.peer)
        self._member.meet(stream.peer)
        self._parts.replicator.joined(stream, written["messages"])
        return self._parts.replicator

    def _witness_told(self, answer: WitnessAnswered | WitnessFailed) -> None:
        self._member.step(answer)

    def _cache_changed(self) -> None:
        self._member.step(events.Synced() if self._parts.standby.usable else events.Desynced())
        self._member.send_heartbeat()  # the primary may be waiting for just this

    def _standing_changed(self) -> None:
        standing = self._parts.replicator.standing
        self._member.step(events.StreamUp() if standing is Standing.IN_SYNC else events.StreamDown())
        if standing is Standing.DEGRADING:
            self._member.step(events.SoloWanted())

    # --- data

    def _networks_changed(self, changed: dict[str, bool]) -> None:
        assert self._status.networks is not None, "they are watched"
        self._events.node.data_links(changed)
        if any(changed.values()):
            self._duties.announce()
        self._member.step(events.DataLinksChanged(self._status.networks.ok))

    def _inspected(self, relay: Relay, result: Result) -> None:
        self._rates.count(result)
        self._events.sessions.inspected(relay, result)
        self._lessons.take(relay, result)
        for finding in result.findings:
            logger.warning("finding", serial=relay.session.serial, **finding._asdict())
        if result.quarantine_s:
            self._quarantine(relay.session.client)

    def _quarantine(self, client: str) -> None:
        """All of the peer's sessions end, and the other node learns at once whom to refuse."""
        self._parts.replicator.share()
        for relay in list(self._parts.proxy.relays.values()):
            if host_of(relay.session.client) == host_of(client):
                relay.abort("its peer is in quarantine")

    def _session_failed(self, relay: Relay, error: Exception) -> None:
        self._counters["internal_errors"] += 1
        logger.error("internal error", serial=relay.session.serial, exc_info=error)

    def _took_over(self, account: Account) -> None:
        self._events.node.took_over(account)
        self._events.resumed(self._parts.proxy.relays.values())

    def _session_opened(self, relay: Relay) -> None:
        self._events.sessions.opened(relay)

    def _session_closed(self, relay: Relay, reason: str) -> None:
        self._parts.proxy.forget(relay)
        self._events.sessions.closed(relay, reason)
        logger.info("session closed", serial=relay.session.serial, reason=reason)
