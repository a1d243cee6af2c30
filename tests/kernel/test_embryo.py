"""Connections between their SYN and their slot."""

import select
import socket
import struct
import time
from typing import Any

import pytest

from node.kernel import layout, libbpf, tcp
from node.kernel.acks import pure_ack
from node.kernel.errors import KernelError
from node.kernel.gate import Flow, Gate, flow_key
from tests.kernel.capture import ACK, SYN, Capture
from tests.kernel.hosts import CLIENT, INTERFACE, NODE_A, VIRTUAL, Host, ip
from tests.kernel.node import RECEIVE_BUFFER, Node, connect, key_of, receive
from tests.kernel.test_acks import SETTLE_S, settled
from tests.requirements import needs_root

pytestmark = needs_root

PORT = 1302
STRANGER = "10.90.0.77"  # nobody: what goes there is seen by a capture only


def test_data_before_accept_is_acknowledged_after_the_commit(node: Node, client: Host) -> None:
    listener = node.listen(PORT)
    peer = node.keep(connect(client, PORT))
    peer.sendall(b"early")
    time.sleep(SETTLE_S)
    assert tcp.unacknowledged(peer) == 5
    leg, flow = node.accept(listener)
    assert receive(leg, 5) == b"early"
    assert flow.ack_held
    assert node.commit(flow, flow.receive_base + 2, CLIENT)
    assert settled(peer, 3)
    assert node.commit(flow, flow.receive_base + 5, CLIENT)
    assert settled(peer, 0)
    assert flow.traffic()[1] == 5


