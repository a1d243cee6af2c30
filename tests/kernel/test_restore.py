"""Live connections change hosts and their peers notice nothing."""

import fcntl
import resource
import socket
import struct
import termios
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pyroute2 import IPRoute

from node.kernel import orphans, repair, tcp
from node.kernel.errors import KernelError
from node.kernel.gate import flow_key
from node.kernel.layout import Endpoint
from node.kernel.record import TIMESTAMPS_OCTETS, restated, sending_mss
from tests.kernel.capture import FIN, RST, SYN, Capture
from tests.kernel.hosts import CLIENT, INTERFACE, PREFIX_LENGTH, VIRTUAL, Host, Network
from tests.kernel.node import RECEIVE_BUFFER, Node, connect, key_of, readable, receive
from tests.kernel.streams import Leg, Peer, pump
from tests.requirements import needs_root

PORT = 1502
_FEATURE_TCP_USEC_TS = 1 << 4  # linux/rtnetlink.h, RTAX_FEATURE_TCP_USEC_TS


@pytest.fixture(params=["0", "1"], ids=["no-timestamps", "timestamps"])
def timestamps(request: pytest.FixtureRequest, network: Network) -> str:
    for host in (network.client, network.a, network.b):
        host.sysctl("net.ipv4.tcp_timestamps", request.param)
    return str(request.param)


def change_hosts(old: Node, new: Node, legs: list[Leg]) -> None:
    """What a takeover does, in its order."""
    old.die()
    for leg in legs:
        leg.restore_on(new)
    new.activate()
    for leg in legs:
        leg.go_live()
    with old.host.inside():
        orphans.destroy([VIRTUAL])


@needs_root
def test_streams_both_ways_live_through_several_takeovers(
    node: Node, standby: Node, client: Host, capture: Capture, timestamps: str
) -> None:
    listener = node.listen(PORT)
    peers, legs = [], []
    for _ in range(6):
        peers.append(Peer(client, PORT))
        legs.append(Leg(node, *node.accept(listener)))
    pump(legs, 0.3)
    for old, new in ((node, standby), (standby, node), (node, standby)):
        change_hosts(old, new, legs)
        pump(legs, 0.5)
    finish(peers, legs)
    assert all(leg.record.timestamps == (timestamps == "1") for leg in legs)
    assert max(peer.stall_s for peer in peers) < 1
    assert not [s for s in capture.segments() if s.flags & RST]
    assert min(peer.received for peer in peers) > 100_000


def finish(peers: list[Peer], legs: list[Leg]) -> None:
    """Everything that was sent arrives; then the node closes."""
    for peer in peers:
        peer.stop()
    for leg in legs:
        leg.stopped = True
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s and any(
        peer.sent != leg.committed or leg.acknowledged != leg.sent for peer, leg in zip(peers, legs, strict=True)
    ):
        pump(legs, 0.02)
    for leg in legs:
        leg.flow.allow_fin()
        leg.socket.close()
    for peer, leg in zip(peers, legs, strict=True):
        peer.join()
        assert peer.error is None, peer.error
        assert (leg.committed, peer.received) == (peer.sent, leg.sent)


class Moved:
    """One connection that has moved from one node to the other with nothing in flight."""

    def __init__(self, old: Node, new: Node, client: Host) -> None:
        self.old, self.new = old, new
        listener = old.listen(PORT)
        self.peer = old.keep(connect(client, PORT))
        self.leg, self.flow = old.accept(listener)
        self.record = tcp.describe(self.leg)
        self.base = self.receive_sequence = self.flow.receive_base
        self.send_sequence = self.flow.send_base

    def move(self) -> socket.socket:
        clock_ms = time.monotonic_ns() // 1_000_000
        self.old.die()
        with self.new.host.inside():
            sequences = self.send_sequence, self.receive_sequence
            sock, self.offset = repair.restore(self.record, *sequences, clock_ms, RECEIVE_BUFFER)
            self.new.keep(sock)
        self.flow = self.new.gate.restore(self.flow.key, self.receive_sequence, self.send_sequence)
        self.new.activate()
        tcp.go_live(sock)
        return sock


@pytest.fixture
def moved(node: Node, standby: Node, client: Host) -> Moved:
    return Moved(node, standby, client)


