"""Requests to the kernel by netlink(7): one at a time, answered at once."""

import os
import socket
import struct
from collections.abc import Iterator

REQUEST, ACKNOWLEDGE, DUMP, EXCLUSIVE, CREATE = 0x1, 0x4, 0x300, 0x200, 0x400  # nlmsg_flags
_ERROR, _DONE = 2, 3  # nlmsg_type
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr
_CODE = struct.Struct("=i")
_RECEIVE_OCTETS = 1 << 18
_KIND_MASK = 0x3FFF


class Netlink:
    """A netlink socket of one family. Every call raises OSError with the kernel's error."""

    def __init__(self, family: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)

    def __enter__(self) -> "Netlink":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def do(self, kind: int, body: bytes, flags: int = 0) -> None:
        """Have something done."""
        self._socket.send(_message(kind, REQUEST | ACKNOWLEDGE | flags, body))
        for answer, payload in _messages(self._socket.recv(_RECEIVE_OCTETS)):
            if answer == _ERROR:
                _raise(payload)

    def list(self, kind: int, body: bytes) -> Iterator[bytes]:
        """All there is of something; read it to its end."""
        self._socket.send(_message(kind, REQUEST | DUMP, body))
        while True:
            for answer, payload in _messages(self._socket.recv(_RECEIVE_OCTETS)):
                if answer == _DONE:
                    return
                if answer == _ERROR:
                    _raise(payload)
                yield payload

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute, padded."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(octets: bytes) -> dict[int, bytes]:
    """The attributes of a message."""
    found, at = {}, 0
    while at + _ATTRIBUTE.size <= len(octets):
        length, kind = _ATTRIBUTE.unpack_from(octets, at)
        found[kind & _KIND_MASK] = octets[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length, _ATTRIBUTE.size)
    return found


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body


def _messages(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each message."""
    at = 0
    while at + _HEADER.size <= len(octets):
        length, kind, *_ = _HEADER.unpack_from(octets, at)
        yield kind, octets[at + _HEADER.size : at + length]
        at += _aligned(length, _HEADER.size)


def _aligned(length: int, least: int) -> int:
    return max(least, (length + 3) & ~3)


def _raise(payload: bytes) -> None:
    (code,) = _CODE.unpack_from(payload)
    if code:
        raise OSError(-code, os.strerror(-code))
