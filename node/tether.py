"""What ties a worker to its guard: a socket pair. Beats go one way, orders the other.

Either end sees the other's death as end of file. Packets keep their bounds (SOCK_SEQPACKET).
"""

from __future__ import annotations

import socket
from typing import NamedTuple

import msgpack

PACKET_BYTES_MAX = 4096
LEAVE = b"leave"
RELOAD = b"reload"
KEYS = b"keys"
"""From the worker: it has taken up the key file as it is now, and so must death notices."""

RELOADED = b"reloaded"
"""From the worker: the reload that it was asked for is over, however it went."""


class Beat(NamedTuple):
    """The worker lives, and this is what a death notice in its place would have to say."""

    role: str
    epoch: int
    incarnation: int
    peer_incarnation: int
    standby: bool
    """The other node is passive and can take over."""


def pair() -> tuple[socket.socket, socket.socket]:
    """The guard's end and the worker's end."""
    guard_end, worker_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    guard_end.setblocking(False)
    worker_end.setblocking(False)
    return guard_end, worker_end


def send(end: socket.socket, packet: bytes) -> None:
    """Send if there is room; a stopped reader never blocks the sender."""
    try:
        end.send(packet)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        return


def pack_beat(beat: Beat) -> bytes:
    """A beat as a packet."""
    return bytes(msgpack.packb(beat))


def unpack_beat(packet: bytes) -> Beat:
    """The inverse; the worker is our own child, so this trusts it."""
    return Beat(*msgpack.unpackb(packet))


def receive(end: socket.socket) -> bytes | None:
    """The next packet; empty at the end; None when nothing waits."""
    try:
        return end.recv(PACKET_BYTES_MAX)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""
