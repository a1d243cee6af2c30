"""What waits for a neighbour's hardware address when a node leaves does not outlast its gate."""

import socket
from collections.abc import Iterator

import pytest

from node.kernel.errors import KernelError
from node.kernel.neighbours import drop_waiting
from tests.kernel.hosts import INTERFACE, Host, Network, ip
from tests.kernel.node import readable
from tests.requirements import needs_root

pytestmark = needs_root

SPARE, FAR_END = "spare0", "spare0-end"
NOBODY = "10.91.0.7"
HARDWARE = "02:00:0a:5b:00:07"
WORDS = b"sent long ago"


@pytest.fixture
def host(network: Network) -> Iterator[Host]:
    """A host on a network where nobody answers."""
    ip("-n", network.a.name, "link", "add", SPARE, "type", "veth", "peer", "name", FAR_END)
    for end in (SPARE, FAR_END):
        ip("-n", network.a.name, "link", "set", end, "up")
    ip("-n", network.a.name, "address", "add", "10.91.0.1/24", "dev", SPARE)
    yield network.a
    ip("-n", network.a.name, "link", "del", SPARE)


def heard_after(host: Host, interface: str | None) -> bool:
    """Whether a packet to a neighbour leaves once that is found, if those on `interface` were dropped before."""
    with (
        host.inside(),
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as far_end,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near_end,
    ):
        far_end.bind((FAR_END, 0x0800))
        near_end.sendto(WORDS, (NOBODY, 9))
        if interface is not None:
            drop_waiting(interface)
        ip("neigh", "replace", NOBODY, "lladdr", HARDWARE, "dev", SPARE)
        return readable(far_end, 0.3) and far_end.recv(1500).endswith(WORDS)


def test_it_waits_and_leaves_without_this(host: Host) -> None:
    assert heard_after(host, None)


def test_it_is_dropped(host: Host) -> None:
    assert not heard_after(host, SPARE)


def test_other_interfaces_are_left_alone(host: Host) -> None:
    assert heard_after(host, INTERFACE)


def test_what_has_been_found_is_not_forgotten(host: Host) -> None:
    ip("-n", host.name, "neigh", "replace", NOBODY, "lladdr", HARDWARE, "dev", SPARE, "nud", "reachable")
    with host.inside():
        drop_waiting(SPARE)
    assert HARDWARE in ip("-n", host.name, "neigh", "show", "dev", SPARE)


def test_no_such_interface(host: Host) -> None:
    with host.inside(), pytest.raises(KernelError, match="no interface nothing0"):
        drop_waiting("nothing0")
