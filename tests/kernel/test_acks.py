"""No octet is acknowledged before it is committed, and everything committed is acknowledged at once."""

import socket
import struct
import threading
import time

import dpkt
import pytest

from node.kernel import tcp
from node.kernel.acks import checksum, pure_ack
from node.kernel.flow import Flow, after
from node.kernel.gate import flow_key
from tests.kernel.capture import ACK, SYN, Capture
from tests.kernel.hosts import CLIENT, VIRTUAL, Host
from tests.kernel.node import Node, connect, receive
from tests.requirements import needs_root

PORT = 1202
SETTLE_S = 0.06  # longer than a delayed ack, shorter than a retransmission timer


def establish(node: Node, client: Host) -> tuple[socket.socket, socket.socket, Flow]:
    listener = node.listen(PORT)
    peer = node.keep(connect(client, PORT))
    leg, flow = node.accept(listener)
    return peer, leg, flow


def settled(peer: socket.socket, expected: int) -> bool:
    """Whether so many of the peer's octets are unacknowledged, soon and then for good."""
    end_s = time.monotonic() + 1
    while tcp.unacknowledged(peer) != expected and time.monotonic() < end_s:
        time.sleep(0.002)
    time.sleep(0.01)
    return tcp.unacknowledged(peer) == expected


@needs_root
def test_a_pure_ack_is_held_until_the_commit(node: Node, client: Host, capture: Capture) -> None:
    peer, leg, flow = establish(node, client)
    peer.sendall(b"q" * 1000)
    receive(leg, 1000)
    time.sleep(SETTLE_S)
    assert tcp.unacknowledged(peer) == 1000
    assert flow.ack_held
    assert not [s for s in capture.segments() if s.ack != flow.receive_base and not s.flags & SYN]

    assert node.commit(flow, flow.receive_base + 400, CLIENT)
    assert settled(peer, 600)
    assert node.commit(flow, flow.receive_base + 1000, CLIENT)
    assert settled(peer, 0)
    assert not flow.ack_held
    assert not node.commit(flow, flow.receive_base + 1000, CLIENT)


@needs_root
def test_a_commit_beforehand_holds_nothing(node: Node, client: Host) -> None:
    peer, leg, flow = establish(node, client)
    assert not node.commit(flow, flow.receive_base + 1000, CLIENT)
    peer.sendall(b"q" * 1000)
    receive(leg, 1000)
    assert settled(peer, 0)
    assert node.gate.statistics()["ack_held"] == 0


@needs_root
@pytest.mark.parametrize("offload", [True, False], ids=["offload", "no-offload"])
def test_large_sends_leave_with_a_lowered_ack(node: Node, client: Host, capture: Capture, offload: bool) -> None:
    """Segments of 64 KiB on their way to the interface (TSO), checksums not yet reckoned, or reckoned in software."""
    node.host.checksum_offload(offload)
    peer, leg, flow = establish(node, client)
    peer.sendall(b"q" * 100)
    receive(leg, 100)
    answer = bytes(range(256)) * 8192
    leg.setblocking(True)
    writer = threading.Thread(target=leg.sendall, args=(answer,))
    writer.start()
    assert receive(peer, len(answer)) == answer
    writer.join()
    segments = capture.segments()
    assert tcp.unacknowledged(peer) == 100
    assert not [s for s in segments if after(s.ack, flow.receive_base) and not s.flags & SYN]
    assert max(len(s.data) for s in segments) > (10000 if offload else 1000)
    assert node.gate.statistics()["ack_lowered"] > 0
    node.commit(flow, flow.receive_base + 100, CLIENT)
    assert settled(peer, 0)
    _, bytes_in, _, bytes_out = flow.traffic()
    assert bytes_in in (100, 200, 300), "sent again if the machine was slow: its ack was held all the while"
    assert bytes_out >= len(answer)


@needs_root
@pytest.mark.parametrize("timestamps", ["0", "1"])
def test_a_paced_exchange_is_never_sent_again(node: Node, client: Host, timestamps: str) -> None:
    client.sysctl("net.ipv4.tcp_timestamps", timestamps)
    peer, leg, flow = establish(node, client)
    before = client.counter("TcpRetransSegs"), node.host.counter("TcpRetransSegs")
    position = flow.receive_base
    for number in range(150):
        peer.sendall(struct.pack("!I", number) * 50)
        position += len(receive(leg, 200))
        if number % 2:  # the answer leaves before the commit, and after it
            leg.send(b"a" * 200)
        time.sleep(0.001)
        node.commit(flow, position, CLIENT)
        if not number % 2:
            leg.send(b"a" * 200)
        receive(peer, 200)
        time.sleep(0.003)
    assert settled(peer, 0)
    assert (client.counter("TcpRetransSegs"), node.host.counter("TcpRetransSegs")) == before


@needs_root
def test_one_way_traffic_is_never_sent_again(node: Node, client: Host) -> None:
    """The sender sees nothing but acks that were held: each must come before its timer runs out."""
    peer, leg, flow = establish(node, client)
    before = client.counter("TcpRetransSegs")
    position = flow.receive_base
    for _ in range(150):
        peer.sendall(b"r" * 300)
        position += len(receive(leg, 300))
        time.sleep(0.004)
        node.commit(flow, position, CLIENT)
    assert settled(peer, 0)
    assert client.counter("TcpRetransSegs") == before


def header(options: bytes, flags: int = ACK) -> bytes:
    length = 20 + len(options)
    return struct.pack("!HHIIBBHHH", 102, 40000, 1, 2, length // 4 << 4, flags, 777, 0xDEAD, 9) + options


def test_the_ack_is_a_valid_packet() -> None:
    key = flow_key((VIRTUAL, 102), (CLIENT, 40000))
    timestamps = b"\x01\x01\x08\x0a" + b"TSval" + b"TSe"
    packet = pure_ack(key, header(timestamps, 0xD8), 0xFFFFFFFF, 5)
    ip = dpkt.ip.IP(packet)
    assert (socket.inet_ntoa(ip.src), socket.inet_ntoa(ip.dst), ip.len) == (VIRTUAL, CLIENT, len(packet))
    assert checksum(packet[:20]) == 0
    pseudo = packet[12:20] + struct.pack("!HH", socket.IPPROTO_TCP, len(packet) - 20)
    assert checksum(pseudo + packet[20:]) == 0
    assert (ip.data.seq, ip.data.ack, ip.data.win, ip.data.urp) == (0xFFFFFFFF, 5, 777, 0)
    assert ip.data.flags == ACK | dpkt.tcp.TH_ECE
    assert ip.data.opts == timestamps


def test_stale_sack_blocks_are_blanked() -> None:
    sack = b"\x01\x01\x05\x0a" + b"leftrght"
    timestamps = b"\x01\x01\x08\x0a" + b"TSvlTSec"
    packet = pure_ack(flow_key((VIRTUAL, 102), (CLIENT, 40000)), header(timestamps + sack), 1, 2)
    assert packet[40:] == timestamps + b"\x01" * 12


@pytest.mark.parametrize("options", ["05000101", "05090101", "01010105", "00050401"])
def test_a_senseless_list_of_options_is_kept(options: str) -> None:
    packet = pure_ack(flow_key((VIRTUAL, 102), (CLIENT, 40000)), header(bytes.fromhex(options)), 1, 2)
    assert packet[40:].hex() == options


def test_sequence_numbers_wrap() -> None:
    assert after(3, 0xFFFFFFF0)
    assert not after(0xFFFFFFF0, 3)
    assert not after(7, 7)
