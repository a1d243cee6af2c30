"""What a TCP connection's successor on another host must know of it: the facts of its handshake."""

import socket
import struct
import time
from dataclasses import dataclass, fields
from typing import Any

from node.kernel.layout import Endpoint

# linux/tcp.h
_TCP_TIMESTAMP = 24
_INFO_TIMESTAMPS, _INFO_SACK, _INFO_SCALE, _INFO_USEC = 1, 2, 4, 64
_OPTIONS_AT, _SCALES_AT, _SEND_MSS_AT, _SEND_WINDOW_AT = 5, 6, 16, 228  # in struct tcp_info
_INFO_OCTETS = 232

TIMESTAMPS_OCTETS = 12  # the option and its padding, which the MSS counts and tcpi_snd_mss does not
MODULUS = 1 << 32


@dataclass(frozen=True, slots=True)
class TcpRecord:
    """What of a connection stays the same from its handshake on, and the peer's window as last seen."""

    local: Endpoint
    remote: Endpoint
    mss: int
    send_scale: int
    receive_scale: int
    scaled: bool
    sack: bool
    timestamps: bool
    timestamps_usec: bool
    timestamp_offset: int  # timestamp value minus CLOCK_MONOTONIC, modulo 2**32, in ms or us as timestamps_usec says
    send_window: int  # octets

    def to_wire(self) -> list[object]:
        """A list of plain values, for msgpack."""
        return [*self.local, *self.remote, *(getattr(self, name) for name in _PLAIN)]

    @classmethod
    def from_wire(cls, values: object) -> "TcpRecord":
        """The inverse of to_wire(). Raises ValueError for anything else."""
        if not isinstance(values, (list, tuple)) or len(values) != len(_WIRE_TYPES):
            raise ValueError("not a record of a TCP connection")
        if any(type(value) is not kind for value, kind in zip(values, _WIRE_TYPES, strict=True)):
            raise ValueError("a record of a TCP connection with values of the wrong type")
        host, port, peer, peer_port, *rest = values
        return cls(Endpoint(host, port), Endpoint(peer, peer_port), *rest)


_PLAIN = tuple(field.name for field in fields(TcpRecord)[2:])
_WIRE_TYPES = (str, int, str, int, *(field.type for field in fields(TcpRecord)[2:]))


_OFFSET_AT = _PLAIN.index("timestamp_offset") + 4


def restated(wire: list[object], timestamp_offset: int) -> list[object]:
    """A record in its wire form, of the same connection on another host."""
    return [*wire[:_OFFSET_AT], timestamp_offset, *wire[_OFFSET_AT + 1 :]]


def local_of(wire: list[Any]) -> Endpoint:
    """This host's end of a connection, out of a record in its wire form that has been read whole before."""
    return Endpoint(*wire[:2])


def describe(sock: socket.socket) -> TcpRecord:
    """What a live, established socket's successor must know. The socket is not disturbed."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_OCTETS)
    options, scales = info[_OPTIONS_AT], info[_SCALES_AT]
    timestamps, usec = bool(options & _INFO_TIMESTAMPS), bool(options & _INFO_USEC)
    value = sock.getsockopt(socket.IPPROTO_TCP, _TCP_TIMESTAMP)
    clock = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // (1_000 if usec else 1_000_000)
    (send_window,) = struct.unpack_from("=I", info, _SEND_WINDOW_AT)
    return TcpRecord(
        local=Endpoint(*sock.getsockname()),
        remote=Endpoint(*sock.getpeername()),
        mss=sending_mss(sock) + (TIMESTAMPS_OCTETS if timestamps else 0),
        send_scale=scales & 0xF,
        receive_scale=scales >> 4,
        scaled=bool(options & _INFO_SCALE),
        sack=bool(options & _INFO_SACK),
        timestamps=timestamps,
        timestamps_usec=usec,
        timestamp_offset=(value - clock) % MODULUS if timestamps else 0,
        send_window=send_window,
    )


def sending_mss(sock: socket.socket) -> int:
    """The most octets of data that a segment carries now (tcpi_snd_mss)."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SEND_MSS_AT + 4)
    (mss,) = struct.unpack_from("=I", info, _SEND_MSS_AT)
    return int(mss)
