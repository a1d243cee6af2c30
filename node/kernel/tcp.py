"""TCP sockets that can change hosts: opened with a known bound on their window, described, restored, let go.

Linux' TCP_REPAIR does it (CRIU's mechanism; kernel documentation: none, source: net/ipv4/tcp.c). What a
peer must never notice and how that is kept: the sequence numbers (arguments), the options of the handshake
(TcpRecord), the window's right edge (receive_window), the timestamps' clock (timestamp_at).
"""

import contextlib
import fcntl
import socket
import struct
from enum import IntEnum

from node.kernel.errors import KernelError
from node.kernel.record import MODULUS, TIMESTAMPS_OCTETS, TcpRecord, describe, sending_mss

# linux/tcp.h, linux/in.h, asm-generic/socket.h, linux/sockios.h
_TCP_REPAIR, _TCP_REPAIR_QUEUE, _TCP_QUEUE_SEQ, _TCP_REPAIR_OPTIONS = 19, 20, 21, 22
_TCP_TIMESTAMP, _TCP_REPAIR_WINDOW = 24, 29
_REPAIR_OFF, _REPAIR_ON = 0, 1
_NO_QUEUE, _RECEIVE_QUEUE, _SEND_QUEUE = 0, 1, 2
_OPTION_MSS, _OPTION_WINDOW_SCALE, _OPTION_SACK, _OPTION_TIMESTAMPS = 2, 3, 4, 8
_IP_OPTIONS, _IP_TRANSPARENT = 4, 19
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_SIOCOUTQ = 0x5411

_WINDOW_MAX = 0xFFFF
# Restored timestamps run ahead of the estimate by this; PAWS (RFC 7323, 5) forgives the future, not the past.
CLOCK_MARGIN_MS = 500
KEEPALIVE_IDLE_S, KEEPALIVE_INTERVAL_S, KEEPALIVE_PROBES = 30, 10, 6

__all__ = [
    "TcpRecord",
    "TcpState",
    "close_silently",
    "describe",
    "go_live",
    "listener",
    "open_active",
    "receive_window",
    "restore",
    "state",
    "timestamp_at",
    "tune",
    "unacknowledged",
]

_REPAIR_REMEDY = "the node needs CAP_NET_ADMIN, or root, and a kernel that knows TCP_REPAIR"


class TcpState(IntEnum):
    """The states of RFC 9293, 3.3.2, by the kernel's numbers (net/tcp_states.h)."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11
    NEW_SYN_RECV = 12


def restore(
    record: TcpRecord,
    send_sequence: int,
    receive_sequence: int,
    timestamp_clock_ms: int,
    buffer: int,
) -> socket.socket:
    """A socket that goes on with a connection; still in repair mode, it says nothing until go_live().

    `send_sequence` is the last octet that the peer is known to have acknowledged, plus one; `receive_sequence` the
    next to receive; `timestamp_clock_ms` the estimate of the CLOCK_MONOTONIC of the dead node, which `record` refers
    to; `buffer` octets, the same as the connection had. The address need not be on this host yet, and a
    listener on the same port does not disturb.

    For the next takeover, replicate describe() of the new socket: timestamps refer to this host's clock from now on.
    Raises KernelError; a 4-tuple that still lives on this host is one reason.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        _prepare(sock, buffer)
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_ON)  # after SO_REUSEADDR, to share with a listener
        sock.bind(record.local)
        for queue, sequence in ((_SEND_QUEUE, send_sequence), (_RECEIVE_QUEUE, receive_sequence)):
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_QUEUE, queue)
            _set_u32(sock, _TCP_QUEUE_SEQ, sequence)
        sock.connect(record.remote)  # nothing leaves
        _set_options(sock, record, timestamp_clock_ms)
        _set_windows(sock, record, receive_sequence)
        _set_mss(sock, record)
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_QUEUE, _NO_QUEUE)
    except OSError as error:
        close_silently(sock)
        raise KernelError(f"cannot restore {record.local} to {record.remote}: {error}", _REPAIR_REMEDY) from error
    except BaseException:
        close_silently(sock)
        raise
    sock.setblocking(False)
    return sock


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


def go_live(sock: socket.socket) -> None:
    """Leave repair mode: a window probe goes out, and the socket is an ordinary one with the usual options.

    Write what the peer has not acknowledged at once, as new data: it drops what it has and gets what it
    lacks.
    """
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_OFF)  # clears SO_REUSEADDR
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tune(sock)


