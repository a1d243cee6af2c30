"""TCP sockets that can change hosts: opened with a known bound on their window, described, let go silently.

repair.py makes their successors. What a peer must never notice and how that is kept: the sequence numbers, the options
of the handshake (TcpRecord), the window's right edge and the timestamps' clock (repair.py).
"""

import contextlib
import fcntl
import socket
import struct
from enum import IntEnum

from node.kernel.errors import KernelError
from node.kernel.record import TcpRecord, describe

# linux/tcp.h, linux/in.h, asm-generic/socket.h, linux/sockios.h
_TCP_REPAIR = 19
_REPAIR_OFF, _REPAIR_ON, _REPAIR_OFF_SILENTLY = 0, 1, -1
_IP_TRANSPARENT = 19
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_SIOCOUTQ = 0x5411

KEEPALIVE_IDLE_S, KEEPALIVE_INTERVAL_S, KEEPALIVE_PROBES = 30, 10, 6

__all__ = [
    "TcpRecord",
    "TcpState",
    "begin_repair",
    "close_silently",
    "describe",
    "drop",
    "go_live",
    "listener",
    "open_active",
    "prepare",
    "probe",
    "state",
    "tune",
    "unacknowledged",
]


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


def go_live(sock: socket.socket, *, probe: bool = True) -> None:
    """Leave repair mode: the socket is an ordinary one. A window probe goes out, which tells the peer what has been
    received; whoever writes at once does not need it, since data tells it too.

    Write what the peer has not acknowledged at once, as new data: it drops what it has and gets what it
    lacks.
    """
    off = _REPAIR_OFF if probe else _REPAIR_OFF_SILENTLY
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, off)  # clears SO_REUSEADDR
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def drop(sock: socket.socket, octets: int) -> None:
    """Read so many octets and forget them: repair.Successor.follow() put them there."""
    sock.recv(octets, socket.MSG_TRUNC)


def probe(sock: socket.socket) -> None:
    """Send a window probe: it tells the peer what has been received, and the peer answers with what it has."""
    begin_repair(sock)
    go_live(sock)


def begin_repair(sock: socket.socket) -> None:
    """Into repair mode: whatever is done to the socket, nothing leaves."""
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_ON)


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
        begin_repair(sock)
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
        prepare(sock, buffer, transparent=transparent)
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
            prepare(sock, buffer, transparent=transparent)
            sock.bind((source, port))
        except OSError as error:
            sock.close()
            reason = error
            continue
        sock.setblocking(False)
        return sock
    raise KernelError(f"cannot connect from {source}: {reason}", "the node needs CAP_NET_ADMIN, or root") from reason


def prepare(sock: socket.socket, buffer: int, *, transparent: bool = True) -> None:
    """Options before bind(). Fixed buffers: one bounds every window ever advertised, the other what is sent again."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE if transparent else socket.SO_RCVBUF, buffer)
    sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE if transparent else socket.SO_SNDBUF, buffer)
    if transparent:
        sock.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
