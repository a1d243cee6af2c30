"""A host in the middle of the heartbeat cable: whatever passes goes through its hands."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import dpkt

from protocol.sequence import distance
from scripts.lab.lab import Lab
from scripts.lab.namespaces import inside, run
from tests.e2e.sniffer import HELLO, PORT, carrying

Forgery = Callable[[bytes], tuple[bytes, ...]]
"""Given what one segment of the stream carries: what the segments in its place do, one after the other."""

_PORTS = ("a-hb", "b-hb")
_EVERY_PROTOCOL = 0x0003
_FRAME_OCTETS_MAX = 65_600
_SEGMENT_OCTETS_MAX = 1400
"""The sender's own host leaves it to a network card to cut its segments, and to sum them."""
_LOOK_S = 0.1


class Middle:
    """Passes frames on between the two ends; forges segments of the replication stream when told to."""

    def __init__(self, sides: dict[str, socket.socket]) -> None:
        self._sides = sides
        self._order: tuple[str, Forgery] | None = None
        self._ends: dict[tuple[int, int], int] = {}
        """By ports: the sequence number up to which octets have passed."""
        self._struck = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def forge(self, node: str, forgery: Forgery, patience_s: float) -> None:
        """Do this to the next segment towards `node`; returns when it is done."""
        self._struck.clear()
        self._order = (f"{node}-hb", forgery)
        assert self._struck.wait(patience_s), "nothing passes"

    def hear(self, node: str, patience_s: float) -> bytes:
        """What the next segment towards `node` carries."""
        heard: list[bytes] = []

        def listen(payload: bytes) -> tuple[bytes, ...]:
            heard.append(payload)
            return (payload,)

        self.forge(node, listen, patience_s)
        return heard[0]

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        ways = {self._sides[port]: other for port, other in zip(_PORTS, reversed(_PORTS), strict=True)}
        while not self._over.is_set():
            for source in select.select(list(ways), [], [], _LOOK_S)[0]:
                octets, sender = source.recvfrom(_FRAME_OCTETS_MAX)
                if sender[2] != socket.PACKET_OUTGOING:
                    self._pass(octets, ways[source])

    def _pass(self, octets: bytes, port: str) -> None:
        for frame in self._dealt_with(dpkt.ethernet.Ethernet(octets), port):
            with suppress(OSError):  # a cable that is unplugged
                self._sides[port].send(frame)

    def _dealt_with(self, frame: Any, port: str) -> Iterator[bytes]:
        if not isinstance(frame.data, dpkt.ip.IP) or not isinstance(frame.data.data, dpkt.tcp.TCP | dpkt.udp.UDP):
            yield bytes(frame)
            return
        payloads: tuple[bytes, ...] = (bytes(frame.data.data.data),)
        fresh = isinstance(frame.data.data, dpkt.tcp.TCP) and self._is_fresh(frame.data.data)
        if self._order is not None and self._order[0] == port and fresh and _is_of_a_stream(frame.data.data):
            (_, forgery), self._order = self._order, None
            payloads = forgery(*payloads)
            self._struck.set()
        seq = frame.data.data.seq if isinstance(frame.data.data, dpkt.tcp.TCP) else 0
        for payload in payloads:
            for start in range(0, max(len(payload), 1), _SEGMENT_OCTETS_MAX):
                yield carrying(frame, payload[start : start + _SEGMENT_OCTETS_MAX], seq + start)
            seq += len(payload)

    def _is_fresh(self, segment: Any) -> bool:
        """Not sent again: what is put behind it would be old as well, and nobody would take it."""
        ports, end = (segment.sport, segment.dport), segment.seq + len(segment.data)
        fresh = distance(self._ends.get(ports, segment.seq), segment.seq) >= 0
        if fresh:
            self._ends[ports] = end
        return fresh


def _is_of_a_stream(segment: Any) -> bool:
    """And not its opening."""
    if not isinstance(segment, dpkt.tcp.TCP) or PORT not in (segment.sport, segment.dport):
        return False
    return bool(segment.data) and not bytes(segment.data).startswith(HELLO)


@contextmanager
def in_the_middle(lab: Lab) -> Iterator[Middle]:
    """Take the nodes' ports off the bridge, and stand there in its place."""
    switch = lab.topology.namespace("switch")

    def tap(port: str) -> socket.socket:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL))
        sock.bind((port, _EVERY_PROTOCOL))
        return sock

    sides = {port: inside(switch, partial(tap, port)) for port in _PORTS}
    for port in _PORTS:
        run("ip", "-n", switch, "link", "set", port, "nomaster")
    middle = Middle(sides)
    try:
        yield middle
    finally:
        middle.stop()
        for port in _PORTS:
            run("ip", "-n", switch, "link", "set", port, "master", "br-hb")
        for sock in sides.values():
            sock.close()
