"""The virtual addresses of this node."""

from __future__ import annotations

import socket
from collections.abc import Callable

from node.config import VirtualAddress
from node.kernel import addresses
from node.kernel.addresses import AddressOwner
from node.kernel.errors import KernelError
from node.log import get

PROBE_MS = 300

log = get("addresses")


class Addresses:
    """All virtual addresses, added, announced and removed together."""

    def __init__(self, virtual: tuple[VirtualAddress, ...]) -> None:
        """Raises KernelError without CAP_NET_ADMIN and CAP_NET_RAW, unless every address is local already."""
        self._virtual = virtual
        self._owner: AddressOwner | None = None
        if not all(_is_local(each) for each in virtual):
            self._owner = AddressOwner()

    def add(self) -> None:
        """Put every address on its interface; raises KernelError."""
        self._each(lambda owner, each: owner.add(each.address, each.interface))

    def announce(self) -> None:
        """Gratuitous ARP for every address; a failure is logged, the next one may succeed."""
        try:
            self._each(lambda owner, each: owner.announce(each.address, each.interface))
        except KernelError as error:
            log.error("address not announced", error=str(error))

    def remove(self) -> None:
        """Take every address away."""
        try:
            self._each(lambda owner, each: owner.remove(each.address, each.interface))
        except KernelError as error:
            log.error("address not removed", error=str(error))

    def taken_by(self) -> str | None:
        """Who else answers for an address of ours, in words; None when nobody does. Takes PROBE_MS each."""
        for each in self._virtual if self._owner is not None else ():
            mac = addresses.probe(str(each.host), each.interface, PROBE_MS)
            if mac is not None:
                return f"{each.host} on {each.interface} belongs to {mac}"
        return None

    def _each(self, action: Callable[[AddressOwner, VirtualAddress], object]) -> None:
        owner = self._owner
        if owner is not None:
            for each in self._virtual:
                action(owner, each)


def _is_local(virtual: VirtualAddress) -> bool:
    """Whether this host answers for the address anyway, as for all of 127.0.0.0/8."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(virtual.host), 0))
        except OSError:
            return False
    return virtual.host.is_loopback
