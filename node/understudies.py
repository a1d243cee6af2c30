"""Relays made in advance, just before a planned switchover, for the sessions in the cache: socket, decoder and all.

A session that moves after that gets another one. Until a takeover the session itself, which the stream goes on to
bring forward, is not touched.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

from inspector import StateError
from node import clock
from node.config import Config
from node.decoder import KeptDecoder, LiveDecoder
from node.end import End
from node.kernel.errors import KernelError
from node.kernel.record import restated
from node.log import get
from node.policy import Rulebook
from node.proxy import Proxy
from node.relay import Relay
from node.spares import Spares, Standing
from protocol.session import Session

log = get("understudies")

STANDING_S = 3.0
"""How long a switchover that was announced may be in coming. Silent sockets do not keep for ever: their keepalive
timers run."""
NOT_RESTORED = (OSError, KernelError, StateError, LookupError, ValueError)
"""What keeps a session from being restored."""


class Understudy(NamedTuple):
    """A relay, and what it was made of."""

    relay: Relay
    session: Session
    standings: list[Standing]
    at: tuple[Rulebook, int, list[int]]
    """The rules it goes by, the session's steps, what its peers had acknowledged."""


class Understudies:
    """At most one for each session in the cache."""

    def __init__(self, config: Config, proxy: Proxy, spares: Spares) -> None:
        self._services = {service.name: service for service in config.services}
        self._proxy = proxy
        self._spares = spares
        self._made: dict[int, Understudy] = {}
        self._until_s = 0.0

    def bring_up(self, session: Session, timestamp_clock_ms: int) -> int:
        """Have one that stands where the session stands; how many sockets did not yet."""
        self._until_s = clock.boottime_s() + STANDING_S
        moved = self._spares.moved(session)
        try:
            self._fitting(session, timestamp_clock_ms)
        except NOT_RESTORED as error:  # a takeover will say so aloud
            self._drop(session.id)
            log.debug("nothing brought up in advance", session=session.id, error=str(error))
        return moved

    def take(self, session: Session, timestamp_clock_ms: int) -> Relay:
        """The relay that goes on with a session from here. Raises one of NOT_RESTORED."""
        try:
            relay, _, standings, _ = self._fitting(session, timestamp_clock_ms)
        except NOT_RESTORED:
            self._drop(session.id)
            raise
        del self._made[session.id]
        self._spares.give_away(session.id)
        session.decoder = LiveDecoder(relay.stack)
        session.resumed += 1
        relay.level = session.guarded
        session.guarded = session.guarded or relay.stack.guarded
        for end, standing in zip(relay.standing(), standings, strict=True):
            end.leg.connection = restated(end.leg.connection, standing.timestamp_offset)
            end.take_up_count()
        return relay

    def follow(self, sessions: Mapping[int, Session]) -> None:
        """In spare time: see that sockets are there for them; those that stand for nothing go."""
        if self._made and clock.boottime_s() > self._until_s:
            self.discard()
        self._spares.follow(sessions)

    def keep(self, sessions: Container[int]) -> None:
        """Let go of those for other sessions."""
        for id_ in [id_ for id_ in self._made if id_ not in sessions]:
            del self._made[id_]
        self._spares.keep(sessions)

    def discard(self) -> None:
        """Nothing is waited for any more."""
        self.keep(())

    def _drop(self, session: int) -> None:
        self._made.pop(session, None)
        self._spares.drop(session)

    def _fitting(self, session: Session, timestamp_clock_ms: int) -> Understudy:
        acknowledged = [leg.acknowledged for leg in session.legs if leg is not None]
        at = self._proxy.inspectors.rulebook, session.steps, acknowledged
        made = self._made.get(session.id)
        if made is None or made.session is not session or made.at != at:
            standings = self._spares.stand(session, timestamp_clock_ms)
            made = self._made[session.id] = Understudy(self._relay(session, standings), session, standings, at)
        return made

    def _relay(self, session: Session, standings: list[Standing]) -> Relay:
        service = self._services[session.service]
        client, server = (b"" if leg is None else bytes(leg.held) for leg in session.legs)
        kept = session.decoder
        assert isinstance(kept, KeptDecoder), "a passive node keeps the state that another one decodes"
        stack = self._proxy.inspectors.resume(service, session.client, kept, (client, server))
        relay = Relay(session, stack, self._proxy.around, service.idle_timeout_s)
        legs = [(number, leg) for number, leg in enumerate(session.legs) if leg is not None]
        for (number, leg), standing in zip(legs, standings, strict=True):
            relay.attach(End(relay, number, standing.sock, leg, standing.flow, standing.unread))
        return relay
