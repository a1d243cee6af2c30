"""What two nodes say to each other, captured at the switch by tcpdump, and put back on the wire."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dpkt

from scripts.lab.lab import Lab
from scripts.lab.namespaces import LabError, command, inside

_PATIENCE_S = 10.0
_HEADER_OCTETS = 24
PORT = 7410
HELLO = b"TNDM"


class Sniffer:
    """tcpdump on the port of node a on the heartbeat network; every octet of what passes."""

    def __init__(self, lab: Lab, path: Path) -> None:
        self._path = path
        self._process = subprocess.Popen(
            command(
                lab.topology.namespace("switch"),
                *("tcpdump", "--immediate-mode", "-i", "a-hb", "-n", "-U", "-s", "0", "-Z", "root"),
                *("-w", str(path), f"port {PORT}"),
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up_s = time.monotonic() + _PATIENCE_S
        while not path.exists() or path.stat().st_size < _HEADER_OCTETS:
            if time.monotonic() > give_up_s:
                raise LabError("tcpdump does not begin")
            time.sleep(0.02)

    def stop(self) -> list[Any]:
        """The frames."""
        self._process.terminate()
        self._process.wait(_PATIENCE_S)
        with self._path.open("rb") as file:
            return [dpkt.ethernet.Ethernet(octets) for _, octets in dpkt.pcap.Reader(file)]


def datagrams(frames: list[Any], destination: str) -> list[Any]:
    return [frame for frame in frames if _goes_to(frame, destination) and isinstance(frame.data.data, dpkt.udp.UDP)]


def segments(frames: list[Any], destination: str) -> list[Any]:
    """Those with data."""
    found = (frame for frame in frames if _goes_to(frame, destination) and isinstance(frame.data.data, dpkt.tcp.TCP))
    return [frame for frame in found if frame.data.data.data]


def _goes_to(frame: Any, destination: str) -> bool:
    return isinstance(frame.data, dpkt.ip.IP) and frame.data.dst == socket.inet_aton(destination)


def opened(frames: list[Any], destination: str) -> bytes:
    """All that `destination` was told on the stream whose opening was captured."""
    told: dict[tuple[int, int], bytes] = {}
    for segment in (frame.data.data for frame in segments(frames, destination)):
        told[segment.sport, segment.dport] = told.get((segment.sport, segment.dport), b"") + bytes(segment.data)
    return next(octets for octets in told.values() if octets.startswith(HELLO))


def contents(frames: list[Any]) -> bytes:
    """All that was said, streams put together: a word may lie across two segments."""
    said: dict[Any, bytearray] = {}
    for frame in frames:
        packet = frame.data
        said.setdefault((packet.src, packet.p, packet.data.sport), bytearray()).extend(bytes(packet.data.data))
    return b"|".join(map(bytes, said.values()))


def altered(payload: bytes) -> Iterator[bytes]:
    """The payload with one bit turned, at places all over it."""
    for place in range(0, len(payload), max(len(payload) // 16, 1)):
        changed = bytearray(payload)
        changed[place] ^= 0x10
        yield bytes(changed)


def carrying(frame: Any, payload: bytes, seq: int | None = None) -> bytes:
    """The same frame with this payload, and this number if it is of TCP; its checksums are made anew."""
    copy = dpkt.ethernet.Ethernet(bytes(frame))
    packet, inner = copy.data, copy.data.data
    inner.data = payload
    if isinstance(inner, dpkt.udp.UDP):
        inner.ulen = 8 + len(payload)
    elif seq is not None:
        inner.seq = seq % 2**32
    packet.len = packet.hl * 4 + len(inner)
    packet.sum = inner.sum = 0
    return bytes(copy)


class Injector:
    """Puts frames on the wire towards a node, at its port of the switch."""

    def __init__(self, lab: Lab, node: str) -> None:
        def connect() -> socket.socket:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            sock.bind((f"{node}-hb", 0))
            return sock

        self._sock = inside(lab.topology.namespace("switch"), connect)

    def send(self, frame: Any, payload: bytes) -> None:
        """A captured frame with this payload."""
        self._sock.send(carrying(frame, payload))

    def close(self) -> None:
        self._sock.close()
