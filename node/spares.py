"""Sockets made, and slots of the gate taken, in advance for the connections in the session cache: a takeover then fills
in numbers, and that is all.

The passive node does so in its spare time, two a session at the most, as many as it would hold if it were active.
Before a planned switchover it fills in the numbers too: where a connection has not moved since, nothing is left to do.
What is missing at a takeover, or does not fit any more, is made on the spot.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

from node import clock
from node.kernel import tcp
from node.kernel.errors import KernelError
from node.kernel.gate import Flow, Gate, flow_key
from node.kernel.record import TcpRecord
from node.kernel.repair import Successor
from node.log import get
from protocol.sequence import distance
from protocol.session import CLIENT, SERVER, Leg, Session

STEP_OCTETS_MAX = 16384
"""How far a socket follows its connection at once; one further behind is made anew."""
SLICE_S = 0.004
"""How long one look at the cache may take; the next goes on where it ended."""

log = get("spares")

Place = tuple[int, int]
"""A session's id and the number of one of its legs."""


class Standing(NamedTuple):
    """A socket that stands where its connection stands: its next octets to send and to receive."""

    sequences: tuple[int, int]
    sock: Any
    timestamp_offset: int
    flow: Flow
    unread: int = 0
    """Octets that nobody wants and that must be dropped before the first that somebody does (tcp.drop)."""

    def way_to(self, sequences: tuple[int, int]) -> tuple[int, int]:
        """How far a connection has moved on since."""
        sent, received = map(distance, self.sequences, sequences)
        return sent, received


class Spare:
    """What goes on with a connection, as the cache states it."""

    __slots__ = ("_connection", "_flow", "_successor", "standing")

    def __init__(self, gate: Gate, buffer_bytes: int, connection: list[Any]) -> None:
        """Raises KernelError, and ValueError if there is no such record."""
        record = TcpRecord.from_wire(connection)
        self._connection = connection
        self._successor = Successor(record, buffer_bytes)
        self.standing: Standing | None = None
        try:
            self._flow = gate.reserve(flow_key(record.local, record.remote))
        except KernelError:
            self._successor.discard()
            raise

    def fits(self, leg: Leg) -> bool:
        """Whether it can go on with a leg as that stands now."""
        way = (0, 0) if self.standing is None else self.standing.way_to(_sequences(leg))
        near = all(0 <= step <= STEP_OCTETS_MAX for step in way)
        return near and self._connection == leg.connection

    def stands_at(self, leg: Leg) -> bool:
        """Whether it stands where the leg stands now."""
        return self.standing is not None and self.standing.sequences == _sequences(leg)

    def stand(self, leg: Leg, timestamp_clock_ms: int) -> Standing:
        """Stand where the leg stands, silently. Raises KernelError; only discard() is of use then."""
        if self.standing is not None and self.stands_at(leg):
            return self.standing
        sequences = send, receive = _sequences(leg)
        self._flow.begin(receive, send)
        if self.standing is None:
            sock, offset = self._successor.go_on(send, receive, timestamp_clock_ms)
            self.standing = Standing(sequences, sock, offset, self._flow)
        else:
            sent, received = self.standing.way_to(sequences)
            self._successor.follow(sent, received, receive)
            self.standing = self.standing._replace(sequences=sequences, unread=self.standing.unread + received)
        return self.standing

    def discard(self) -> None:
        """It is not needed."""
        if self.standing is None:
            self._successor.discard()
        else:
            tcp.close_silently(self.standing.sock)
        self._flow.release()


class Spares:
    """At most one for each leg in the cache."""

    def __init__(self, gate: Gate, buffer_bytes: int) -> None:
        self._gate = gate
        self._buffer_bytes = buffer_bytes
        self._spares: dict[Place, Spare] = {}
        self._walk: Iterator[Session] | None = None

    def __len__(self) -> int:
        return len(self._spares)

    def follow(self, sessions: Mapping[int, Session]) -> None:
        """Come closer to one that fits each leg of these sessions, for a slice of time."""
        until_s = clock.boottime_s() + SLICE_S
        if self._walk is None:
            self.keep(sessions)
            self._walk = iter(list(sessions.values()))
        for session in self._walk:
            if session.id in sessions:
                self._match(session)
            if clock.boottime_s() >= until_s:
                return
        self._walk = None

    def keep(self, sessions: Container[int]) -> None:
        """Let go of those for other sessions."""
        for place in [place for place in self._spares if place[0] not in sessions]:
            self._drop(place)

    def moved(self, session: Session) -> int:
        """How many of a session's connections have no socket that stands where they stand."""
        return sum(not self._stands(place, leg) for place, leg in _places(session))

    def stand(self, session: Session, timestamp_clock_ms: int) -> list[Standing]:
        """Sockets that stand where the session's connections stand. Raises KernelError, and ValueError if there is no
        such record."""
        return [self._stand(place, leg, timestamp_clock_ms) for place, leg in _places(session)]

    def give_away(self, session: int) -> None:
        """Those for a session belong to somebody else from now on."""
        for number in (CLIENT, SERVER):
            self._spares.pop((session, number), None)

    def drop(self, session: int) -> None:
        """Let go of those for a session."""
        for number in (CLIENT, SERVER):
            self._drop((session, number))

    def _match(self, session: Session) -> None:
        for place, leg in _places(session):
            try:
                self._fitting(place, leg)
            except (KernelError, ValueError) as error:
                log.debug("nothing made in advance", session=place[0], leg=place[1], error=str(error))

    def _stand(self, place: Place, leg: Leg, timestamp_clock_ms: int) -> Standing:
        spare = self._fitting(place, leg)
        try:
            return spare.stand(leg, timestamp_clock_ms)
        except KernelError:
            if spare.standing is None:
                raise
        self._drop(place)  # it could not follow its connection
        return self._fitting(place, leg).stand(leg, timestamp_clock_ms)

    def _stands(self, place: Place, leg: Leg) -> bool:
        spare = self._spares.get(place)
        return spare is not None and spare.stands_at(leg)

    def _fitting(self, place: Place, leg: Leg) -> Spare:
        spare = self._spares.get(place)
        if spare is None or not spare.fits(leg):
            self._drop(place)
            spare = self._spares[place] = Spare(self._gate, self._buffer_bytes, leg.connection)
        return spare

    def _drop(self, place: Place) -> None:
        spare = self._spares.pop(place, None)
        if spare is not None:
            spare.discard()


def _places(session: Session) -> list[tuple[Place, Leg]]:
    return [((session.id, number), leg) for number, leg in enumerate(session.legs) if leg is not None]


def _sequences(leg: Leg) -> tuple[int, int]:
    return leg.send_sequence, leg.receive_sequence
