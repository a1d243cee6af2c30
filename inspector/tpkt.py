"""TPKT (RFC 1006, clause 6): version 3, a reserved octet, the length of the whole in 16 bits."""

from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits

HEADER_BYTES = 4
VERSION = 3
LENGTH_MIN = 7
"""The header and the shortest TPDU of three octets."""


def check_version(octets: Octets, pos: int) -> None:
    """The first octet alone tells what is no TPKT."""
    if octets[pos] != VERSION:
        raise DecodeError("tpkt-version", f"version {octets[pos]}, not 3", pos)


def length(octets: Octets, pos: int, limits: Limits) -> int:
    """Length in octets of the TPKT whose header is complete at `pos`."""
    check_version(octets, pos)
    value = octets[pos + 2] << 8 | octets[pos + 3]
    if value < LENGTH_MIN:
        raise DecodeError("tpkt-length", f"length {value} has no room for a TPDU", pos + 2)
    if value > limits.tpkt_bytes:
        raise DecodeError("tpkt-length", f"length {value} is over the limit of {limits.tpkt_bytes}", pos + 2)
    return value
