"""What still arrives at a node that has handed over reaches the other one, and no peer sends anything twice."""

import socket
import time
from collections.abc import Iterator

import pytest

from node.kernel import diversion, repair, tcp
from node.kernel.diversion import Diversion
from node.kernel.errors import KernelError
from tests.kernel.capture import RST, Capture
from tests.kernel.hosts import INTERFACE, VIRTUAL, Host
from tests.kernel.node import RECEIVE_BUFFER, Node, connect, readable, receive
from tests.requirements import needs_root

PORT = 1602
LATE = bytes(range(256)) * 40  # some segments, so that offloading has something to do, and within the first window
FIRST_TIMER_S = 0.001
"""A sender with several segments on their way asks so soon what became of them; on a machine that stutters, it may."""
PATIENCE_S = 2.0

pytestmark = needs_root


@pytest.fixture
def diverted(node: Node) -> Iterator[Diversion]:
    with node.host.inside():
        one = Diversion(INTERFACE, [VIRTUAL])
    yield one
    one.close()


def go_on(record: tcp.TcpRecord, standby: Node, bases: tuple[int, int], key: bytes) -> socket.socket:
    with standby.host.inside():
        sock = standby.keep(repair.restore(record, bases[1], bases[0], 0, RECEIVE_BUFFER)[0])
    standby.gate.restore(key, *bases)
    return sock


@pytest.mark.parametrize("offload", [True, False], ids=["offload", "no-offload"])
def test_late_segments_reach_the_successor(
    node: Node, standby: Node, client: Host, diverted: Diversion, capture: Capture, offload: bool
) -> None:
    client.checksum_offload(offload)
    listener = node.listen(PORT)
    peer = node.keep(connect(client, PORT))
    leg, flow = node.accept(listener)
    record = tcp.describe(leg)
    again, begun_s = client.counter("TcpRetransSegs"), time.monotonic()
    node.gate.lease = 0
    assert peer.send(LATE) == len(LATE)
    diverted.work()
    sock = go_on(record, standby, (flow.receive_base, flow.send_base), flow.key)
    standby.activate()
    tcp.go_live(sock)
    while not diverted.sent and time.monotonic() < begun_s + PATIENCE_S:  # the kernel may deliver frames a little later
        diverted.work()
    assert receive(sock, len(LATE)) == LATE
    assert client.counter("TcpRetransSegs") == again or time.monotonic() > begun_s + FIRST_TIMER_S
    assert diverted.sent and not diverted.lost
    assert not [segment for segment in capture.segments() if segment.flags & RST]


def test_a_connection_that_is_being_opened_reaches_the_successor(
    node: Node, standby: Node, client: Host, diverted: Diversion
) -> None:
    receive(connect_and_echo(node, client), 4)  # so that the client knows where the address is
    listener = standby.listen(PORT)
    node.gate.lease = 0
    with client.inside():
        peer = node.keep(socket.socket())
        peer.setblocking(False)
        assert peer.connect_ex((VIRTUAL, PORT))
    standby.activate()
    diverted.work()
    assert readable(listener, 0.5)  # a SYN is sent again after a second only


def connect_and_echo(node: Node, client: Host) -> socket.socket:
    listener = node.listen(PORT + 1)
    peer = node.keep(connect(client, PORT + 1))
    leg, _ = node.accept(listener)
    leg.send(b"here")
    return peer


def test_nothing_leaves_before_the_successor_is_known_and_little_is_kept(
    node: Node, client: Host, diverted: Diversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diversion, "HELD_FRAMES_MAX", 3)
    node.gate.lease = 0
    with client.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _ in range(5):
            any_socket.sendto(b"hello", (VIRTUAL, 9))
    diverted.work()
    assert (diverted.sent, diverted.lost) == (0, 2)


def test_only_frames_for_the_address_count(node: Node, standby: Node, client: Host, diverted: Diversion) -> None:
    with client.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        any_socket.sendto(b"for the node itself", (str(node.host.address), 9))
    node.gate.lease = 0
    standby.activate()
    diverted.work()
    assert (diverted.sent, diverted.lost) == (0, 0)


def test_an_interface_that_is_not_there(node: Node) -> None:
    with pytest.raises(KernelError, match="no interface none0"):
        Diversion("none0", [VIRTUAL])
