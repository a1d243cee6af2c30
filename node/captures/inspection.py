"""The inspector run over a capture: each PDU with the frame in which it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from inspector import Pdu, Result
from node.captures.files import Capture
from node.captures.notes import Notes
from node.captures.packets import Packets
from node.captures.policing import Maker
from node.captures.reassembly import DEFAULT_PORTS, Reassembler
from node.captures.streams import Connection, Piece

NS_PER_MS = 1_000_000
PROGRESS_FRAMES = 4_096
"""Between two calls of `progress`."""


class Sighting(NamedTuple):
    """One PDU of a capture, or a finding where none could be made out (`pdu.layers` is empty then)."""

    frame: int
    """In which the PDU ended."""
    time_ns: int
    """That frame's, since 1970."""
    connection: Connection
    pdu: Pdu


class Inspection:
    """Runs over captures, one after the other."""

    def __init__(
        self,
        notes: Notes,
        maker: Maker | None = None,
        ports: frozenset[int] = DEFAULT_PORTS,
        progress: Callable[[Capture], None] | None = None,
    ) -> None:
        self._notes = notes
        self._maker = maker or Maker()
        self._ports = ports
        self._progress = progress
        self.frames = 0
        self.connections = 0
        """How many TCP connections were seen."""
        self.ignored = 0
        """How many of them were not inspected, having neither a server's port nor TPKT."""

    def run(self, capture: Capture) -> Iterator[Sighting]:
        """Everything in the capture. Raises CaptureError."""
        packets = Packets(self._notes)
        reassembler = Reassembler(self._notes, self._ports, self._maker.closed)
        number = 0
        for frame in capture.frames():
            number = frame.number
            if self._progress is not None and not number % PROGRESS_FRAMES:
                self._progress(capture)
            segment = packets.segment(frame)
            if segment is None:
                continue
            if segment.cut:
                self._tell_cut(frame.number, segment.cut)
            for piece in reassembler.add(segment, number, frame.time_ns):
                yield from self._feed(piece)
        for piece in reassembler.finish():
            yield from self._feed(piece)
        packets.finish()
        if self._progress is not None:
            self._progress(capture)
        self.frames += number
        self.connections += reassembler.connections
        self.ignored += reassembler.ignored

    def _tell_cut(self, frame: int, octets: int) -> None:
        self._notes.add("cut short", f"frame {frame}: captured without its last {octets} octets (snapshot length)")

    def _feed(self, piece: Piece) -> list[Sighting]:
        connection, direction, octets, frame, time_ns, anew = piece
        stack = connection.stack
        if stack is None:
            stack = connection.stack = self._maker.new(connection, time_ns // NS_PER_MS)
        elif anew:
            stack = connection.stack = self._maker.without_held(connection, stack, direction)
        result = stack.feed(direction, octets, time_ns // NS_PER_MS)
        sightings = [Sighting(frame, time_ns, connection, pdu) for pdu in result.pdus]
        if result.findings:
            sightings += self._undecodable(piece, result)
        return sightings

    @staticmethod
    def _undecodable(piece: Piece, result: Result) -> Iterator[Sighting]:
        """What was found where there is no PDU: framing is lost, and looked for anew."""
        told = {id(finding) for pdu in result.pdus for finding in pdu.findings}
        for finding in result.findings:
            if id(finding) not in told:
                verdict = finding.action.name.lower()
                pdu = Pdu(piece.direction, (), 0, "", verdict=verdict, findings=(finding,))
                yield Sighting(piece.frame, piece.time_ns, piece.connection, pdu)
                piece.connection.streams[piece.direction].restart()
