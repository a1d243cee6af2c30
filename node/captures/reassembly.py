"""TCP streams out of segments as they were captured: late, twice, overlapping, or not at all.

A stream starts at its SYN, or, when that was not captured, at the first segment that looks like a TPKT header
(`midstream`). What the capture lacks is a gap: told, and the stream starts anew at the next segment that looks
like one. Of octets captured twice the first win, and a difference is told.

Which end is the client: who sent the SYN; else who speaks to a server's port; else who sent the connection
request (COTP CR), if that is what was seen first; else who has the higher port.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from inspector import Direction
from node.captures.notes import Notes
from node.captures.packets import ACK, FIN, RST, SYN, Segment, endpoint
from node.captures.streams import Connection, Piece, looks_like_tpkt

CONNECTIONS_MAX = 16_384
"""Connections remembered; the oldest is forgotten, and counts as a midstream one should it go on."""

DEFAULT_PORTS = frozenset((102,))
"""Where servers listen: ISO transport over TCP (RFC 1006)."""

_CR, _CC = 0xE0, 0xD0

_Known = tuple[Connection, Direction]


class Reassembler:
    """Takes segments in the order of the capture, gives their octets in the order of the streams."""

    def __init__(
        self,
        notes: Notes,
        ports: frozenset[int] = DEFAULT_PORTS,
        closed: Callable[[Connection], None] | None = None,
    ) -> None:
        """`closed` is called once for each connection that ends."""
        self._notes = notes
        self._closed = closed
        self._ports = ports
        self._known: dict[bytes, _Known] = {}
        self._connections: deque[Connection] = deque()
        self.connections = 0
        """How many were seen, those that are not inspected included."""
        self.ignored = 0
        """How many of them are not inspected."""
        self._unjudged = 0

    def add(self, segment: Segment, frame: int, time_ns: int) -> list[Piece]:
        """One more segment: what it makes known of its connection's streams."""
        pieces: list[Piece] = []
        known = self._known.get(segment.addresses + segment.ports)
        if known is None or segment.flags & SYN:
            known = self._opened(known, segment, pieces)
            if known is None:
                return pieces
        connection, direction = known
        if connection.ignored:
            return pieces
        if segment.octets:
            sequence = segment.sequence + 1 if segment.flags & SYN else segment.sequence
            connection.streams[direction].take(sequence, segment.octets, frame, time_ns, pieces)
        if segment.flags & ACK:
            connection.streams[1 - direction].acknowledge(segment.acknowledged, pieces)
        if segment.flags & (FIN | RST):
            self._finish(connection, direction, segment.flags, pieces)
        return self._wanted(pieces) if self._unjudged else pieces

    def finish(self) -> list[Piece]:
        """The capture ends: whatever still waits, behind its gap."""
        pieces: list[Piece] = []
        for connection in self._connections:
            for stream in connection.streams:
                stream.drain(pieces)
        return self._wanted(pieces)

    def _opened(self, known: _Known | None, segment: Segment, pieces: list[Piece]) -> _Known | None:
        """The connection of a segment that is a SYN, or of none known."""
        if not segment.flags & SYN:
            return self._new(segment) if looks_like_tpkt(segment.octets) else None
        if known is not None:
            stream = known[0].streams[known[1]]
            if not stream.begun:
                stream.synchronize(segment.sequence)
            if stream.first == segment.sequence:
                return known
            for each in known[0].streams:
                each.drain(pieces)
            self._close(known[0])
        return self._new(segment)

    def _new(self, segment: Segment) -> _Known:
        sender = endpoint(segment.addresses, segment.ports)
        receiver = endpoint(segment.addresses, segment.ports, receiver=True)
        by_client = self._is_client(segment)
        client, server = (sender, receiver) if by_client else (receiver, sender)
        self.connections += 1
        connection = Connection(self.connections, client, server, not segment.flags & SYN, self._notes)
        connection.judged = connection.midstream or server[1] in self._ports
        self._unjudged += not connection.judged
        return self._enter(connection, segment, Direction(not by_client))

    def _enter(self, connection: Connection, segment: Segment, direction: Direction) -> _Known:
        if len(self._connections) >= CONNECTIONS_MAX:
            self._forget(self._connections.popleft())
        self._connections.append(connection)
        half = len(segment.addresses) // 2
        key = segment.addresses + segment.ports
        back = segment.addresses[half:] + segment.addresses[:half] + segment.ports[2:] + segment.ports[:2]
        connection.keys = (key, back)
        self._known[back] = connection, Direction(1 - direction)
        self._known[key] = known = connection, direction
        if segment.flags & SYN:
            connection.streams[direction].synchronize(segment.sequence)
        return known

    def _forget(self, connection: Connection) -> None:
        self._close(connection)
        for key in connection.keys:
            if self._known[key][0] is connection:
                del self._known[key]

    def _is_client(self, segment: Segment) -> bool:
        """Whether the sender of a connection's first segment is its client."""
        if segment.flags & SYN:
            return not segment.flags & ACK
        sender, receiver = int.from_bytes(segment.ports[:2], "big"), int.from_bytes(segment.ports[2:], "big")
        if (sender in self._ports) != (receiver in self._ports):
            return receiver in self._ports
        kind = segment.octets[5] if len(segment.octets) > 5 else 0
        return kind == _CR if kind in (_CR, _CC) else sender >= receiver

    def _wanted(self, pieces: list[Piece]) -> list[Piece]:
        """Without those of connections that turn out to be of no interest."""
        for piece in pieces:
            if not piece.connection.judged:
                self._judge(piece)
        return [piece for piece in pieces if not piece.connection.ignored]

    def _judge(self, first: Piece) -> None:
        """Whether a connection to another port than the servers' is of interest: by its first octets."""
        first.connection.judged = True
        self._unjudged -= 1
        if not looks_like_tpkt(first.octets) and not b"\3\0\0".startswith(first.octets[:3]):
            first.connection.ignore()
            self.ignored += 1

    def _finish(self, connection: Connection, direction: Direction, flags: int, pieces: list[Piece]) -> None:
        connection.streams[direction].finished = True
        if flags & RST or all(stream.finished for stream in connection.streams):
            for stream in connection.streams:
                stream.drain(pieces)
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        if not connection.closed:
            connection.closed = True
            if self._closed is not None:
                self._closed(connection)
