"""TCP sockets that go on with a connection of another host, by Linux' TCP_REPAIR (CRIU's mechanism; kernel
documentation: none, source: net/ipv4/tcp.c).

Most of the work needs nothing but the facts of the handshake, so it can be done long before: a Successor waits,
bound and in repair mode, for the numbers of the moment at which it has to go on.
"""

import socket
import struct
import time

from node.kernel import tcp
from node.kernel.errors import KernelError
from node.kernel.record import MODULUS, TcpRecord

# linux/tcp.h
_TCP_REPAIR_QUEUE, _TCP_QUEUE_SEQ, _TCP_REPAIR_OPTIONS, _TCP_TIMESTAMP, _TCP_REPAIR_WINDOW = 20, 21, 22, 24, 29
_RECEIVE_QUEUE, _SEND_QUEUE = 1, 2
_OPTION_WINDOW_SCALE, _OPTION_SACK, _OPTION_TIMESTAMPS = 3, 4, 8
_U32, _OPTION, _WINDOW = struct.Struct("=I"), struct.Struct("=II"), struct.Struct("=5I")
_MAXSEG_MIN, _MAXSEG_MAX = 88, 0x7FFF  # what TCP_MAXSEG takes
_WINDOW_MAX = 0xFFFF
# Restored timestamps run ahead of the estimate by this; PAWS (RFC 7323, 5) forgives the future, not the past.
CLOCK_MARGIN_MS = 500

_REMEDY = "the node needs CAP_NET_ADMIN, or root, and a kernel that knows TCP_REPAIR"


class Successor:
    """A socket ready to go on with the connection of a record. It says nothing until tcp.go_live()."""

    __slots__ = ("_options", "_record", "_sock", "_window")

    def __init__(self, record: TcpRecord, buffer: int) -> None:
        """Make it, with `buffer` octets like the connection had. The address need not be on this host yet, and a
        listener on the same port does not disturb. Raises KernelError.
        """
        self._record = record
        self._options = _settled(record)
        self._sock = sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            tcp.prepare(sock, buffer)
            tcp.begin_repair(sock)  # after SO_REUSEADDR, to share with a listener
            sock.bind(record.local)
            # What connect() then takes for the peer's MSS, and reckons the room for data with.
            mss = min(max(record.mss, _MAXSEG_MIN), _MAXSEG_MAX)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
            tcp.tune(sock)
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_QUEUE, _SEND_QUEUE)
            self._window = receive_window(sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), record)
        except OSError as error:
            self.discard()
            raise _refused(record, error) from error
        sock.setblocking(False)

    def go_on(self, send_sequence: int, receive_sequence: int, timestamp_clock_ms: int) -> tuple[socket.socket, int]:
        """The socket where the connection stands, and the record's new timestamp offset, for its own successor.

        `send_sequence` is the last octet that the peer is known to have acknowledged, plus one; `receive_sequence`
        the next to receive; `timestamp_clock_ms` the estimate of the CLOCK_MONOTONIC of the dead node, which the
        record refers to. Raises KernelError; a 4-tuple that still lives on this host is one reason.
        """
        sock, record = self._sock, self._record
        set_option = sock.setsockopt
        timestamp = timestamp_at(record, timestamp_clock_ms)
        try:
            set_option(socket.IPPROTO_TCP, _TCP_QUEUE_SEQ, _U32.pack(send_sequence % MODULUS))
            set_option(socket.IPPROTO_TCP, _TCP_REPAIR_QUEUE, _RECEIVE_QUEUE)
            set_option(socket.IPPROTO_TCP, _TCP_QUEUE_SEQ, _U32.pack(receive_sequence % MODULUS))
            sock.connect(record.remote)  # nothing leaves
            set_option(socket.IPPROTO_TCP, _TCP_REPAIR_OPTIONS, self._options)
            if record.timestamps:
                set_option(socket.IPPROTO_TCP, _TCP_TIMESTAMP, _U32.pack(timestamp))
            set_option(socket.IPPROTO_TCP, _TCP_REPAIR_WINDOW, self._windows(receive_sequence))
        except OSError as error:
            self.discard()
            raise _refused(record, error) from error
        return sock, _offset_of(timestamp, record)

    def follow(self, sent: int, received: int, receive_sequence: int) -> None:
        """The connection has moved on while the socket stood, silently, where go_on() put it: so does the socket.

        `sent` octets more have been acknowledged by the peer, and `received` more have come from it, up to
        `receive_sequence`. In place of either the kernel gets zeros: nobody will ever ask for the former, and the
        latter are for tcp.drop(). Raises KernelError.
        """
        try:
            for queue, octets in ((_SEND_QUEUE, sent), (_RECEIVE_QUEUE, received)):
                if octets:
                    self._sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_QUEUE, queue)
                    if self._sock.send(bytes(octets)) != octets:
                        raise BlockingIOError("there is no room")
            if received:
                self._sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_WINDOW, self._windows(receive_sequence))
        except OSError as error:
            raise _refused(self._record, error) from error

    def discard(self) -> None:
        """It is not needed."""
        tcp.close_silently(self._sock)

    def _windows(self, receive_sequence: int) -> bytes:
        # struct tcp_repair_window: snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup. One less in snd_wl1 lets the
        # peer's next segment correct snd_wnd, which is as old as the record.
        record = self._record
        update = (receive_sequence - 1) % MODULUS
        widest = max(record.send_window, record.mss)
        return _WINDOW.pack(update, record.send_window, widest, self._window, receive_sequence % MODULUS)


def restore(
    record: TcpRecord, send_sequence: int, receive_sequence: int, timestamp_clock_ms: int, buffer: int
) -> tuple[socket.socket, int]:
    """A successor that goes on at once: see there for arguments and answer. Raises KernelError."""
    return Successor(record, buffer).go_on(send_sequence, receive_sequence, timestamp_clock_ms)


def receive_window(buffer_doubled: int, record: TcpRecord) -> int:
    """The largest window that a socket with this buffer (as SO_RCVBUF reads) has ever advertised, in octets.

    A window's right edge must never retreat: the peer's segments beyond it would be dropped, acks and all.
    """
    scale = record.receive_scale if record.scaled else 0
    unit = 1 << scale
    return min(-(-buffer_doubled // unit) * unit, _WINDOW_MAX << scale)


def timestamp_at(record: TcpRecord, clock_ms: int) -> int:
    """The timestamp value to go on with. Its lowest bit tells Linux 6.7 and later to count microseconds."""
    unit = 1000 if record.timestamps_usec else 1
    value = (record.timestamp_offset + (clock_ms + CLOCK_MARGIN_MS) * unit) % MODULUS
    return value | 1 if record.timestamps_usec else value & ~1


def _offset_of(timestamp: int, record: TcpRecord) -> int:
    """From now on the connection's timestamps follow this host's clock."""
    if not record.timestamps:
        return 0
    clock = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // (1_000 if record.timestamps_usec else 1_000_000)
    return (timestamp - clock) % MODULUS


def _settled(record: TcpRecord) -> bytes:
    """The options that the handshake settled."""
    settled = []
    if record.scaled:
        settled.append((_OPTION_WINDOW_SCALE, record.send_scale | record.receive_scale << 16))
    if record.sack:
        settled.append((_OPTION_SACK, 0))
    if record.timestamps:
        settled.append((_OPTION_TIMESTAMPS, 0))
    return b"".join(_OPTION.pack(*option) for option in settled)


def _refused(record: TcpRecord, error: OSError) -> KernelError:
    return KernelError(f"cannot restore {record.local} to {record.remote}: {error}", _REMEDY)
