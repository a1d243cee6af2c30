"""One network for all tests of this area; each test loads its gates anew."""

from collections.abc import Iterator

import pytest

from tests.kernel.capture import Capture
from tests.kernel.hosts import Host, Network
from tests.kernel.node import Node


@pytest.fixture(scope="session")
def hosts() -> Iterator[Network]:
    """A client and two nodes on one bridge."""
    network = Network()
    yield network
    network.close()


@pytest.fixture
def network(hosts: Network) -> Network:
    """The same, with the settings that a fresh host has."""
    for host in (hosts.client, hosts.a, hosts.b):
        host.sysctl("net.ipv4.tcp_timestamps", "1")
        host.checksum_offload(True)
    return hosts


@pytest.fixture
def client(network: Network) -> Host:
    return network.client


@pytest.fixture
def node(network: Network) -> Iterator[Node]:
    """An active node."""
    one = Node(network.a)
    one.activate()
    yield one
    one.close()


@pytest.fixture
def standby(network: Network) -> Iterator[Node]:
    """Another, silent."""
    other = Node(network.b)
    yield other
    other.close()


@pytest.fixture
def capture(client: Host) -> Iterator[Capture]:
    """What the client's interface receives."""
    tap = Capture(client)
    yield tap
    tap.close()
