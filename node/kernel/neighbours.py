"""Packets that wait for a neighbour's hardware address (arp(7)): they are on their way and have not met the gate yet.

While an interface has no carrier its neighbours are forgotten. What TCP has sent by then may wait for up to three
seconds, longer than its connection stays on this host, and longer than the gate.
"""

import socket
import struct
from contextlib import suppress

from node.kernel import interfaces as nic
from node.kernel import netlink
from node.kernel.errors import KernelError
from node.kernel.netlink import Netlink

_DELETE_NEIGHBOUR, _GET_NEIGHBOUR = 29, 30  # linux/rtnetlink.h: RTM_
_NDMSG = struct.Struct("=BxHiHBB")  # linux/neighbour.h: family, interface, state, flags, type
_NDA_DST = 1
_NUD_INCOMPLETE = 0x01


def drop_waiting(interface: str) -> None:
    """Drop what waits on an interface, and the question that it waits for. Raises KernelError."""
    wanted = nic.index(interface)
    try:
        with Netlink(socket.NETLINK_ROUTE) as route:
            for answer in list(route.list(_GET_NEIGHBOUR, _NDMSG.pack(socket.AF_INET, 0, 0, 0, 0, 0))):
                _, _, index, state, *_ = _NDMSG.unpack_from(answer)
                if index == wanted and state & _NUD_INCOMPLETE:
                    _forget(route, index, netlink.attributes(answer[_NDMSG.size :])[_NDA_DST])
    except OSError as error:
        raise KernelError(f"cannot drop what waits for neighbours: {error}", "the node needs CAP_NET_ADMIN") from error


def _forget(route: Netlink, index: int, neighbour: bytes) -> None:
    asked = _NDMSG.pack(socket.AF_INET, 0, index, 0, 0, 0) + netlink.attribute(_NDA_DST, neighbour)
    with suppress(FileNotFoundError):  # given up meanwhile
        route.do(_DELETE_NEIGHBOUR, asked)
