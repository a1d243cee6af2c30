"""One end of a TCP connection, after Linux where it matters to a takeover:

  - a segment older than what was acknowledged is answered and ignored, its ack included
  - a segment whose ack lies beyond what was sent is ignored whole, its data included
  - a reset counts only at the very next number; older timestamps are not taken (PAWS)
  - a segment out of order is not kept: its sender sends again, after 200 ms and ever later, but never later than a
    run of the simulation can wait for

What a host does with segments and ready files is its own matter: `Host`.
"""

from __future__ import annotations

from typing import Any, Protocol

from tests.simulation.segment import ACK, FIN, MASK, RST, SYN, Endpoint, Segment, after, ahead
from tests.simulation.world import World

MSS = 1400
RETRY_S, RETRY_MAX_S = 0.2, 0.8
SYN_RETRY_S = 0.3
RESENT_MAX = 1
TIME_WAIT_S = 1.5
CLOSED, SYN_SENT, SYN_RECEIVED, OPEN = range(4)


class Host(Protocol):
    """Where a connection lives."""

    world: World

    def emit(self, tcb: Tcb, segment: Segment) -> None: ...

    def opened(self, tcb: Tcb) -> None: ...

    def changed(self, tcb: Tcb) -> None: ...

    def over(self, tcb: Tcb) -> None: ...

    def stamp_ms(self) -> int: ...


