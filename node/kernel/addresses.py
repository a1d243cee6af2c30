"""Virtual addresses on interfaces: put there, announced, taken away. Probes and links are offered too."""

import contextlib
import socket
from collections.abc import Iterator
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from node.kernel import interfaces as nic
from node.kernel.arp import Announcer, probe
from node.kernel.errors import KernelError
from node.kernel.links import LinkWatcher

__all__ = ["AddressOwner", "LinkWatcher", "add", "announce", "present", "probe", "remove"]

_IFA_F_SECONDARY = 0x01
_HOST_PREFIX = 32

_REMEDY = "the node needs CAP_NET_ADMIN, or root"


class AddressOwner:
    """Keeps what it takes to move addresses open, so that a takeover pays for the moving only.

    Not for the thread that runs an event loop: pyroute2 runs one of its own. announce() may be called
    anywhere.
    """

    def __init__(self) -> None:
        """Open the sockets. Raises KernelError."""
        try:
            self._route: Any = IPRoute()
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
            self._route.addr("add", index=index, address=str(wanted.ip), prefixlen=length)

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
                self._route.addr("delete", index=index, address=str(found.ip), prefixlen=length)
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

    def _addresses(self, index: int) -> list[tuple[IPv4Interface, bool]]:
        """Each IPv4 address of an interface with its prefix, and whether it is a secondary one."""
        with _explained("cannot list addresses"):
            answers = list(self._route.get_addr(index=index, family=socket.AF_INET))
        return [_interface_address(answer) for answer in answers if answer["index"] == index]


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


def _interface_address(answer: Any) -> tuple[IPv4Interface, bool]:
    host = answer.get("local") or answer.get("address")
    return IPv4Interface(f"{host}/{answer['prefixlen']}"), bool(answer["flags"] & _IFA_F_SECONDARY)


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
    except NetlinkError as error:
        raise KernelError(f"{doing}: {error}", _REMEDY) from error