@needs_root
@pytest.mark.parametrize("offload", [True, False], ids=["offload", "no-offload"])
def test_acks_beyond_what_this_node_sent_are_capped(moved: Moved, client: Host, offload: bool) -> None:
    """The dead node sent more than this one knows of: the peer's acks, and the data with them, must be heard."""
    client.checksum_offload(offload)
    moved.leg.send(b"z" * 4000)
    receive(moved.peer, 4000)
    sock = moved.move()
    moved.peer.sendall(b"with a high ack")
    assert receive(sock, 15) == b"with a high ack"
    assert moved.new.gate.statistics()["ingress_capped"] > 0
    sock.send(b"z" * 4000 + b"new")
    assert receive(moved.peer, 3) == b"new"


@needs_root
def test_the_windows_right_edge_never_retreats(moved: Moved, capture: Capture) -> None:
    """A peer that filled the dead node's window, none of it committed, loses nothing."""
    position = grow_the_window(moved)
    moved.receive_sequence += position
    moved.peer.setblocking(False)
    sent = fill_the_window(moved.peer)
    with_the_dead = unread(moved.leg)
    assert with_the_dead > 0xFFFF  # more than the window of the opening, none of it acknowledged
    promised = max(right_edges(moved, capture))
    sock = moved.move()
    assert min(right_edges(moved, capture)) >= promised
    sock.send(b"heard?")
    assert receive(moved.peer, 6) == b"heard?"
    time.sleep(0.02)  # the peer's ack comes from beyond all that it has in flight
    assert tcp.unacknowledged(sock) == 0
    begun_s = time.monotonic()
    end = position + sent
    while position < end:
        assert readable(sock, 2), f"{end - position} octets never came"
        position += len(sock.recv(65536))
        moved.new.commit(moved.flow, moved.base + position, CLIENT)
    assert time.monotonic() - begun_s < 2


def right_edges(moved: Moved, capture: Capture) -> list[int]:
    """Up to where the node let the peer send, in octets since the opening, by each segment since last asked."""
    segments = [s for s in capture.segments() if not s.flags & SYN]
    assert segments
    scale, base = moved.record.receive_scale, moved.base
    return [((s.ack - base) & 0xFFFFFFFF) + (s.window << scale) for s in segments]


def grow_the_window(moved: Moved) -> int:
    """Have the peer's window grow to its bound; how many octets that took."""
    position = sent = 0
    for _ in range(300):
        sent += moved.peer.send(bytes(20_000))
        while position < sent:
            position += len(moved.leg.recv(65536))
            moved.old.commit(moved.flow, moved.flow.receive_base + position, CLIENT)
    return position


def fill_the_window(peer: socket.socket) -> int:
    """Send until nothing goes any more; how many octets that was."""
    sent, last_s = 0, time.monotonic()
    while time.monotonic() < last_s + 0.03:
        try:
            sent += peer.send(bytes(65536))
            last_s = time.monotonic()
        except BlockingIOError:
            time.sleep(0.002)
    return sent


def unread(sock: socket.socket) -> int:
    """Octets that the kernel has received and nobody has read (SIOCINQ)."""
    (count,) = struct.unpack("=i", fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)))
    return int(count)


