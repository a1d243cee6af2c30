"""Networks that come back.

A data network hears where the addresses are: one that was away during a takeover has missed it. The heartbeat link
carries the replication stream again, which had moved to a network that may be the next to fail.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from node.takeover import REANNOUNCE_S
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED
from scripts.lab.namespaces import inside
from scripts.lab.topology import CLIENT_VIRTUAL, plug
from tests.e2e.lines import until
from tests.requirements import needs_root

pytestmark = needs_root

ETH_P_ARP = 0x0806
SENDER_AT = 14
PATIENCE_S = 20.0
ASSOCIATIONS = 2


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab("enet-", timing=RELAXED) as lab:
        yield lab


def hear_of(listener: socket.socket, address: str) -> str:
    """Who says that an address is there, by hardware address."""
    wanted, give_up_s = socket.inet_aton(address), time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        packet = listener.recv(64)
        if packet[SENDER_AT : SENDER_AT + 4] == wanted:
            return packet[SENDER_AT - 6 : SENDER_AT].hex(":")
    raise AssertionError("nobody said so")


def carriers(lab: Lab) -> list[list[str]]:
    """By node, the links that carry the replication stream."""
    return [
        [link["name"] for link in node.status().get("links", []) if link["carries_stream"]] for node in lab.pair.nodes
    ]


def test_addresses_are_announced_to_a_network_that_is_back(lab: Lab) -> None:
    lab.pair.start()
    active, passive = lab.pair.wait_ready(90)
    passive.kill()  # there is nobody to hand over to
    active.wait("alone", lambda status: status["sync"] == "solo", PATIENCE_S)
    time.sleep(max(REANNOUNCE_S) + 0.5)
    network = plug(active.name, "client")
    with inside(
        lab.topology.namespace("client"), lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, ETH_P_ARP)
    ) as listener:
        listener.bind((plug("client", "client").interface, ETH_P_ARP))
        listener.settimeout(PATIENCE_S)
        lab.topology.unplug([network.port])
        down = f"data interface {network.interface} has no carrier"
        active.wait("without a network", lambda status: down in status["problems"], PATIENCE_S)
        lab.topology.plug_in([network.port])
        assert hear_of(listener, CLIENT_VIRTUAL) == network.mac
    assert active.status()["role"] == "active"


def test_the_stream_goes_back_to_the_link_that_is_back(lab: Lab) -> None:
    lab.pair.start()
    active, _ = lab.pair.wait_ready(90)
    lab.start_tase2_server()
    clients = lab.start_clients(ASSOCIATIONS)
    clients.wait_for_progress(PATIENCE_S)
    assert carriers(lab) == [["hb0"], ["hb0"]]
    FAILURES["heartbeat-link"].strike(lab.topology, active)
    until("over the data network", lambda: carriers(lab) == [["data"], ["data"]], PATIENCE_S)
    FAILURES["heartbeat-link"].mend(lab.topology, active)
    until("and back", lambda: carriers(lab) == [["hb0"], ["hb0"]], PATIENCE_S)
    lab.pair.wait_ready(PATIENCE_S)
    seen = clients.stop()
    assert (seen["survived"], seen["missed"]) == (ASSOCIATIONS, 0), seen
    assert active.status()["role"] == "active"
