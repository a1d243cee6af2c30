"""A gateway is asked by ARP, in the name of the host, and only its own answer counts."""

import time
from collections.abc import Iterator

import pytest

from node.kernel import interfaces as nic
from node.kernel.errors import KernelError
from node.kernel.gateways import GatewayProbe
from tests.kernel.hosts import CLIENT, INTERFACE, NODE_A, Network, ip
from tests.requirements import needs_root

pytestmark = needs_root


@pytest.fixture
def probe(network: Network) -> Iterator[GatewayProbe]:
    with network.a.inside():
        probe = GatewayProbe(CLIENT, INTERFACE)
        yield probe
        probe.close()


def answered(probe: GatewayProbe, patience_s: float) -> bool:
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        if probe.answered():
            return True
        time.sleep(0.01)
    return False


def test_a_gateway_that_is_there_answers_and_one_that_is_gone_does_not(network: Network, probe: GatewayProbe) -> None:
    assert not answered(probe, 0.1), "nobody has asked"
    probe.ask(NODE_A)
    assert answered(probe, 5.0)
    ip("-n", network.client.name, "link", "set", INTERFACE, "down")
    try:
        probe.ask(NODE_A)
        assert not answered(probe, 0.3)
    finally:
        ip("-n", network.client.name, "link", "set", INTERFACE, "up")
    probe.ask(NODE_A)
    assert answered(probe, 5.0)


def test_others_answers_do_not_count(network: Network) -> None:
    with network.a.inside():
        nobody, somebody = GatewayProbe("10.90.0.200", INTERFACE), GatewayProbe(CLIENT, INTERFACE)
        somebody.ask(NODE_A)
        nobody.ask(NODE_A)
        assert answered(somebody, 5.0)
        assert not nobody.answered()
        nobody.close()
        somebody.close()


def test_an_interface_that_is_down_gives_no_answer(network: Network, probe: GatewayProbe) -> None:
    assert nic.first_address(INTERFACE) == NODE_A
    ip("-n", network.a.name, "link", "set", INTERFACE, "down")
    try:
        probe.ask(NODE_A)
        assert not probe.answered()
    finally:
        ip("-n", network.a.name, "link", "set", INTERFACE, "up")


def test_a_probe_on_no_interface_is_told_of(network: Network) -> None:
    with network.a.inside(), pytest.raises(KernelError, match="cannot ask for the gateway"):
        GatewayProbe(CLIENT, "none0")
