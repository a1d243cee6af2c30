"""Who spoke for a virtual address: every packet sent from one, seen at the switch, by the port it came in at.

    python -m scripts.lab.voices            (inside the switch's namespace, until SIGTERM)

The verdict: after the first packet from the second node there must be none from the first. Packets come from one
socket in the order in which the kernel saw them.
"""

import ctypes
import signal
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from scripts.lab import topology
from scripts.lab.layout import NODE_NAMES
from scripts.lab.programs import conclude, report

_ETH_P_ALL: Final = 0x0003
_SO_ATTACH_FILTER: Final = 26
_SO_TIMESTAMPNS: Final = 35
_SO_RCVBUFFORCE: Final = 33
_SOL_PACKET: Final = 263
_PACKET_STATISTICS: Final = 6
_RECEIVE_BUFFER_BYTES: Final = 16 << 20
_SNAP_BYTES: Final = 64
_PROGRESS_S: Final = 0.25
_ARP: Final = 0x0806
_PORTS: Final = {f"{name}-{network}": name for name in NODE_NAMES for network in ("client", "server")}
_CHANGES_MAX: Final = 1000


@dataclass
class Turn:
    """An unbroken run of packets from one node."""

    node: str
    mac: str
    first_ns: int  # CLOCK_BOOTTIME
    last_ns: int
    packets: int = 0
    announcements: int = 0  # ARP among them


@dataclass
class Voice:
    """Who spoke for one virtual address, in order."""

    turns: list[Turn] = field(default_factory=list)

    def hear(self, node: str, mac: str, at_ns: int, is_arp: bool) -> None:
        """Take note of one packet."""
        if (not self.turns or self.turns[-1].node != node) and len(self.turns) < _CHANGES_MAX:
            self.turns.append(Turn(node, mac, at_ns, at_ns))
        turn = self.turns[-1]
        turn.last_ns = at_ns
        turn.packets += 1
        turn.announcements += is_arp


class Listener:
    """All ports of the switch, through one packet socket with a filter in the kernel."""

    def __init__(self) -> None:
        self.voices = {address: Voice() for address in topology.VIRTUAL_ADDRESSES}
        self._names = {socket.inet_aton(address): address for address in topology.VIRTUAL_ADDRESSES}
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        attach_filter(self._socket, virtual_source_filter())
        self._forget_unfiltered()
        self._boot_offset_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.time_ns()

    def _forget_unfiltered(self) -> None:
        """Drop what came in before the filter was set."""
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(_SNAP_BYTES)
        self._socket.settimeout(_PROGRESS_S)

    def listen(self, stopping: threading.Event) -> None:
        """Hear until told to stop, telling the progress."""
        next_progress_s = 0.0
        while not stopping.is_set():
            now_s = time.monotonic()
            if now_s >= next_progress_s:
                next_progress_s = now_s + _PROGRESS_S
                report(**self.totals())
            try:
                packet, ancillary, _, origin = self._socket.recvmsg(_SNAP_BYTES, 64)
            except TimeoutError:
                continue
            self._take(packet, ancillary, origin[0])

    def lost(self) -> int:
        """Packets that the kernel could not keep for us: with any, the verdict is worth less."""
        return int(struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))[1])

    def totals(self) -> dict[str, Any]:
        return {
            "packets": {name: sum(turn.packets for turn in voice.turns) for name, voice in self.voices.items()},
            "speaker": {name: voice.turns[-1].node for name, voice in self.voices.items() if voice.turns},
        }

    def _take(self, packet: bytes, ancillary: list[tuple[int, int, bytes]], port: str) -> None:
        node = _PORTS.get(port)
        if node is None:  # a broadcast is seen again at the bridge itself
            return
        is_arp = struct.unpack_from("!H", packet, 12)[0] == _ARP
        address = self._names[packet[28:32] if is_arp else packet[26:30]]
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
        at_ns = seconds * 1_000_000_000 + nanoseconds + self._boot_offset_ns
        self.voices[address].hear(node, packet[6:12].hex(":"), at_ns, is_arp)


def virtual_source_filter() -> list[tuple[int, int, int, int]]:
    """Classic BPF: incoming IPv4 or ARP whose (sender) address is one of the two virtual ones."""
    first, second = (struct.unpack("!I", socket.inet_aton(each))[0] for each in topology.VIRTUAL_ADDRESSES)
    load_type, outgoing = 0xFFFFF004, 4  # SKF_AD_OFF + SKF_AD_PKTTYPE
    return [
        (0x28, 0, 0, load_type),
        (0x15, 9, 0, outgoing),
        (0x28, 0, 0, 12),  # ethertype
        (0x15, 0, 2, 0x0800),
        (0x20, 0, 0, 26),  # IPv4 source
        (0x05, 0, 0, 2),
        (0x15, 0, 4, _ARP),
        (0x20, 0, 0, 28),  # ARP sender protocol address
        (0x15, 1, 0, first),
        (0x15, 0, 1, second),
        (0x06, 0, 0, _SNAP_BYTES),
        (0x06, 0, 0, 0),
    ]


def attach_filter(sock: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    """Set a classic BPF program on a socket."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)


def main() -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    listener = Listener()
    listener.listen(stopping)
    turns = {name: [asdict(turn) for turn in voice.turns] for name, voice in listener.voices.items()}
    conclude(turns=turns, lost=listener.lost())


if __name__ == "__main__":
    main()
