"""The death of a worker is silent, and leaves nothing on the host that stands in a successor's way."""

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from node.kernel import orphans, repair, tcp
from node.kernel.errors import KernelError
from node.kernel.gate import flow_key
from tests.kernel.capture import FIN, RST, Capture
from tests.kernel.hosts import CLIENT, NODE_A, VIRTUAL, Host
from tests.kernel.node import RECEIVE_BUFFER, Node, connect, receive
from tests.requirements import needs_root

pytestmark = needs_root

PORT = 1402
GREETING = b"hello"


class Victim(NamedTuple):
    """A worker process that serves one connection of a client."""

    process: subprocess.Popen[str]
    peer: socket.socket
    record: tcp.TcpRecord
    receive_base: int
    send_base: int


@pytest.fixture
def start(node: Node, client: Host) -> Iterator[Callable[[], Victim]]:
    """Starts a worker under the gate of `node`."""
    processes = []

    def start_one() -> Victim:
        fds = node.gate.fds()
        arguments = [str(PORT), str(len(GREETING)), "64", *(f"{name}={fd}" for name, fd in fds.items())]
        with node.host.inside():
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.kernel.victim", *arguments],
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=tuple(fds.values()),
            )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        peer = node.keep(connect(client, PORT))
        peer.sendall(GREETING)
        wire, receive_base, send_base = json.loads(process.stdout.readline())
        return Victim(process, peer, tcp.TcpRecord.from_wire(wire), receive_base, send_base)

    yield start_one
    for process in processes:
        process.kill()
        process.communicate()


def kill(victim: Victim) -> None:
    victim.process.kill()
    victim.process.wait()


@pytest.mark.parametrize("half_closed", [False, True], ids=["open", "half-closed"])
@pytest.mark.parametrize("unread", [b"", b"never read"], ids=["read", "unread"])
def test_no_fin_or_rst_of_a_killed_process_leaves(
    node: Node, start: Callable[[], Victim], capture: Capture, half_closed: bool, unread: bytes
) -> None:
    victim = start()
    victim.peer.sendall(unread)
    if half_closed:
        victim.peer.shutdown(socket.SHUT_WR)
    time.sleep(0.02)
    kill(victim)
    victim.peer.settimeout(0.5)  # in which the kernel says it again, and again
    with pytest.raises(TimeoutError):
        victim.peer.recv(1)
    assert not [s for s in capture.segments() if s.flags & (FIN | RST)]
    statistics = node.gate.statistics()
    assert statistics["reset_dropped" if unread else "fin_dropped"]


def test_a_killed_process_leaves_an_orphan_until_it_is_destroyed(node: Node, start: Callable[[], Victim]) -> None:
    victim = start()
    kill(victim)
    here = victim.receive_base + len(GREETING)
    arguments = (victim.record, victim.send_base, here, time.monotonic_ns() // 1_000_000, RECEIVE_BUFFER)
    with node.host.inside():
        with pytest.raises(KernelError, match="cannot restore"):
            repair.restore(*arguments)
        node.gate.close_fence()
        assert orphans.destroy([VIRTUAL]) == 1
        assert orphans.destroy([VIRTUAL]) == 0
        sock = node.keep(repair.restore(*arguments)[0])
    node.gate.restore(flow_key(victim.record.local, victim.record.remote), here, victim.send_base)
    node.gate.open_fence()
    tcp.go_live(sock)
    sock.send(b"as if nothing had happened")
    victim.peer.sendall(b"what?")
    assert receive(victim.peer, 26) == b"as if nothing had happened"
    assert receive(sock, 5) == b"what?"


def test_listeners_and_other_addresses_survive(node: Node, client: Host) -> None:
    listener = node.listen(PORT)
    with node.host.inside():
        own = node.keep(socket.create_server((NODE_A, PORT + 1)))
    with client.inside():
        other = node.keep(socket.create_connection((NODE_A, PORT + 1), timeout=2))
    served = node.keep(own.accept()[0])
    connect(client, PORT).close()
    connect(client, PORT)
    node.accept(listener)
    node.accept(listener)
    with node.host.inside():
        assert orphans.destroy([VIRTUAL]) == 2
    other.sendall(b"alive")
    assert receive(served, 5) == b"alive"
    node.keep(connect(client, PORT))
    node.accept(listener)


def test_a_deliberate_close_passes(node: Node, client: Host, capture: Capture) -> None:
    listener = node.listen(PORT)
    peer = node.keep(connect(client, PORT))
    leg, flow = node.accept(listener)
    peer.sendall(GREETING)  # never committed
    receive(leg, len(GREETING))
    flow.allow_fin()
    leg.close()
    assert peer.recv(1) == b""
    assert not [s for s in capture.segments() if s.ack == flow.receive_base + len(GREETING)]
    flow.release()
    peer.shutdown(socket.SHUT_WR)
    deadline_s = time.monotonic() + 2
    while tcp.state(peer) is not tcp.TcpState.CLOSE and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert tcp.state(peer) is tcp.TcpState.CLOSE


def test_a_deliberate_reset_passes(node: Node, client: Host) -> None:
    listener = node.listen(PORT)
    peer = node.keep(connect(client, PORT))
    leg, flow = node.accept(listener)
    leg.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    flow.allow_reset()
    leg.close()
    with pytest.raises(ConnectionResetError):
        peer.recv(1)


def test_a_silent_close_says_nothing(node: Node, client: Host, capture: Capture) -> None:
    listener = node.listen(PORT)
    peer = node.keep(connect(client, PORT))
    leg, flow = node.accept(listener)
    flow.allow_fin()
    flow.allow_reset()
    peer.sendall(b"unread")
    node.commit(flow, flow.receive_base + 6, CLIENT)
    time.sleep(0.05)
    capture.frames()
    tcp.close_silently(leg)
    assert not select.select([peer], [], [], 0.3)[0]
    assert capture.segments() == []


def test_resets_for_unknown_connections_wait_for_their_time(node: Node, client: Host) -> None:
    with pytest.raises(TimeoutError):
        connect(client, PORT + 7, timeout_s=0.3)
    assert node.gate.statistics()["unknown_reset_dropped"]
    node.gate.reset_after = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + 100_000_000
    with pytest.raises(TimeoutError):
        connect(client, PORT + 8, timeout_s=0.05)
    time.sleep(0.1)
    with pytest.raises(ConnectionRefusedError):
        connect(client, PORT + 9)
    assert node.gate.statistics()["unknown_reset_passed"]


def test_an_adopted_gate_forgets_the_dead_workers_flows(node: Node, start: Callable[[], Victim]) -> None:
    first = start()
    kill(first)
    with node.host.inside():
        assert orphans.destroy([VIRTUAL]) == 1
    second = start()
    assert second.record.remote != first.record.remote
    second.peer.sendall(b"more")
    second.peer.settimeout(0.2)
    with pytest.raises(TimeoutError):
        second.peer.recv(1)
    assert tcp.unacknowledged(second.peer) == 4
    assert second.record.remote.host == CLIENT
