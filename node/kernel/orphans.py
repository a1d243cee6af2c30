"""Ends the TCP sockets that a dead process left in the kernel, so that their 4-tuples are free on this host.

The gate drops the FINs that the kernel sends for them, so by themselves they would linger for minutes. Uses
sock_diag(7) with SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY).
"""

import errno
import socket
import struct
from collections.abc import Iterable

from node.kernel.errors import KernelError
from node.kernel.netlink import Netlink
from node.kernel.tcp import TcpState

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _SOCK_DESTROY = 20, 21
_REQUEST_HEAD = struct.Struct("=BBBBI")  # struct inet_diag_req_v2, up to its id: family, protocol, ext, pad, states
_ANY_SOCKET = bytes(48)  # struct inet_diag_sockid
_ID_AT, _ID_OCTETS = 4, 48  # in struct inet_diag_msg; source address 4 octets into the id
_ALL_BUT_LISTENERS = 0xFFFFFFFF & ~(1 << TcpState.LISTEN)
_GONE = (errno.ENOENT, errno.ESTALE)  # it ended by itself between the dump and our request

_REMEDY = "needs CAP_NET_ADMIN and a kernel with CONFIG_INET_DIAG and CONFIG_INET_DIAG_DESTROY"


def destroy(addresses: Iterable[str]) -> int:
    """End every TCP socket, listeners excepted, whose local address is one of these; how many there were.

    The kernel resets established connections: close the gate's fence first. Raises KernelError.
    """
    local = {socket.inet_aton(str(address)) for address in addresses}
    try:
        with Netlink(_NETLINK_SOCK_DIAG) as diag:
            answers = list(diag.list(_SOCK_DIAG_BY_FAMILY, _request(_ANY_SOCKET)))
            found = [answer[_ID_AT : _ID_AT + _ID_OCTETS] for answer in answers]
            return sum(_destroy(diag, identity) for identity in found if identity[4:8] in local)
    except OSError as error:
        raise KernelError(f"cannot end the sockets of a dead process: {error.strerror}", _REMEDY) from error


def _destroy(diag: Netlink, identity: bytes) -> bool:
    try:
        diag.do(_SOCK_DESTROY, _request(identity))
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return False
    return True


def _request(identity: bytes) -> bytes:
    return _REQUEST_HEAD.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ALL_BUT_LISTENERS) + identity
