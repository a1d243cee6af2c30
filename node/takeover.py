"""Becoming active. The order is the safety:

    epoch on disk, sockets and decoders restored, the gate told of each    (state before address)
    the lease taken up                                                     (fence before address)
    addresses added and announced
    every socket set free, its unacknowledged tail sent again at once

Nothing here waits for the event loop, so no byte is read before all of it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from node import clock
from node.addressing import Addresses
from node.catchup import CatchUp
from node.config import Config, Service
from node.greeting import CATCH_UP_S, Greeting
from node.kernel.gate import Gate
from node.lease import Lease
from node.log import get
from node.proxy import ANOTHER_PORT, Proxy
from node.relay import Relay
from node.store import GrowingNumber
from node.understudies import NOT_RESTORED, Understudies
from protocol.handover import HANDED_OVER
from protocol.session import SERVER, Session

UNKNOWN_RESET_GRACE_NS = 1_000_000_000
"""For this long after a takeover the kernel does not answer for connections that nobody knows."""
REANNOUNCE_S = (0.05, 0.2, 1.0, 3.0)
"""Announcements get lost; they are repeated this long after the first."""

log = get("takeover")


@dataclass(frozen=True, slots=True)
class Account:
    """How a takeover went. Instants are CLOCK_BOOTTIME."""

    reason: str
    epoch: int
    sessions: int
    reset: int
    detected_ns: int
    restored_ns: int
    announced_ns: int
    silent_ms: float
    """How long the peer had not been heard when its loss was decided on."""


class Takeover:
    """Makes this node the active one, once."""

    def __init__(
        self,
        config: Config,
        gate: Gate | None,
        proxy: Proxy,
        lease: Lease,
        addresses: Addresses,
        epoch: GrowingNumber,
        understudies: Understudies | None,
        pulse: Callable[[], None],
    ) -> None:
        self._config = config
        self._gate = gate
        self._proxy = proxy
        self._lease = lease
        self._addresses = addresses
        self._epoch = epoch
        self._understudies = understudies
        self._pulse = pulse
        self._services = {service.name: service for service in config.services}
        self._relays: list[Relay] = []
        self._failed = 0
        self._detected_ns = self._restored_ns = 0

    def prepare(self, epoch: int, kept: Collection[Session], timestamp_clock_ms: int) -> None:
        """Restore everything, silently; raises OSError or KernelError."""
        self._detected_ns = clock.boottime_ns()
        if self._understudies is not None:
            self._understudies.keep({session.id for session in kept})  # the others hold slots that may be needed
        if epoch > self._epoch.value:  # otherwise it is there already, as it is on a node that followed another
            with ThreadPoolExecutor(1) as disk:
                stored: Future[None] = disk.submit(self._epoch.grow, epoch)
                self._relays, self._failed = self._restore_all(kept, timestamp_clock_ms)
                stored.result()
        else:
            self._relays, self._failed = self._restore_all(kept, timestamp_clock_ms)
        if self._gate is None:
            self._proxy.bind()
        self._restored_ns = clock.boottime_ns()

    def speak(self, epoch: int, reason: str, silent_ms: float) -> Account:
        """Take the addresses and go on with every connection.

        Raises OSError or KernelError; LeaseOverError when the claim has run out, and may then be called again.
        """
        self._lease.take_up(clock.boottime_ns())
        if self._gate is not None:
            self._gate.reset_after = clock.boottime_ns() + UNKNOWN_RESET_GRACE_NS
        self._addresses.add()
        self._addresses.announce()
        announced_ns = clock.boottime_ns()
        for relay in self._relays:
            self._set_free(relay)
        self._look_ahead(reason)
        self._proxy.accept_from(epoch)
        self._announce_again()
        return Account(
            reason,
            epoch,
            len(self._relays),
            self._failed,
            self._detected_ns,
            self._restored_ns,
            announced_ns,
            silent_ms,
        )

    # --- state

    def _restore_all(self, kept: Iterable[Session], timestamp_clock_ms: int) -> tuple[list[Relay], int]:
        relays: list[Relay] = []
        failed = 0
        for session in kept:
            self._pulse()
            try:
                relays.append(self._restore(session, timestamp_clock_ms))
            except NOT_RESTORED as error:
                failed += 1  # nobody answers for its connections: the kernel resets them
                log.error("session not restored", serial=session.serial, error=str(error))
        return relays, failed

    def _restore(self, session: Session, timestamp_clock_ms: int) -> Relay:
        assert self._understudies is not None, "sessions are restored under a gate"
        relay = self._understudies.take(session, timestamp_clock_ms)
        self._proxy.resume(relay)
        return relay

    # --- address

    def announce(self) -> None:
        """Tell the network where the addresses are, several times."""
        self._announce()
        self._announce_again()

    def _announce_again(self) -> None:
        loop = self._proxy.around.loop
        for delay_s in REANNOUNCE_S:
            loop.call_later(delay_s, self._announce)

    def _announce(self) -> None:
        if self._lease.held:
            self._addresses.announce()

    # --- speech

    def _look_ahead(self, reason: str) -> None:
        loop = self._proxy.around.loop
        if reason == HANDED_OVER:  # by a node that fell silent first and then told all
            Greeting(loop, self._relays, after_s=CATCH_UP_S)
            for relay in self._relays:
                relay.level = True
        else:
            Greeting(loop, self._relays)
            CatchUp(loop, list(self._relays), self._config.limits.buffer_bytes)

    def _set_free(self, relay: Relay) -> None:
        service: Service = self._services[relay.session.service]
        try:
            relay.revive()
        except Exception as error:
            relay.failed(error)  # the others go on
        if relay.session.legs[SERVER] is None and not relay.closed:
            # Nothing was forwarded yet: a new connection to the server loses nothing. Not from the old port, on
            # which the server may hold a connection that the dead node opened.
            self._proxy.connect(relay, service, ANOTHER_PORT)
