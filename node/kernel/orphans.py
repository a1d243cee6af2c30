"""Ends the TCP sockets that a dead process left in the kernel, so that their 4-tuples are free on this host.

The gate drops the FINs that the kernel sends for them, so by themselves they would linger for minutes. Uses
sock_diag(7) with SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY).
"""

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator

from node.kernel.errors import KernelError
from node.kernel.tcp import TcpState

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _SOCK_DESTROY = 20, 21
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300  # nlmsg_flags
_ERROR, _DONE = 2, 3  # nlmsg_type
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST_HEAD = struct.Struct("=BBBBI")  # struct inet_diag_req_v2, up to its id: family, protocol, ext, pad, states
_ANY_SOCKET = bytes(48)  # struct inet_diag_sockid
_ID_AT, _ID_OCTETS = 4, 48  # in struct inet_diag_msg; source address 4 octets into the id
_RECEIVE_OCTETS = 1 << 18
_ALL_BUT_LISTENERS = 0xFFFFFFFF & ~(1 << TcpState.LISTEN)
_GONE = (errno.ENOENT, errno.ESTALE)  # it ended by itself between the dump and our request

_REMEDY = "needs CAP_NET_ADMIN and a kernel with CONFIG_INET_DIAG and CONFIG_INET_DIAG_DESTROY"


def destroy(addresses: Iterable[str]) -> int:
    """End every TCP socket, listeners excepted, whose local address is one of these; how many there were.

    The kernel resets established connections: close the gate's fence first. Raises KernelError.
    """
    local = {socket.inet_aton(str(address)) for address in addresses}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as diag:
        found = [identity for identity in _sockets(diag) if identity[4:8] in local]
        return sum(_destroy(diag, identity) for identity in found)


def _sockets(diag: socket.socket) -> Iterator[bytes]:
    """The kernel's identity of every IPv4 TCP socket that is no listener."""
    diag.send(_message(_SOCK_DIAG_BY_FAMILY, _REQUEST | _DUMP, _ANY_SOCKET))
    while True:
        for kind, payload in _messages(diag.recv(_RECEIVE_OCTETS)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                _raise(payload)
            yield payload[_ID_AT : _ID_AT + _ID_OCTETS]


def _destroy(diag: socket.socket, identity: bytes) -> bool:
    diag.send(_message(_SOCK_DESTROY, _REQUEST | _ACK, identity))
    for kind, payload in _messages(diag.recv(_RECEIVE_OCTETS)):
        if kind == _ERROR:
            (code,) = struct.unpack_from("=i", payload)
            if -code in _GONE:
                return False
            if code:
                _raise(payload)
    return True


def _message(kind: int, flags: int, identity: bytes) -> bytes:
    body = _REQUEST_HEAD.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ALL_BUT_LISTENERS) + identity
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body


def _messages(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each netlink message."""
    at = 0
    while at + _HEADER.size <= len(octets):
        length, kind, *_ = _HEADER.unpack_from(octets, at)
        yield kind, octets[at + _HEADER.size : at + length]
        at += max(_HEADER.size, (length + 3) & ~3)


def _raise(payload: bytes) -> None:
    (code,) = struct.unpack_from("=i", payload)
    raise KernelError(f"cannot end the sockets of a dead process: {os.strerror(-code)}", _REMEDY)
