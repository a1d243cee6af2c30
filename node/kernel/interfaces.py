"""A network interface's facts, by ioctl(2): no netlink, no sysfs, always of the namespace we are in."""

import fcntl
import socket
import struct

from node.kernel.errors import KernelError

_SIOCGIFFLAGS = 0x8913
_SIOCGIFADDR = 0x8915
_SIOCGIFHWADDR = 0x8927
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_ARPHRD_ETHER, _ARPHRD_LOOPBACK = 1, 772  # both carry a 14-octet Ethernet header
_IFREQ = struct.Struct("=16sH22s")


def index(name: str) -> int:
    """The interface's number. Raises KernelError when there is none of this name."""
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        raise KernelError(f"there is no interface {name}", "correct `interface`, or create it first") from error


def hardware_address(name: str) -> bytes:
    """The six octets of its MAC address. Raises KernelError when it is not an Ethernet interface."""
    family, data = _ask(name, _SIOCGIFHWADDR)
    if family not in (_ARPHRD_ETHER, _ARPHRD_LOOPBACK):
        raise KernelError(f"{name} is not an Ethernet interface", "virtual addresses need Ethernet and ARP")
    return data[:6]


def first_address(name: str) -> str | None:
    """Its first IPv4 address, if it has one."""
    try:
        _, data = _ask(name, _SIOCGIFADDR)
    except KernelError:
        return None
    return socket.inet_ntoa(data[2:6])


def is_up(name: str) -> bool:
    """Whether it is set up and has a carrier; False for one that is gone."""
    try:
        flags, _ = _ask(name, _SIOCGIFFLAGS)
    except KernelError:
        return False
    return flags & (_IFF_UP | _IFF_RUNNING) == (_IFF_UP | _IFF_RUNNING)


def _ask(name: str, request: int) -> tuple[int, bytes]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, request, _IFREQ.pack(name.encode(), 0, b""))
        except OSError as error:
            raise KernelError(f"there is no interface {name}", "correct `interface`, or create it") from error
    _, number, data = _IFREQ.unpack(answer)
    return number, data