def tune(sock: socket.socket) -> None:
    """The options of every connection: no delay, and probes so that a silent peer is noticed."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)


def close_silently(sock: socket.socket) -> None:
    """Close without a FIN or RST: the connection goes on elsewhere."""
    with contextlib.suppress(OSError):  # a socket that never connected, or is closed already, has nothing to say
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_ON)
    sock.close()


def unacknowledged(sock: socket.socket) -> int:
    """Octets written that the peer has not acknowledged; a FIN counts as one (SIOCOUTQ, tcp(7))."""
    (count,) = struct.unpack("=i", fcntl.ioctl(sock.fileno(), _SIOCOUTQ, bytes(4)))
    return int(count)


def state(sock: socket.socket) -> TcpState:
    """The state of the connection."""
    return TcpState(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])


def listener(endpoint: tuple[str, int], backlog: int, buffer: int, *, transparent: bool = True) -> socket.socket:
    """A listening socket, not blocking, that may stand beside restored connections of its port.

    `transparent`: its address need not be on this host yet (needs CAP_NET_ADMIN). Raises KernelError.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        _prepare(sock, buffer, transparent=transparent)
        sock.bind(endpoint)
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        remedy = "free the port, and give the node CAP_NET_ADMIN and CAP_NET_BIND_SERVICE, or root"
        raise KernelError(f"cannot listen on {endpoint[0]}:{endpoint[1]}: {error}", remedy) from error
    sock.setblocking(False)
    return sock


def open_active(source: str, preferred_port: int, buffer: int, *, transparent: bool = True) -> socket.socket:
    """A socket bound to `source`, not blocking, to be connected; from the preferred port if that is free.

    Port 0 leaves the choice to the kernel. Raises KernelError.
    """
    for port in (preferred_port, 0):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            _prepare(sock, buffer, transparent=transparent)
            sock.bind((source, port))
        except OSError as error:
            sock.close()
            reason = error
            continue
        sock.setblocking(False)
        return sock
    raise KernelError(f"cannot connect from {source}: {reason}", "the node needs CAP_NET_ADMIN, or root") from reason


def _prepare(sock: socket.socket, buffer: int, *, transparent: bool = True) -> None:
    """Options before bind(). Fixed buffers: one bounds every window ever advertised, the other what is sent again."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE if transparent else socket.SO_RCVBUF, buffer)
    sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE if transparent else socket.SO_SNDBUF, buffer)
    if transparent:
        sock.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)


def _set_options(sock: socket.socket, record: TcpRecord, clock_ms: int) -> None:
    """The options that the handshake settled; before any data."""
    settled = []
    if record.scaled:
        settled.append((_OPTION_WINDOW_SCALE, record.send_scale | record.receive_scale << 16))
    if record.sack:
        settled.append((_OPTION_SACK, 0))
    if record.timestamps:
        settled.append((_OPTION_TIMESTAMPS, 0))
    _repair_options(sock, settled)
    if record.timestamps:
        _set_u32(sock, _TCP_TIMESTAMP, timestamp_at(record, clock_ms))


def _set_windows(sock: socket.socket, record: TcpRecord, receive_sequence: int) -> None:
    doubled = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    window = receive_window(doubled, record)
    # struct tcp_repair_window: snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup. One less in snd_wl1 lets the
    # peer's next segment correct snd_wnd, which is as old as the record.
    update = (receive_sequence - 1) % MODULUS
    values = (update, record.send_window, max(record.send_window, record.mss), window, receive_sequence)
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_WINDOW, struct.pack("=5I", *values))


def _set_mss(sock: socket.socket, record: TcpRecord) -> None:
    """Last, since it depends on the windows. Setting the IP options, to none, has the kernel reckon it anew.

    It takes the room for timestamps by the host's setting, not by the connection's option: mend the difference.
    """
    wanted = record.mss - (TIMESTAMPS_OCTETS if record.timestamps else 0)
    mss = record.mss
    for _ in range(2):
        _repair_options(sock, [(_OPTION_MSS, mss)])
        sock.setsockopt(socket.IPPROTO_IP, _IP_OPTIONS, b"")
        missing = wanted - sending_mss(sock)
        if abs(missing) != TIMESTAMPS_OCTETS:
            return
        mss += missing


def _repair_options(sock: socket.socket, options: list[tuple[int, int]]) -> None:
    packed = b"".join(struct.pack("=II", *option) for option in options)
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_OPTIONS, packed)


def _set_u32(sock: socket.socket, option: int, value: int) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, option, struct.pack("=I", value % MODULUS))