@needs_root
@pytest.mark.parametrize("finished", [False, True], ids=["open", "half-closed"])
def test_a_successor_follows_its_connection(moved: Moved, capture: Capture, finished: bool) -> None:
    """It stands early, moves on with the connection while the old node serves, and goes live where that is then."""
    with moved.new.host.inside():
        successor = repair.Successor(moved.record, RECEIVE_BUFFER)
        sequences = moved.send_sequence, moved.receive_sequence
        sock, _ = successor.go_on(*sequences, time.monotonic_ns() // 1_000_000)
        moved.new.keep(sock)
    steps = 3
    for step in range(steps):
        moved.peer.sendall(b"q" * 1000)
        receive(moved.leg, 1000)
        moved.leg.send(b"a" * 700)
        receive(moved.peer, 700)
        moved.receive_sequence += 1000
        moved.send_sequence += 700
        if finished and step == steps - 1:
            moved.peer.shutdown(socket.SHUT_WR)
            assert readable(moved.leg, 5)
            assert moved.leg.recv(1) == b""
            moved.receive_sequence += 1
        moved.old.commit(moved.flow, moved.receive_sequence, CLIENT)
        received = 1000 + (finished and step == steps - 1)
        successor.follow(700, received, moved.receive_sequence)
    moved.old.die()
    capture.segments()
    moved.flow = moved.new.gate.restore(moved.flow.key, moved.receive_sequence, moved.send_sequence)
    moved.new.activate()
    tcp.go_live(sock, probe=False)
    tcp.drop(sock, steps * 1000 + finished)
    assert not readable(sock, 0.02)
    tcp.probe(sock)
    sock.send(b"from the new one")
    assert receive(moved.peer, 16) == b"from the new one"
    assert tcp.unacknowledged(sock) <= 16, "what stood for earlier octets is acknowledged"
    if not finished:
        moved.peer.sendall(b"to the new one")
        assert receive(sock, 14) == b"to the new one"
    assert not [segment for segment in capture.segments() if len(segment.data) > 16], "the zeros stay where they are"


@needs_root
def test_a_half_close_by_the_peer_survives(moved: Moved, capture: Capture) -> None:
    moved.peer.sendall(b"last words")
    moved.peer.shutdown(socket.SHUT_WR)
    assert receive(moved.leg, 10) == b"last words"
    assert moved.leg.recv(1) == b""
    moved.receive_sequence += 11  # the FIN counts, and was committed
    moved.old.commit(moved.flow, moved.receive_sequence, CLIENT)
    time.sleep(0.05)
    assert tcp.state(moved.peer) is tcp.TcpState.FIN_WAIT2
    sock = moved.move()
    sock.send(b"answer")
    assert receive(moved.peer, 6) == b"answer"
    assert not [s for s in capture.segments() if s.flags & (FIN | RST)]
    moved.flow.allow_fin()
    sock.close()
    assert moved.peer.recv(1) == b""


@needs_root
def test_a_half_close_that_was_not_committed_comes_again(moved: Moved) -> None:
    moved.peer.sendall(b"last words")
    moved.peer.shutdown(socket.SHUT_WR)
    assert receive(moved.leg, 10) == b"last words"
    sock = moved.move()
    assert receive(sock, 10) == b"last words"
    sock.setblocking(True)
    sock.settimeout(2)
    assert sock.recv(1) == b""


@needs_root
def test_a_half_close_by_the_node_is_said_again(moved: Moved) -> None:
    moved.flow.allow_fin()
    moved.leg.shutdown(socket.SHUT_WR)
    assert moved.peer.recv(1) == b""
    sock = moved.move()
    moved.flow.allow_fin()
    sock.shutdown(socket.SHUT_WR)
    moved.peer.sendall(b"I go on")
    assert receive(sock, 7) == b"I go on"
    moved.peer.shutdown(socket.SHUT_WR)
    moved.new.commit(moved.flow, moved.flow.receive_base + 8, CLIENT)
    time.sleep(0.3)
    assert tcp.state(moved.peer) is tcp.TcpState.CLOSE


@needs_root
def test_a_listener_and_restored_connections_share_a_port(moved: Moved, client: Host) -> None:
    new = moved.new
    before = new.listen(PORT)  # stands before the address is there, and before the connections are restored
    sock = moved.move()
    peers = [new.keep(connect(client, PORT))]
    fresh = [new.accept(before)[0]]
    before.close()
    after = new.listen(PORT)  # and another can be opened beside them
    peers.append(new.keep(connect(client, PORT)))
    fresh.append(new.accept(after)[0])
    for leg, peer in ((sock, moved.peer), *zip(fresh, peers, strict=True)):
        leg.send(b"mine")
        assert receive(peer, 4) == b"mine"


@needs_root
def test_restored_sockets_keep_their_mss_and_options(moved: Moved, timestamps: str) -> None:
    sock = moved.move()
    described = tcp.describe(sock)
    assert abs(described.timestamp_offset - moved.offset) <= 5
    renewed = restated(moved.record.to_wire(), moved.offset)
    assert tcp.TcpRecord.from_wire(renewed) == replace(moved.record, timestamp_offset=moved.offset)
    assert moved.record.mss == 1460
    assert sending_mss(sock) == 1460 - (TIMESTAMPS_OCTETS if timestamps == "1" else 0)  # the kernel minds the rest
    for name in ("local", "remote", "send_scale", "receive_scale", "scaled", "sack", "timestamps", "timestamps_usec"):
        assert getattr(described, name) == getattr(moved.record, name), name
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


@pytest.fixture
def microseconds(network: Network) -> Iterator[None]:
    """Routes whose connections count timestamps in microseconds (Linux 6.7)."""
    subnet = f"{VIRTUAL.rsplit('.', 1)[0]}.0/{PREFIX_LENGTH}"
    with network.a.inside(), IPRoute() as route:
        index = route.link_lookup(ifname=INTERFACE)[0]
        plain = {"dst": subnet, "oif": index, "scope": "link", "prefsrc": network.a.address}
        route.route("replace", **plain, metrics={"features": _FEATURE_TCP_USEC_TS})
    yield
    with network.a.inside(), IPRoute() as route:
        route.route("replace", **plain)


@needs_root
def test_microsecond_timestamps_survive(microseconds: None, moved: Moved) -> None:
    if not moved.record.timestamps_usec:
        pytest.skip("needs Linux 6.7 or later: microsecond TCP timestamps")
    sock = moved.move()
    assert tcp.describe(sock).timestamps_usec
    sock.send(b"in time")
    assert receive(moved.peer, 7) == b"in time"
    moved.peer.sendall(b"as well")
    assert receive(sock, 7) == b"as well"
    moved.new.commit(moved.flow, moved.flow.receive_base + 7, CLIENT)
    time.sleep(0.05)
    assert tcp.unacknowledged(moved.peer) == 0


@needs_root
def test_hundreds_of_connections(network: Network, client: Host) -> None:
    count = 500
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    old, new = Node(network.a, 2 * count), Node(network.b, 2 * count)
    try:
        old.activate()
        listener = old.listen(PORT, count)
        peers, legs = [], []
        for _ in range(count):
            peers.append(old.keep(connect(client, PORT)))
            legs.append(Leg(old, *old.accept(listener)))
        for number, peer in enumerate(peers):
            peer.send(number.to_bytes(4, "big"))
        begun_s = time.monotonic()
        for leg in legs:
            leg.restore_on(new)
        restored_s = time.monotonic() - begun_s
        old.die()
        new.activate()
        for leg in legs:
            leg.go_live()
        for number, leg in enumerate(legs):
            assert receive(leg.socket, 4) == number.to_bytes(4, "big")
            leg.commit(4)
            leg.socket.send(number.to_bytes(4, "little"))
        for number, peer in enumerate(peers):
            assert receive(peer, 4) == number.to_bytes(4, "little")
        assert restored_s < 2
    finally:
        old.close()
        new.close()


@needs_root
def test_a_connection_that_lives_here_already_cannot_be_restored(moved: Moved) -> None:
    with moved.old.host.inside(), pytest.raises(KernelError, match="cannot restore") as caught:
        repair.restore(moved.record, 1, 1, 0, RECEIVE_BUFFER)
    assert caught.value.remedy
    assert moved.flow.key == key_of(moved.leg) == flow_key(moved.record.local, moved.record.remote)


RECORD = tcp.TcpRecord(Endpoint(VIRTUAL, 102), Endpoint(CLIENT, 5), 1460, 7, 3, True, True, True, False, 1, 65535)


def test_a_record_crosses_the_wire() -> None:
    wire = RECORD.to_wire()
    assert wire == [VIRTUAL, 102, CLIENT, 5, 1460, 7, 3, True, True, True, False, 1, 65535]
    assert tcp.TcpRecord.from_wire(wire) == RECORD


@pytest.mark.parametrize(
    "wire", [None, [], RECORD.to_wire()[:-1], [*RECORD.to_wire()[:-1], "65535"], [1, *RECORD.to_wire()[1:]]]
)
def test_a_malformed_record_is_refused(wire: object) -> None:
    with pytest.raises(ValueError, match="record"):
        tcp.TcpRecord.from_wire(wire)


def test_the_restored_clock_runs_ahead_and_keeps_its_unit() -> None:
    assert repair.timestamp_at(RECORD, 1000) == 1500  # 1 + 1000 + 500, its lowest bit cleared
    microseconds = replace(RECORD, timestamps_usec=True, timestamp_offset=0xFFFFFFFF)
    assert repair.timestamp_at(microseconds, 0) == 499_999


def test_the_window_is_bounded_by_the_buffer_and_the_scale() -> None:
    assert repair.receive_window(1 << 18, RECORD) == 1 << 18
    assert repair.receive_window(1 << 20, RECORD) == 0xFFFF << 3
    assert repair.receive_window(1001, RECORD) == 1008