class Tcb:
    """A connection's end. `error` is what reading tells after the data: reset, or refused."""

    __slots__ = (
        "accepted",
        "backoff_s",
        "buffer",
        "error",
        "fin_acked",
        "fin_received",
        "fin_sent",
        "fin_wanted",
        "flow_key",
        "host",
        "incoming",
        "local",
        "nxt",
        "orphan",
        "outgoing",
        "owner",
        "rcv_acked",
        "rcv_nxt",
        "remote",
        "retry",
        "stamp_offset",
        "stamp_seen",
        "state",
        "una",
        "window",
    )

    def __init__(self, host: Any, local: Endpoint, remote: Endpoint, first: int, buffer: int) -> None:
        self.host: Host = host
        self.local, self.remote = local, remote
        self.state = CLOSED
        self.una = self.nxt = first & MASK
        self.rcv_nxt = self.rcv_acked = 0
        self.outgoing = bytearray()
        """From `una` on."""
        self.incoming = bytearray()
        self.buffer = self.window = buffer
        self.fin_wanted = self.fin_sent = self.fin_acked = self.fin_received = False
        self.orphan = self.accepted = False
        self.error: OSError | None = None
        self.owner: Any = None
        self.flow_key = b""
        self.stamp_offset = host.world.random.getrandbits(32)
        self.stamp_seen: int | None = None
        self.retry = 0
        self.backoff_s = RETRY_S

    # --- what is said

    def _say(self, flags: int, seq: int, data: bytes = b"") -> None:
        self.rcv_acked = self.rcv_nxt
        room = max(self.buffer - len(self.incoming), 0)
        stamp = (self.host.stamp_ms() + self.stamp_offset) & MASK
        ack = self.rcv_nxt if flags & ACK else 0
        self.host.emit(self, Segment(self.local, self.remote, flags, seq & MASK, ack, data, room, stamp))

    def acknowledge(self) -> None:
        self._say(ACK, self.nxt)

    def connect(self) -> None:
        self.state = SYN_SENT
        self._say(SYN, self.una)
        self.nxt = (self.una + 1) & MASK
        self._arm(SYN_RETRY_S)

    def answer(self, syn: Segment) -> None:
        """A SYN came to a listener."""
        self.state = SYN_RECEIVED
        self.rcv_nxt = (syn.seq + 1) & MASK
        self.stamp_seen = syn.stamp
        self._say(SYN | ACK, self.una)
        self.nxt = (self.una + 1) & MASK
        self._arm(SYN_RETRY_S)

    def restore(self, send: int, receive: int, stamp_offset: int) -> None:
        """Go on with a connection; nothing is said."""
        self.state = OPEN
        self.una = self.nxt = send
        self.rcv_nxt = self.rcv_acked = receive
        self.stamp_offset = stamp_offset

    def probe(self) -> None:
        """One older than what is next: the answer tells where the peer is."""
        self._say(ACK, self.una - 1)

    def send(self, data: bytes) -> int:
        """Take what there is room for."""
        taken = min(self.buffer - len(self.outgoing), len(data))
        if taken > 0:
            self.outgoing += data[:taken]
            self.push()
        return taken

    def finish(self) -> None:
        self.fin_wanted = True
        self.push()

    def push(self) -> None:
        """Say what may be said."""
        while not self.fin_sent:
            sent = (self.nxt - self.una) & MASK
            size = min(len(self.outgoing) - sent, self.window - sent, MSS)
            if size <= 0:
                break
            seq, self.nxt = self.nxt, (self.nxt + size) & MASK
            self._say(ACK, seq, bytes(self.outgoing[sent : sent + size]))
            if self.state != OPEN:
                return
        sent = (self.nxt - self.una) & MASK
        if self.fin_wanted and not self.fin_sent and sent == len(self.outgoing):
            self.fin_sent = True
            seq, self.nxt = self.nxt, (self.nxt + 1) & MASK
            self._say(ACK | FIN, seq)
        if (self.nxt != self.una or self.outgoing) and not self.retry:
            self._arm(self.backoff_s)

    @property
    def unacknowledged(self) -> int:
        """As SIOCOUTQ tells it."""
        return len(self.outgoing) + (self.fin_wanted and not self.fin_acked)

    # --- again

    def _arm(self, delay_s: float) -> None:
        self.retry = self.host.world.number()
        self.host.world.after(delay_s, self._again, self.retry)

    def _again(self, number: int) -> None:
        if number != self.retry or self.state == CLOSED:
            return
        self.retry = 0
        if self.state == SYN_SENT:
            self._say(SYN, self.una)
            self._arm(SYN_RETRY_S)
        elif self.state == SYN_RECEIVED:
            self._say(SYN | ACK, self.una)
            self._arm(SYN_RETRY_S)
        elif self.nxt != self.una or self.outgoing:
            self.backoff_s = min(2 * self.backoff_s, RETRY_MAX_S)
            self._arm(self.backoff_s)
            self._send_again()

    def _send_again(self) -> None:
        size = len(self.outgoing) if self.fin_sent else (self.nxt - self.una) & MASK
        if not size and not self.fin_sent:
            size = 1  # the window is shut: a probe
            self.nxt = (self.nxt + 1) & MASK
        for at in range(0, min(size, RESENT_MAX * MSS), MSS):
            self._say(ACK, self.una + at, bytes(self.outgoing[at : min(at + MSS, size)]))
            if self.state != OPEN:
                return
        if self.fin_sent and not self.fin_acked:
            self._say(ACK | FIN, self.una + len(self.outgoing))

    # --- what is heard

    def hear(self, segment: Segment) -> None:
        if self.state == OPEN:
            self._hear_open(segment)
        elif self.state == SYN_SENT:
            self._hear_answer(segment)
        elif self.state == SYN_RECEIVED:
            self._hear_consent(segment)

    def _hear_answer(self, segment: Segment) -> None:
        if segment.ack != self.nxt or not segment.flags & ACK:
            return
        if segment.flags & RST:
            self._break(ConnectionRefusedError(111, "Connection refused"))
        elif segment.flags & SYN:
            self.rcv_nxt = (segment.seq + 1) & MASK
            self.stamp_seen = segment.stamp
            self._open()
            self.acknowledge()

    def _hear_consent(self, segment: Segment) -> None:
        if segment.flags & RST:
            if segment.seq == self.rcv_nxt:
                self._break(ConnectionResetError(104, "Connection reset by peer"))
        elif segment.flags & SYN:
            self._say(SYN | ACK, self.una)
        elif segment.flags & ACK and segment.ack == self.nxt:
            self._open()
            self._hear_open(segment)

    def _open(self) -> None:
        self.state = OPEN
        self.una = self.nxt
        self.retry = 0
        self.host.opened(self)

    def _hear_open(self, segment: Segment) -> None:
        flags = segment.flags
        if flags & RST:
            if segment.seq == self.rcv_nxt:
                self._break(ConnectionResetError(104, "Connection reset by peer"))
            return
        if self.stamp_seen is not None and after(self.stamp_seen, segment.stamp):
            self.acknowledge()
            return
        if ahead(self.rcv_acked, segment.end) < 0 or ahead(self.rcv_nxt, segment.seq) > self._room or flags & SYN:
            self.acknowledge()
            return
        if not self._take_ack(segment):
            return
        if not after(segment.seq, self.rcv_acked):
            self.stamp_seen = segment.stamp
        if segment.data or flags & FIN:
            self._take_data(segment)
        if self.state == OPEN:
            self.push()
            self._settle()

    @property
    def _room(self) -> int:
        return max(self.buffer - len(self.incoming), 0)

    def _take_ack(self, segment: Segment) -> bool:
        if not segment.flags & ACK or after(segment.ack, self.nxt):
            return False
        fresh = ahead(self.una, segment.ack)
        if fresh >= 0:
            self.window = segment.window
        if fresh > 0:
            if self.fin_sent and fresh > len(self.outgoing):
                self.fin_acked = True
            del self.outgoing[:fresh]
            self.una = segment.ack
            self.backoff_s = RETRY_S
            self.retry = 0
            if self.nxt != self.una:
                self._arm(self.backoff_s)
            self.host.changed(self)
        return True

    def _take_data(self, segment: Segment) -> None:
        skipped = ahead(segment.seq, self.rcv_nxt)
        fin = bool(segment.flags & FIN)
        if 0 <= skipped <= len(segment.data) and not self.fin_received:
            data = segment.data[skipped : skipped + self._room]
            whole = len(data) == len(segment.data) - skipped
            if data and self.orphan:
                self.reset()
                return
            self.incoming += data
            self.rcv_nxt = (self.rcv_nxt + len(data) + (fin and whole)) & MASK
            self.fin_received = fin and whole
            if data or self.fin_received:
                self.host.changed(self)
        if self.state == OPEN:
            self.acknowledge()

    def _settle(self) -> None:
        """An orphan with both directions done is no more, after a while in which it answers what is sent again."""
        if self.orphan and self.fin_acked and self.fin_received:
            self.host.world.after(TIME_WAIT_S, self.vanish)

    def _break(self, error: OSError) -> None:
        self.error = error
        self._gone()
        self.host.changed(self)

    def _gone(self) -> None:
        self.state = CLOSED
        self.retry = 0
        self.host.over(self)

    # --- what the application does

    def read(self, size: int) -> bytes:
        """Raises OSError: what the connection ended with, or BlockingIOError."""
        if self.incoming:
            shut = self._room < MSS
            data = bytes(self.incoming[:size])
            del self.incoming[:size]
            if shut and self._room >= MSS and self.state == OPEN:
                self.acknowledge()
            return data
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        if self.fin_received or self.state == CLOSED:
            return b""
        raise BlockingIOError

    @property
    def readable(self) -> bool:
        return bool(self.incoming) or self.fin_received or self.error is not None or self.state == CLOSED

    @property
    def writable(self) -> bool:
        return self.state == CLOSED or (self.state == OPEN and len(self.outgoing) < self.buffer)

    def close(self) -> None:
        """In the ordinary way: what is unread makes it a reset."""
        if self.state != OPEN or self.incoming:
            self.reset()
            return
        self.orphan = True
        self.finish()
        self._settle()

    def reset(self) -> None:
        if self.state in (OPEN, SYN_RECEIVED):
            self._say(RST | ACK, self.nxt)
        if self.state != CLOSED:
            self._gone()

    def vanish(self) -> None:
        """Not a word."""
        if self.state != CLOSED:
            self._gone()
