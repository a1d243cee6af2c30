"""The right to speak is a lease in the kernel."""

import socket
import struct
import subprocess
import sys
import time

import dpkt

from node.kernel.acks import checksum
from node.kernel.addresses import probe
from tests.kernel.capture import Capture
from tests.kernel.hosts import CLIENT, INTERFACE, NODE_A, VIRTUAL, Host
from tests.kernel.node import ADDRESS, Node, connect
from tests.requirements import needs_root

pytestmark = needs_root

PORT = 1102
LEASE_MS, MARGIN_MS = 100, 20


def chatter(node: Node, client: Host, leg: socket.socket, duration_s: float) -> None:
    """Have the virtual address say all it can: data, ARP, answers to pings."""
    end_s = time.monotonic() + duration_s
    echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1)
    echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
    with client.inside(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as ping:
        while time.monotonic() < end_s:
            ping.sendto(echo, (VIRTUAL, 0))
            leg.send(b"x")
            with node.host.inside():
                node.addresses.announce(ADDRESS, INTERFACE)
            time.sleep(0.005)


def kinds(capture: Capture) -> set[str]:
    """Which protocols spoke from the virtual address."""
    packets = capture.virtual()
    return {type(getattr(packet, "data", None) or packet).__name__ for packet in packets if packet}


def test_an_expired_lease_silences_ip_and_arp(node: Node, client: Host, capture: Capture) -> None:
    listener = node.listen(PORT)
    peer = connect(client, PORT)
    leg, _ = node.accept(listener)
    node.gate.lease = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + LEASE_MS * 1_000_000
    chatter(node, client, leg, LEASE_MS / 2000)
    assert {"TCP", "ARP", "ICMP"} <= kinds(capture)

    chatter(node, client, leg, (LEASE_MS / 2 + MARGIN_MS) / 1000)
    capture.frames()
    chatter(node, client, leg, 0.3)
    assert capture.virtual() == []
    statistics = node.gate.statistics()
    assert statistics["ip_silenced"] and statistics["arp_silenced"]
    peer.close()


def test_the_fence_silences_whatever_the_lease_says(node: Node, client: Host, capture: Capture) -> None:
    listener = node.listen(PORT)
    peer = connect(client, PORT)
    leg, _ = node.accept(listener)
    node.gate.close_fence()
    capture.frames()
    chatter(node, client, leg, 0.1)
    assert capture.virtual() == []
    node.gate.open_fence()
    chatter(node, client, leg, 0.05)
    assert capture.virtual()
    peer.close()


def test_the_own_address_speaks_without_a_lease(node: Node, client: Host) -> None:
    node.gate.lease = 0
    with node.host.inside():
        listener = socket.create_server((NODE_A, PORT))
    with client.inside():
        peer = socket.create_connection((NODE_A, PORT), timeout=2)
    leg, address = listener.accept()
    leg.sendall(b"whole")
    assert address[0] == CLIENT
    assert peer.recv(5) == b"whole"
    for sock in (peer, leg, listener):
        sock.close()


def test_arp_probes_of_the_address_pass(node: Node, capture: Capture) -> None:
    """A probe (RFC 5227) has no sender address: a standby may ask who has the virtual one."""
    node.gate.lease = 0
    with node.host.inside():
        probe(VIRTUAL, INTERFACE, 30)
    asked = [frame.data for frame in capture.frames() if isinstance(frame.data, dpkt.arp.ARP)]
    assert socket.inet_aton(VIRTUAL) in {packet.tpa for packet in asked}


def test_a_time_namespace_does_not_shift_the_lease() -> None:
    """The gate's programs read the kernel's clock; a node that is told another must not count its lease by that."""
    shifted = ("unshare", "--time", "--boottime", "864000", "--monotonic", "864000", "--")
    asking = ("-c", "import time; from node import clock; print(clock.boottime_ns(), time.monotonic_ns())")
    told = subprocess.run([*shifted, sys.executable, *asking], capture_output=True, text=True, check=True).stdout
    boottime_ns, monotonic_ns = map(int, told.split())
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert monotonic_ns - now_ns > 10**14, "it is told a clock that is off by days"
    assert 0 <= now_ns - boottime_ns < 60 * 10**9
