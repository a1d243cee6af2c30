"""One end of a proxied session: the socket of a leg, its flow in the gate, and the bytes on their way out.

What the inspector lets pass is written at once, and only acknowledgements wait for the passive node; in a guarded
session the bytes wait as well, until they are *released*. The leg's tail holds what the peer has not acknowledged;
its last part, from `written` on, the kernel has not taken yet either.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from node import clock
from node.kernel import repair, tcp
from node.kernel.record import restated
from protocol.sequence import advance, distance

if TYPE_CHECKING:
    from node.kernel.flow import Flow
    from node.relay import Relay
    from protocol.session import Leg

READ_BYTES_MAX = 16384
WRITE_BYTES_MAX = 262144
AHEAD_BYTES_MAX = 16 * 1024 * 1024
"""No peer can be further ahead than the dead node's windows; a forged acknowledgement could say so."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST


def reset_on_close(sock: socket.socket) -> None:
    """Let close() send RST instead of FIN; raises OSError."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


class End:
    """A leg's socket on the active node."""

    __slots__ = (
        "_earlier_packets",
        "_mute_at",
        "_relay",
        "_reported",
        "_unread_zeros",
        "finish_wanted",
        "finished",
        "flow",
        "held",
        "leg",
        "number",
        "open",
        "peer_host",
        "reading",
        "released",
        "sock",
        "waiting",
        "written",
    )

    def __init__(
        self, relay: Relay, number: int, sock: socket.socket, leg: Leg, flow: Flow | None, unread: int = 0
    ) -> None:
        """`unread` octets of a restored socket are to be dropped before it is read."""
        self._relay = relay
        self.number = number
        self.sock = sock
        self.leg = leg
        self.flow = flow
        self.written = leg.acknowledged
        """Bytes handed to this node's kernel, counted from the opening of the connection."""
        self.released = leg.sent
        """How much of what is due both nodes hold; a guarded session sends no more than that. What a leg comes with
        was decided and held by another node."""
        self.held = leg.position
        """How much of what the peer sent both nodes hold, its FIN included; what a leg comes with was held before."""
        self.peer_host: str = sock.getpeername()[0]
        self.open = True
        self.reading = False
        self.waiting = False
        self.finish_wanted = False
        self.finished = False
        self.take_up_count()
        self._mute_at = -1
        self._unread_zeros = unread

    def take_up_count(self) -> None:
        """The other node has counted on since this end was made."""
        self._earlier_packets = self.leg.packets
        self._reported = (self.leg.acknowledged, *self.leg.packets)

    # --- reading

    def start_reading(self) -> None:
        """Read whenever the peer sends, unless it has finished or the session is over."""
        if self.open and not self.reading and not self.leg.ended:
            self._relay.arrivals.watch(self.sock.fileno(), self)
            self.reading = True

    def stop_reading(self) -> None:
        """Leave further bytes in the kernel: back-pressure on the peer."""
        if self.reading:
            self._relay.arrivals.unwatch(self.sock.fileno())
            self.reading = False

    def read(self) -> None:
        """Take a piece of what has come, if reading has not been stopped meanwhile."""
        if self.reading:
            try:
                self._take()
            except Exception as error:
                self._relay.failed(error)

    def _take(self) -> None:
        try:
            data = self.sock.recv(READ_BYTES_MAX)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._relay.broken(self, error)
            return
        if data:
            self._relay.taken(self, data)
        else:
            self.stop_reading()
            self._relay.ended(self)

    # --- writing

    @property
    def due(self) -> int:
        """What is due to the peer since the connection opened: bytes, and the FIN as one more."""
        return self.leg.sent + self.finish_wanted

    @property
    def unsent(self) -> int:
        """Bytes that wait to be released, or for room in the kernel's send buffer."""
        return self.leg.sent - self.written

    @property
    def _sendable(self) -> int:
        """Those among the unsent bytes that wait for room only."""
        return min(self.leg.sent, self.released) - self.written if self._relay.session.guarded else self.unsent

    def acknowledged(self) -> int:
        """How many bytes the peer has acknowledged, by the kernel's word (SIOCOUTQ)."""
        if not self.open:
            return self.leg.acknowledged
        waiting = tcp.unacknowledged(self.sock)
        return self.written - max(waiting - self.finished, 0)  # a FIN in flight counts as one byte

    def write(self, data: bytes) -> None:
        """Send `data`, which stands at the end of the leg's tail already, unless it has to be released first."""
        if not self.open:
            return
        if self._sendable == len(data) == self.unsent:
            try:
                self.written += self.sock.send(data)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self._relay.broken(self, error)
                return
        if self.unsent:
            if self._sendable:
                self._relay.loop.add_writer(self.sock.fileno(), self.flush)
            self._relay.crowded(self)

    def release(self, position: int) -> None:
        """Both nodes hold what is due up to `position`: it may leave."""
        if position <= self.released:
            return
        self.released = position
        if self.open and self._relay.session.guarded:
            try:
                self.flush()
            except Exception as error:
                self._relay.failed(error)

    def release_all(self) -> None:
        """Whatever is due now may leave."""
        self.release(self.due)

    def flush(self) -> None:
        """Hand the kernel what may leave and it has room for; finish the direction if that was the last."""
        while self.open and (sendable := self._sendable):
            start = self.written - self.leg.acknowledged
            try:
                with memoryview(self.leg.tail) as tail:
                    self.written += self.sock.send(tail[start : start + min(sendable, WRITE_BYTES_MAX)])
            except (BlockingIOError, InterruptedError):
                self._relay.loop.add_writer(self.sock.fileno(), self.flush)
                return
            except OSError as error:
                self._relay.broken(self, error)
                return
        if self.open:
            self._relay.loop.remove_writer(self.sock.fileno())
            self._finish_if_due()
            self._relay.relieved(self)

    def finish(self) -> None:
        """No more bytes will come for this peer: send FIN after those that are due."""
        self.finish_wanted = True
        self._finish_if_due()

    def _finish_if_due(self) -> None:
        if not self.finish_wanted or self.finished or not self.open:
            return
        if self.leg.ahead:
            self.finished = True  # all bytes are made, so what the peer has beyond them is the FIN
            return
        if self.unsent or (self._relay.session.guarded and self.released < self.due):
            return
        if self.flow is not None:
            self.flow.allow_fin()
        self.finished = True
        with suppress(OSError):  # the peer reset it meanwhile: reading will tell
            self.sock.shutdown(socket.SHUT_WR)

    def settled(self) -> bool:
        """Whether what the peer sent is held twice, and it has acknowledged everything, the FIN included."""
        return not self.open or (self.all_held and self.finished and (self._all_acknowledged or self._reset))

    @property
    def _all_acknowledged(self) -> bool:
        return tcp.unacknowledged(self.sock) == 0

    @property
    def _reset(self) -> bool:
        """A peer that has finished, and is gone, resets what still comes; nobody reads any more and would be told."""
        return tcp.state(self.sock) is tcp.TcpState.CLOSE

    @property
    def all_held(self) -> bool:
        """Whether both nodes hold all that the peer sent: once the flow is released, its acks wait for nobody."""
        return self.held >= self.leg.position

    # --- what both nodes hold

    def committed(self, position: int) -> None:
        """Both nodes hold the peer's bytes up to `position`: it may have its acknowledgement."""
        self.held = max(self.held, position)
        if self.flow is not None and self.open:
            packet = self.flow.commit(advance(self.leg.receive_base, position))
            if packet is not None:
                self._relay.send_ack(packet, self)

    def refresh(self) -> bool:
        """Bring the leg's slow-moving facts up to date; says whether they changed since the last call."""
        self.leg.acknowledge(self.acknowledged())
        if self.flow is not None and self.open:
            packets_in, _, packets_out, _ = self.flow.traffic()
            earlier_in, earlier_out = self._earlier_packets
            self.leg.packets = (earlier_in + packets_in, earlier_out + packets_out)
        facts = (self.leg.acknowledged, *self.leg.packets)
        changed = facts != self._reported
        self._reported = facts
        return changed

    # --- the end

    def revive(self, *, finish: bool) -> None:
        """Begin to speak on a restored socket: what the peer may lack goes out before anything else happens."""
        tcp.go_live(self.sock, probe=False)
        if self._unread_zeros:
            tcp.drop(self.sock, self._unread_zeros)
        self._mute_at = self.written
        self.finish_wanted = finish
        self.released = self.due
        if self.unsent:
            self.flush()
        else:
            self._finish_if_due()

    def greet(self) -> None:
        """A word to the peer of a restored socket that has sent nothing yet."""
        if self.open and self.written == self._mute_at:
            with suppress(OSError):  # the peer reset it meanwhile: reading will tell
                tcp.probe(self.sock)

    @property
    def ahead(self) -> bool:
        """Whether the peer has more than this node ever sent it, and so may answer what only the dead node saw."""
        return bool(self.leg.ahead) or (self.flow is not None and self.flow.peer_ack is not None)

    def catch_up(self, buffer_bytes: int) -> bool:
        """See whether the peer has more than this node ever sent it, and if so go on from there; says whether.

        The dead node had sent it those bytes and not yet told of them. The peer ignores whatever carries older
        sequence numbers, acknowledgements included, so with both peers ahead nothing would move any more. The socket
        is restored anew at the peer's number; the bytes up to it will be made again, and dropped (Leg.ahead).
        """
        seen = None if self.flow is None or not self.open else self.flow.peer_ack
        if seen is None:
            return False
        while self.reading and self._unread():
            self.read()
        total = self.leg.acknowledged + distance(self.leg.send_sequence, seen)
        if not self.open or not self.leg.sent < total <= self.leg.sent + AHEAD_BYTES_MAX:
            return False
        was_reading = self.reading
        self._let_go()
        tcp.close_silently(self.sock)
        self.leg.leap(total)
        self.written = total
        self.released = max(self.released, total)
        self._restore(buffer_bytes)
        if was_reading:
            self.start_reading()
        self._finish_if_due()
        return True

    def _unread(self) -> bool:
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _restore(self, buffer_bytes: int) -> None:
        record = tcp.TcpRecord.from_wire(self.leg.connection)
        clock_ms = clock.timestamp_clock_ms()
        sequences = self.leg.send_sequence, self.leg.receive_sequence
        self.sock, offset = repair.restore(record, *sequences, clock_ms, buffer_bytes)
        self.leg.connection = restated(self.leg.connection, offset)
        if self.flow is not None:
            self.flow.leap(self.leg.send_sequence)
        self.open = True
        tcp.go_live(self.sock)

    def close(self) -> None:
        """Close in the ordinary way, after both directions are done."""
        self._close(lambda: None)

    def reset(self) -> None:
        """Close with RST: the peer learns at once that the session is over."""

        def prepare() -> None:
            if self.flow is not None:
                self.flow.allow_reset()
            reset_on_close(self.sock)

        self._close(prepare)

    def _close(self, prepare: Callable[[], None]) -> None:
        if not self.open:
            return
        self._let_go()
        with suppress(OSError):
            prepare()
        self.sock.close()
        if self.flow is not None:
            self.flow.release()

    def vanish(self) -> None:
        """Let go without a word on the wire: the connection lives on elsewhere."""
        if self.open:
            self._let_go()
            tcp.close_silently(self.sock)

    def _let_go(self) -> None:
        self.stop_reading()
        self._relay.loop.remove_writer(self.sock.fileno())
        self.open = False
