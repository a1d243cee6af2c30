"""Virtual addresses on interfaces: put there, announced, taken away. Probes and links are offered too."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from node.kernel import interfaces as nic
from node.kernel import netlink
from node.kernel.arp import Announcer, probe
from node.kernel.errors import KernelError
from node.kernel.links import LinkWatcher
from node.kernel.netlink import Netlink

__all__ = ["AddressOwner", "LinkWatcher", "add", "announce", "present", "probe", "remove"]

_NEW_ADDRESS, _DELETE_ADDRESS, _GET_ADDRESS = 20, 21, 22  # linux/rtnetlink.h: RTM_
_IFADDRMSG = struct.Struct("=BBBBI")  # linux/if_addr.h: family, prefix length, flags, scope, interface
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFA_F_SECONDARY = 0x01
_HOST_PREFIX = 32

_REMEDY = "the node needs CAP_NET_ADMIN, or root"


class AddressOwner:
    """Keeps what it takes to move addresses open, so that a takeover pays for the moving only.

    A few netlink messages: a library's way to say them takes milliseconds, in which every peer waits.
    """

    def __init__(self) -> None:
        """Open the sockets. Raises KernelError."""
        try:
            self._route = Netlink(socket.NETLINK_ROUTE)
        except OSError as error:
            raise KernelError(f"cannot open a netlink socket: {error}", _REMEDY) from error
        self._announcer = Announcer()

    def __enter__(self) -> "AddressOwner":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, address: str | IPv4Interface, interface: str) -> None:
        """Put an address ("10.1.100.1/24") on an interface; nothing happens when it is there.

        Beside another address of its network it is put as /32: it then never becomes the network's first
        address, which the host's own packets would carry and whose removal would take the others along.
        Raises KernelError.
        """
        wanted = IPv4Interface(address)
        index = nic.index(interface)
        there = self._addresses(index)
        if any(wanted.ip == found.ip for found, _ in there):
            return
        beside = any(found.ip in wanted.network for found, _ in there)
        length = _HOST_PREFIX if beside else wanted.network.prefixlen
        with _explained(f"cannot put {wanted} on {interface}"):
            self._change(_NEW_ADDRESS, index, wanted.ip, length, netlink.CREATE | netlink.EXCLUSIVE)

    def remove(self, address: str | IPv4Interface, interface: str) -> bool:
        """Take an address away, and only this one; whether it was there. Raises KernelError."""
        unwanted = IPv4Interface(address).ip
        index = nic.index(interface)
        there = self._addresses(index)
        for found, secondary in there:
            if found.ip != unwanted:
                continue
            if not secondary and _has_secondaries(found, there):
                _promote_secondaries(interface)
            length = found.network.prefixlen
            with _explained(f"cannot take {found} from {interface}"):
                self._change(_DELETE_ADDRESS, index, found.ip, length)
            return True
        return False

    def present(self, address: str | IPv4Interface, interface: str) -> bool:
        """Whether the interface has the address. Raises KernelError."""
        wanted = IPv4Interface(address).ip
        return any(found.ip == wanted for found, _ in self._addresses(nic.index(interface)))

    def announce(self, address: str | IPv4Interface, interface: str) -> None:
        """Tell the network where the address is now: arp.Announcer. Raises KernelError."""
        self._announcer.announce(str(IPv4Interface(address).ip), interface)

    def close(self) -> None:
        """Close the sockets; the addresses stay."""
        self._route.close()
        self._announcer.close()

    def _change(self, kind: int, index: int, address: IPv4Address, length: int, flags: int = 0) -> None:
        named = (netlink.attribute(name, address.packed) for name in (_IFA_LOCAL, _IFA_ADDRESS))
        self._route.do(kind, _IFADDRMSG.pack(socket.AF_INET, length, 0, 0, index) + b"".join(named), flags)

    def _addresses(self, index: int) -> list[tuple[IPv4Interface, bool]]:
        """Each IPv4 address of an interface with its prefix, and whether it is a secondary one."""
        with _explained("cannot list addresses"):
            answers = list(self._route.list(_GET_ADDRESS, _IFADDRMSG.pack(socket.AF_INET, 0, 0, 0, 0)))
        return [_interface_address(answer) for answer in answers if _IFADDRMSG.unpack_from(answer)[-1] == index]


def add(address: str | IPv4Interface, interface: str) -> None:
    """AddressOwner.add(), once."""
    with AddressOwner() as owner:
        owner.add(address, interface)


def remove(address: str | IPv4Interface, interface: str) -> bool:
    """AddressOwner.remove(), once."""
    with AddressOwner() as owner:
        return owner.remove(address, interface)


def present(address: str | IPv4Interface, interface: str) -> bool:
    """AddressOwner.present(), once."""
    with AddressOwner() as owner:
        return owner.present(address, interface)


def announce(address: str | IPv4Interface, interface: str) -> None:
    """Tell the network where the address is now, once: arp.Announcer. Raises KernelError."""
    announcer = Announcer()
    try:
        announcer.announce(str(IPv4Interface(address).ip), interface)
    finally:
        announcer.close()


def _interface_address(answer: bytes) -> tuple[IPv4Interface, bool]:
    _, length, flags, *_ = _IFADDRMSG.unpack_from(answer)
    told = netlink.attributes(answer[_IFADDRMSG.size :])
    host = told.get(_IFA_LOCAL) or told[_IFA_ADDRESS]
    return IPv4Interface((host, length)), bool(flags & _IFA_F_SECONDARY)


def _has_secondaries(first: IPv4Interface, there: list[tuple[IPv4Interface, bool]]) -> bool:
    return any(secondary and found.network == first.network for found, secondary in there)


def _promote_secondaries(interface: str) -> None:
    """Let the next address take the first one's place when that goes, instead of going with it."""
    setting = Path(f"/proc/sys/net/ipv4/conf/{interface}/promote_secondaries")
    try:
        setting.write_text("1")
    except OSError as error:
        raise KernelError(f"cannot keep the other addresses of {interface}: {error}", f"set {setting} to 1") from error


@contextlib.contextmanager
def _explained(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KernelError(f"{doing}: {error.strerror}", _REMEDY) from error