def test_data_during_the_hand_over_is_not_forgotten(node: Node, client: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gate holds between the first look at the embryo and the slot's publication."""
    listener = node.listen(PORT)
    peer = node.keep(connect(client, PORT))
    publish = Gate._publish

    def slow(gate: Gate, *arguments: Any) -> Flow:
        peer.sendall(b"meanwhile")
        time.sleep(SETTLE_S)
        return publish(gate, *arguments)

    monkeypatch.setattr(Gate, "_publish", slow)
    _, flow = node.accept(listener)
    assert flow.ack_held
    assert node.commit(flow, flow.receive_base + 9, CLIENT)
    assert settled(peer, 0)


def test_a_later_held_ack_supersedes_the_early_one(node: Node, client: Host) -> None:
    listener = node.listen(PORT)
    peer = node.keep(connect(client, PORT))
    peer.sendall(b"early")
    time.sleep(SETTLE_S)
    _, flow = node.accept(listener)
    peer.sendall(b"later")
    time.sleep(SETTLE_S)
    assert node.commit(flow, flow.receive_base + 10, CLIENT)
    assert settled(peer, 0)
    assert not flow.ack_held


def segment(port: int, seq: int, ack: int, flags: int) -> bytes:
    """A bare segment from the stranger: pure_ack() with other flags, the checksum mended by the difference."""
    plain = struct.pack("!HHIIBBHHH", port, PORT, 0, 0, 0x50, ACK, 0xFFFF, 0, 0)
    packet = bytearray(pure_ack(flow_key((STRANGER, port), (VIRTUAL, PORT)), plain, seq, ack))
    (old,) = struct.unpack_from("!H", packet, 36)
    packet[33] = flags
    total = old + ACK - flags
    struct.pack_into("!H", packet, 36, total % 0xFFFF or 0xFFFF)
    return bytes(packet)


def introduce_stranger(node: Node) -> socket.socket:
    """A raw socket at the client; the node sends to the stranger by way of the client's interface."""
    mac = (INTERFACE, "lladdr", "02:00:00:00:00:77", "nud", "permanent")
    ip("-n", node.host.name, "neigh", "replace", STRANGER, "dev", *mac)
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def test_a_repeated_syn_ack_keeps_what_was_learnt(node: Node, client: Host, capture: Capture) -> None:
    listener = node.listen(PORT)
    with client.inside(), introduce_stranger(node) as raw:
        raw.sendto(segment(5000, 1000, 0, SYN), (VIRTUAL, 0))
        time.sleep(1.3)  # the kernel sends its SYN-ACK again after a second
        answers = [s for s in capture.segments() if s.flags & SYN]
        assert len(answers) == 2
        assert {s.ack for s in answers} == {1001}
        assert node.gate.statistics()["embryos"] == 1
        raw.sendto(segment(5000, 1001, answers[0].seq + 1, ACK), (VIRTUAL, 0))
        _, flow = node.accept(listener)
    assert (flow.receive_base, flow.send_base) == (1001, answers[0].seq + 1)


def test_a_flood_of_half_open_connections_is_bounded(network: Any, client: Host) -> None:
    node = Node(network.a, loose=512)
    try:
        node.activate()
        listener = node.listen(PORT, 4096)
        peer = node.keep(connect(client, PORT))
        leg, flow = node.accept(listener)
        with client.inside(), introduce_stranger(node) as raw:
            for port in range(3000):
                raw.sendto(segment(10000 + port, 7, 0, SYN), (VIRTUAL, 0))
        assert node.gate.statistics()["embryos"] > 2000
        assert len(list(libbpf.keys(node.gate.fds()["loose"], layout.KEY.size))) <= 512
        peer.sendall(b"still here")
        assert receive(leg, 10) == b"still here"
        node.commit(flow, flow.receive_base + 10, CLIENT)
        assert settled(peer, 0)
    finally:
        node.close()


def test_an_active_open_learns_the_peers_number(node: Node, client: Host) -> None:
    with client.inside():
        server = node.keep(socket.create_server((CLIENT, PORT)))
    with node.host.inside():
        leg = node.keep(tcp.open_active(VIRTUAL, 33333, RECEIVE_BUFFER))
    leg.connect_ex((CLIENT, PORT))
    peer = node.keep(server.accept()[0])
    peer.sendall(b"first word")  # the server speaks first: our first ack may well cover it
    select.select([], [leg], [], 2)
    flow = node.gate.register(key_of(leg))
    assert flow is not None
    assert leg.getsockname() == (VIRTUAL, 33333)
    assert receive(leg, 10) == b"first word"
    time.sleep(SETTLE_S)
    assert tcp.unacknowledged(peer) == 10
    assert node.commit(flow, flow.receive_base + 10, CLIENT)
    assert settled(peer, 0)
    assert tcp.state(leg) is tcp.TcpState.ESTABLISHED


def test_a_taken_port_is_not_insisted_on(node: Node) -> None:
    with node.host.inside():
        node.keep(tcp.listener((VIRTUAL, 33334), 1, RECEIVE_BUFFER))
        leg = node.keep(tcp.open_active(VIRTUAL, 33334, RECEIVE_BUFFER))
    assert leg.getsockname()[0] == VIRTUAL
    assert leg.getsockname()[1] != 33334


def test_what_the_gate_never_saw_has_no_slot(node: Node) -> None:
    assert node.gate.register(flow_key((VIRTUAL, 1), (CLIENT, 2))) is None


def test_slots_are_bounded(network: Any, client: Host) -> None:
    node = Node(network.a, slots=1)
    try:
        node.activate()
        listener = node.listen(PORT)
        peers = [node.keep(connect(client, PORT)) for _ in range(2)]
        _, flow = node.accept(listener)
        second = node.keep(listener.accept()[0])
        assert node.gate.register(key_of(second)) is None
        with pytest.raises(KernelError, match="slots") as caught:
            node.gate.restore(key_of(second), 1, 1)
        assert "limits.sessions" in caught.value.remedy

        node.gate.refuse(key_of(second))
        second.close()
        assert select.select([peers[1]], [], [], 2)[0]
        assert peers[1].recv(1) == b""

        flow.release()
        node.keep(connect(client, PORT))
        assert node.accept(listener)[1].slot == flow.slot
    finally:
        node.close()


def test_the_nodes_own_connections_are_left_alone(node: Node, client: Host) -> None:
    with client.inside():
        server = node.keep(socket.create_server((CLIENT, PORT + 1)))
    with node.host.inside():
        leg = node.keep(socket.create_connection((CLIENT, PORT + 1), timeout=2))
    assert leg.getsockname()[0] == NODE_A
    server.accept()[0].close()
    assert leg.recv(1) == b""
