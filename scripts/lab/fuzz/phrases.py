"""The parts of which talks are made: requests and answers of MMS, what an association opens with, types and values."""

from collections.abc import Callable
from random import Random
from typing import Final

from scripts.lab.fuzz import octets as o
from scripts.lab.fuzz.octets import tlv

CLIENT_AP_TITLE: Final = b"\x29\x87\x67\x0c"
SERVER_AP_TITLE: Final = b"\x29\x87\x67\x0d"
AE_QUALIFIER: Final = 12


def read(*names: str) -> bytes:
    """A read of variables."""
    return tlv(0xA4, tlv(0xA1, o.variables(*names)))


def read_result(*values: bytes) -> bytes:
    """The answer to a read."""
    return tlv(0xA4, tlv(0xA1, *values))


def write(specification: bytes, *values: bytes) -> bytes:
    """A write."""
    return tlv(0xA5, specification, tlv(0xA0, *values))


def informs(specification: bytes, *values: bytes) -> bytes:
    """An informationReport."""
    return tlv(0xA3, tlv(0xA0, specification, tlv(0xA0, *values)))


def transfer_set(rng: Random, data_set: str, running: bool) -> bytes:
    """A DSTransferSet of the 1996 (12 members) or the 2000 edition (13)."""
    domain, _, item = data_set.rpartition("/")
    flags = [False, False, True, *([True] if rng.random() < 0.5 else []), running]
    return tlv(
        0xA2,
        o.scoped(domain, item),
        *(o.integer(it, 0x85) for it in (0, 30, 0, 0, 600)),
        tlv(0x84, b"\x03\xe0"),
        *(tlv(0x83, bytes((it,))) for it in flags),
        o.integer(0, 0x85),
    )


def initiate(tag: int, largest: int = 32_000) -> bytes:
    """An initiate, request or response."""
    supported = tlv(0x82, b"\x03\xee\x1c\x20\x00\x00\x00\x00\x00\x00\x01\x10")
    detail = tlv(0xA4, o.integer(1, 0x80), tlv(0x81, b"\x05\xfb\x00"), supported)
    return tlv(tag, o.integer(largest, 0x80), o.integer(5, 0x81), o.integer(5, 0x82), o.integer(4, 0x83), detail)


def associate(apdu: int, value: bytes, fields: bytes = b"") -> bytes:
    """AARQ or AARE that carries `value`; `fields` stand in the place of the client's names, or of the result."""
    octet_aligned = bool(fields)
    external = tlv(0x28, tlv(0x06, b"\x51\x01"), o.integer(o.MMS), tlv(0x81 if octet_aligned else 0xA0, value))
    context = tlv(0xA1, tlv(0x06, b"\x28\xca\x22\x02\x03"))
    server = tlv(0x06, SERVER_AP_TITLE)
    if apdu == 0x60:
        client = fields or tlv(0xA6, tlv(0x06, CLIENT_AP_TITLE)) + tlv(0xA7, o.integer(AE_QUALIFIER))
        names = tlv(0xA2, server) + tlv(0xA3, o.integer(AE_QUALIFIER)) + client
    else:
        result = fields or tlv(0xA2, o.integer(0)) + tlv(0xA3, tlv(0xA1, o.integer(0)))
        names = result + tlv(0xA4, server) + tlv(0xA5, o.integer(AE_QUALIFIER))
    return tlv(apdu, context, names, tlv(0xBE, external))


def _open(identifier: int, presentation: bytes, value: bytes) -> bytes:
    ppdu = tlv(0x31, tlv(0xA0, o.integer(1, 0x80)), tlv(0xA2, presentation, o.user_data(value, o.ACSE)))
    accepted = o.spdu(0x05, o.spdu(0x13, b"\x00"), o.spdu(0x16, b"\x02"))
    selectors = o.spdu(0x33, b"\x00\x01") + o.spdu(0x34, b"\x00\x01")
    return o.spdu(identifier, accepted, o.spdu(0x14, b"\x00\x02"), selectors, o.spdu(0xC1, ppdu))


