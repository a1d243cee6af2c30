"""Sockets made, and slots of the gate taken, in advance for the connections in the session cache: a takeover then fills
in numbers, and that is all.

The passive node does so in its spare time, two a session at the most, as many as it would hold if it were active.
What is missing at a takeover, or does not fit any more, is made on the spot.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

from node import clock
from node.kernel.errors import KernelError
from node.kernel.gate import Flow, Gate, flow_key
from node.kernel.record import TcpRecord
from node.kernel.repair import Successor
from node.log import get
from protocol.session import Session

SLICE_S = 0.004
"""How long one look at the cache may take; the next goes on where it ended."""

log = get("spares")

Place = tuple[int, int]
"""A session's id and the number of one of its legs."""


class Spare(NamedTuple):
    """What goes on with a connection, and the connection as the cache states it."""

    connection: list[Any]
    successor: Successor
    flow: Flow

    def discard(self) -> None:
        """It is not needed."""
        self.successor.discard()
        self.flow.release()


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

    def take(self, session: int, leg: int, connection: list[Any]) -> Spare:
        """The one for a leg, made now if need be. Raises KernelError, and ValueError if there is no such record."""
        spare = self._spares.pop((session, leg), None)
        if spare is not None and spare.connection != connection:
            spare.discard()
            spare = None
        return self._make(connection) if spare is None else spare

    def discard(self) -> None:
        """Nothing is waited for any more."""
        self.keep(())

    def _match(self, session: Session) -> None:
        for number, leg in enumerate(session.legs):
            spare = self._spares.get((session.id, number))
            wanted = None if leg is None else leg.connection
            if spare is not None and spare.connection != wanted:
                self._drop((session.id, number))
                spare = None
            if spare is None and wanted is not None:
                self._add((session.id, number), wanted)

    def _add(self, place: Place, connection: list[Any]) -> None:
        try:
            self._spares[place] = self._make(connection)
        except (KernelError, ValueError) as error:
            log.debug("nothing made in advance", session=place[0], leg=place[1], error=str(error))

    def _make(self, connection: list[Any]) -> Spare:
        record = TcpRecord.from_wire(connection)
        successor = Successor(record, self._buffer_bytes)
        try:
            return Spare(connection, successor, self._gate.reserve(flow_key(record.local, record.remote)))
        except KernelError:
            successor.discard()
            raise

    def _drop(self, place: Place) -> None:
        self._spares.pop(place).discard()
