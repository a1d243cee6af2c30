"""What gate.bpf.c and the node share: keys, structures in mapped memory, names of the statistics.

The kernel and the node are the same host, so integers are native; ports and addresses in keys are network
order.
"""

import functools
import ipaddress
import mmap
import struct
from typing import NamedTuple

from node.kernel.errors import KernelError

ALLOW_FIN, ALLOW_RESET = 1, 2  # node_word.allowed
EMBRYO, CLOSING = 1, 2  # loose_flow.kind

# the gate's enum stat, in its order
STATISTICS = (
    "arp_silenced",
    "ip_silenced",
    "malformed_dropped",
    "fin_dropped",
    "reset_dropped",
    "ack_held",
    "ack_lowered",
    "unknown_dropped",
    "unknown_reset_dropped",
    "unknown_reset_passed",
    "embryos",
    "embryo_refused",
    "ingress_capped",
)

KEY = struct.Struct("!16s16sHH")  # struct flow_key
ADDRESS_OCTETS = 16
SLOT = struct.Struct("=I")
NODE_WORD = struct.Struct("=II")  # commit, allowed
CONTROL = struct.Struct("=QQ")  # lease_deadline_ns, reset_after_ns
FENCE = struct.Struct("=Q")
COUNTER = struct.Struct("=Q")
# our_isn, peer_isn, snd_end, held_begin, held_end, held_ack, header_length, peer_ack,
# packets_in, bytes_in, packets_out, bytes_out, header
FLOW_STATE = struct.Struct("=8I4Q64s")
LOOSE = struct.Struct("=II128s")  # kind, how well the peer's initial number is known, flow_state


class State(NamedTuple):
    """struct flow_state, as copied out of the kernel."""

    our_isn: int
    peer_isn: int
    snd_end: int
    held_begin: int
    held_end: int
    held_ack: int
    header_length: int
    peer_ack: int
    packets_in: int
    bytes_in: int
    packets_out: int
    bytes_out: int
    header: bytes

    @classmethod
    def unpack(cls, octets: bytes) -> "State":
        """From the 128 octets of a flow_state."""
        return cls(*FLOW_STATE.unpack(octets))


# where a flow_state's fields lie, counted in 32-bit and in 64-bit words
OUR_ISN, PEER_ISN, SND_END, HELD_BEGIN, HELD_END, HELD_ACK, HEADER_LENGTH, PEER_ACK = range(8)
PACKETS_IN, BYTES_IN, PACKETS_OUT, BYTES_OUT = range(4, 8)


class Endpoint(NamedTuple):
    """An IPv4 address and a TCP port, as socket.bind() takes them."""

    host: str
    port: int


@functools.lru_cache(4096)
def mapped(address: str) -> bytes:
    """16 octets, IPv4 as RFC 4291, 2.5.5.2. Raises KernelError for IPv6: the gate sees IPv4 only."""
    parsed = ipaddress.ip_address(address)
    if parsed.version != 4:
        raise KernelError(f"the gate cannot guard the IPv6 address {address}", "use an IPv4 virtual address")
    return b"\0" * 10 + b"\xff\xff" + parsed.packed


def flow_key(local: tuple[str, int], remote: tuple[str, int]) -> bytes:
    """The key of a connection, seen from this node."""
    return KEY.pack(mapped(local[0]), mapped(remote[0]), local[1], remote[1])


class MappedArray:
    """The memory of an mmapable array map: a load or a store reaches the kernel's programs at once.

    An aligned item of `u32` or `u64` is read and written whole.
    """

    def __init__(self, map_fd: int, octets: int) -> None:
        """Map `octets` of the map (rounded up to pages by the kernel). Raises KernelError."""
        pages = -(-octets // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            self._memory = mmap.mmap(map_fd, pages, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        except OSError as error:
            raise KernelError(f"cannot map a BPF array: {error}", "Linux 5.5 or later is needed") from error
        self.octets = memoryview(self._memory)
        self.u32 = self.octets.cast("I")
        self.u64 = self.octets.cast("Q")

    def close(self) -> None:
        """Unmap."""
        for view in (self.u64, self.u32, self.octets):
            view.release()
        self._memory.close()
