"""The active node's sessions: listeners, accepted clients, connections to servers, time-outs.

A client is accepted at once, then the server is connected, then the passive node is told of both legs; only when
it holds the session do bytes move. A node that dies in between leaves nothing half done: no byte was taken.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import suppress

from inspector import Stack
from node import clock
from node.config import Config, Service
from node.decoder import LiveDecoder
from node.end import End, reset_on_close
from node.inspectors import Inspectors
from node.kernel import tcp
from node.kernel.flow import Flow
from node.kernel.gate import Gate
from node.kernel.layout import flow_key
from node.kernel.record import local_of
from node.log import get
from node.ports import RestingPorts
from node.relay import Relay, Surroundings
from protocol.session import CLIENT, SERVER, Leg, Session

ACCEPT_BURST_MAX = 64
LISTEN_BACKLOG = 1024
SWEEP_S = 1.0
ANOTHER_PORT = 0
"""Not the client's own, but whichever is free."""
ID_BITS = 24
"""Session ids are unique in the cluster: the epoch, then a count within it."""

log = get("proxy")


class Proxy:
    """All sessions of this node while it is active."""

    def __init__(
        self,
        config: Config,
        gate: Gate | None,
        around: Surroundings,
        relays: dict[int, Relay],
        counters: Counter[str],
        inspectors: Inspectors,
    ) -> None:
        self.relays = relays
        self.inspectors = inspectors
        self.around = around
        self._config = config
        self._gate = gate
        self._counters = counters
        self._listeners: dict[socket.socket, Service] = {}
        self._last_id = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._accepting = False
        self._swept_s = around.clock_s()
        self._swept_bytes: dict[int, tuple[int, int]] = {}
        self._ports = RestingPorts()

    # --- listeners

    def bind(self) -> None:
        """Bind every service's listener; raises KernelError."""
        for service in self._config.services:
            sock = tcp.listener(
                service.listen.sockaddr,
                LISTEN_BACKLOG,
                self._config.limits.buffer_bytes,
                transparent=self._gate is not None,
            )
            self._listeners[sock] = service

    def accept_from(self, epoch: int) -> None:
        """This node is active as of `epoch`: accept clients."""
        self._last_id = epoch << ID_BITS
        self._accepting = True
        for sock, service in self._listeners.items():
            self.around.loop.add_reader(sock.fileno(), self._accept, sock, service)
        self._sweeper = self.around.loop.call_later(SWEEP_S, self._sweep)

    def stop(self) -> None:
        """Accept no more; close the listeners."""
        self._accepting = False
        if self._sweeper is not None:
            self._sweeper.cancel()
        for task in self._opening:
            task.cancel()
        for sock in self._listeners:
            self.around.loop.remove_reader(sock.fileno())
            sock.close()
        self._listeners.clear()

    def _accept(self, listener: socket.socket, service: Service) -> None:
        for _ in range(ACCEPT_BURST_MAX):
            try:
                sock, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._counters["accept_errors"] += 1
                log.warning("accept failed", service=service.name, error=error.strerror)
                return
            sock.setblocking(False)
            self._counters["accepted"] += 1
            self._admit(sock, service)

    def _admit(self, sock: socket.socket, service: Service) -> None:
        if len(self.relays) >= self._config.limits.sessions:
            self._counters["refused_limit"] += 1
            self._refuse(sock)
            return
        try:
            record = tcp.describe(sock)
            client = f"{record.remote.host}:{record.remote.port}"
            tcp.tune(sock)
            if not self.inspectors.admits(client):
                self._counters["refused_quarantine"] += 1
                self._refuse(sock)
                return
            flow = self._flow(sock)
        except OSError:
            self._refuse(sock)  # the client has gone already
            return
        if flow is None and self._gate is not None:
            self._counters["refused_unknown"] += 1
            self._refuse(sock)
            return
        self._last_id += 1
        self.inspectors.opened(client)
        stack = self.inspectors.fresh(service, client)
        leg = Leg(record.to_wire(), *_bases(flow))
        session = Session(
            self._last_id,
            service.name,
            client,
            str(service.server),
            clock.wall_s(),
            [leg, None],
            LiveDecoder(stack),
            guarded=stack.guarded,
        )
        relay = self.adopt(session, stack, service)
        relay.attach(End(relay, CLIENT, sock, leg, flow))
        relay.announce()
        log.info("client connected", serial=session.serial, client=session.client, service=service.name)
        self.connect(relay, service, record.remote.port)

    def _refuse(self, sock: socket.socket) -> None:
        if self._gate is not None:
            with suppress(OSError):
                self._gate.refuse(key_of(sock))
        reset_on_close(sock)
        sock.close()

    def _flow(self, sock: socket.socket) -> Flow | None:
        return None if self._gate is None else self._gate.register(key_of(sock))

    # --- the server's side

    def adopt(self, session: Session, stack: Stack, service: Service) -> Relay:
        """Take a session into the table."""
        relay = Relay(session, stack, self.around, service.idle_timeout_s)
        self.relays[session.id] = relay
        return relay

    def resume(self, relay: Relay) -> None:
        """Take a session of the other node into the table, its connections restored."""
        self.relays[relay.session.id] = relay
        self._take_port(relay.session)

    def connect(self, relay: Relay, service: Service, preferred_port: int) -> None:
        """Connect the session to its server, then relay; on failure the client is reset."""
        task = self.around.loop.create_task(self._open(relay, service, preferred_port))
        self._opening.add(task)
        task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if not task.cancelled():
            task.result()  # a fault must not stay unseen

    async def _open(self, relay: Relay, service: Service, preferred_port: int) -> None:
        source = str(service.source)
        rests = self._ports.rests(source, preferred_port, self.around.clock_s())
        sock = tcp.open_active(
            source,
            ANOTHER_PORT if rests else preferred_port,
            self._config.limits.buffer_bytes,
            transparent=self._gate is not None,
        )
        try:
            async with asyncio.timeout(service.connect_timeout_ms / 1000):
                await self.around.loop.sock_connect(sock, (str(service.server.host), service.server.port))
            if relay.closed:
                raise ConnectionAbortedError("the client has gone")
            self._attach_server(relay, sock)
        except (OSError, TimeoutError) as error:
            self._counters["server_unreachable"] += 1
            sock.close()
            reason = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
            log.warning("server", serial=relay.session.serial, server=relay.session.server, error=reason)
            relay.abort(f"server {relay.session.server}: {reason}")
            return
        await relay.replicated()
        self.around.on_opened(relay)
        relay.start()

    def _attach_server(self, relay: Relay, sock: socket.socket) -> None:
        flow = self._flow(sock)
        if flow is None and self._gate is not None:
            raise ConnectionAbortedError("the gate does not know the connection")
        tcp.tune(sock)
        leg = Leg(tcp.describe(sock).to_wire(), *_bases(flow))
        relay.session.legs[SERVER] = leg
        relay.attach(End(relay, SERVER, sock, leg, flow))
        self._take_port(relay.session)

    # --- time

    def forget(self, relay: Relay) -> None:
        """The session is over."""
        if self.relays.pop(relay.session.id, None) is not None:
            self.inspectors.closed(relay.session.client)
            self._give_up_port(relay.session)
        self._swept_bytes.pop(relay.session.id, None)

    def _take_port(self, session: Session) -> None:
        if (port := _port(session)) is not None:
            self._ports.take(*port)

    def _give_up_port(self, session: Session) -> None:
        if (port := _port(session)) is not None:
            self._ports.give_up(*port, self.around.clock_s())

    def _sweep(self) -> None:
        now_s = self.around.clock_s()
        elapsed_s = max(now_s - self._swept_s, 1e-3)
        self._swept_s = now_s
        for relay in list(self.relays.values()):
            if now_s - relay.last_active_s > relay.idle_timeout_s:
                self._counters["idle_timeouts"] += 1
                relay.abort("idle for too long")
                continue
            relay.progress()
            self._measure(relay, elapsed_s)
        self._sweeper = self.around.loop.call_later(SWEEP_S, self._sweep)

    def _measure(self, relay: Relay, elapsed_s: float) -> None:
        now = received(relay.session)
        before = self._swept_bytes.get(relay.session.id, now)
        relay.rates = [(a - b) / elapsed_s for a, b in zip(now, before, strict=True)]
        self._swept_bytes[relay.session.id] = now

    # --- leaving

    def freeze(self) -> None:
        """Read no more: a planned switchover."""
        for relay in self.relays.values():
            relay.freeze()

    def vanish(self) -> None:
        """Leave all connections to the other node, silently."""
        for relay in list(self.relays.values()):
            relay.vanish()
        self.relays.clear()


def received(session: Session) -> tuple[int, int]:
    """Bytes received from the client and from the server."""
    client, server = (0 if leg is None else leg.received for leg in session.legs)
    return client, server


def _port(session: Session) -> tuple[str, int] | None:
    """The address and port that the server sees, if it is connected."""
    leg = session.legs[SERVER]
    if leg is None:
        return None
    return local_of(leg.connection)


def key_of(sock: socket.socket) -> bytes:
    """How the gate knows a connection; raises OSError when it has gone."""
    return flow_key(sock.getsockname(), sock.getpeername())


def _bases(flow: Flow | None) -> tuple[int, int]:
    return (0, 0) if flow is None else (flow.receive_base, flow.send_base)