def connect(apdu: bytes | None = None) -> bytes:
    """CN with CP, AARQ and initiate-Request; or with another APDU."""
    proposals = (
        tlv(0x30, o.integer(context), tlv(0x06, syntax), tlv(0x30, tlv(0x06, b"\x51\x01")))
        for context, syntax in ((o.ACSE, b"\x52\x01\x00\x01"), (o.MMS, b"\x28\xca\x22\x02\x01"))
    )
    selectors = tlv(0x81, b"\x00\x01") + tlv(0x82, b"\x00\x01")
    return _open(0x0D, selectors + tlv(0xA4, *proposals), apdu or associate(0x60, initiate(0xA8)))


def accept(apdu: bytes | None = None) -> bytes:
    """AC with CPA, AARE and initiate-Response; or with another APDU."""
    result = tlv(0x30, o.integer(0, 0x80), tlv(0x81, b"\x51\x01"))
    return _open(0x0E, tlv(0x83, b"\x00\x01") + tlv(0xA5, result, result), apdu or associate(0x61, initiate(0xA9)))


def type_description(rng: Random, depth: int) -> bytes:
    """The type of a variable."""
    kind = rng.randrange(8 if depth else 5)
    if kind > 5:
        named = (tlv(0x30, o.text(it, 0x80), tlv(0xA1, type_description(rng, depth - 1))) for it in ("Value", "Flags"))
        return tlv(0xA2, tlv(0x80, b"\x00"), tlv(0xA1, *named))
    if kind == 5:
        return tlv(0xA1, o.integer(4, 0x81), tlv(0xA2, type_description(rng, depth - 1)))
    return (
        tlv(0xA7, o.integer(32), o.integer(8)),
        tlv(0x83),
        tlv(0x84, b"\xf8"),
        o.integer(16, 0x85),
        tlv(0x8A, b"\xff\x7f"),
    )[kind]


def _real(rng: Random) -> bytes:
    return tlv(0x87, b"\x08" + rng.randbytes(4))


def _real_q(rng: Random) -> bytes:
    return tlv(0xA2, _real(rng), tlv(0x84, bytes((0, rng.randrange(256)))))


def _real_q_time(rng: Random) -> bytes:
    return tlv(0xA2, _real(rng), tlv(0x84, bytes((0, rng.randrange(256)))), tlv(0x85, rng.randbytes(4)))


def _state(rng: Random) -> bytes:
    return tlv(0x84, bytes((0, rng.randrange(256))))


def _discrete(rng: Random) -> bytes:
    return tlv(0x85, rng.randbytes(2))


VALUES: Final[tuple[Callable[[Random], bytes], ...]] = (_real, _real_q, _real_q_time, _state, _discrete)

ARGUMENTS: Final = (
    *(b"", b"\x01", b"PROG", o.name("ICC1/PT_A"), o.text("ICC1", 0x80), tlv(0xA0, o.name("ICC1/PT_A"))),
    tlv(0xA0, o.name("ICC1/PT_A")) + o.text("PT_B", 0x82),
    o.integer(0, 0x80) + tlv(0xA1, o.name("ICC1/PT_A"), o.name("PT_B")),
    tlv(0xA0, b"") + tlv(0xA1, o.name("ICC1/PT_A")) + o.text("PT_B", 0x82),
    o.text("PROG", 0x80) + tlv(0xA1, o.text("ICC1"), o.text("ICC2")) + tlv(0x82, b"\x01") + o.text("arg", 0x83),
    o.text("ICC1", 0x80) + tlv(0xA1, o.text("F", 0x19)) + tlv(0xA4, o.text("G", 0x19)),
    tlv(0xA0, o.name("ICC1/EE_1")) + tlv(0xA1, o.name("ICC1/EC_1")) + o.integer(3, 0x82) + o.integer(2, 0x83),
)
"""Names and fields in the ways in which services have them."""
