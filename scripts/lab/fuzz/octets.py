"""Builders for octets of every layer, from BER values up to TPKTs. What they build is well-formed."""

from typing import Final

ACSE: Final = 1
MMS: Final = 3
"""The presentation contexts that every known stack proposes."""

DATA_PREFIX: Final = b"\x01\x00\x01\x00"
SEGMENT_BYTES: Final = 65_000
"""User data of one DT, unless somebody asks for less."""


def tlv(tag: int, *contents: bytes) -> bytes:
    """One BER value."""
    body = contents[0] if len(contents) == 1 else b"".join(contents)
    head = bytes((tag,)) if tag < 0x100 else tag.to_bytes(2, "big")
    return head + length(len(body)) + body


def length(size: int) -> bytes:
    """A length as BER writes it, in as few octets as there can be."""
    if size < 0x80:
        return bytes((size,))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def integer(value: int, tag: int = 0x02) -> bytes:
    """An INTEGER; not negative."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def text(value: str, tag: int = 0x1A) -> bytes:
    """A VisibleString."""
    return tlv(tag, value.encode())


def tpkt(tpdu: bytes) -> bytes:
    """One TPDU in its packet."""
    return b"\x03\x00" + (len(tpdu) + 4).to_bytes(2, "big") + tpdu


def data(tsdu: bytes, segment: int = SEGMENT_BYTES) -> bytes:
    """A TSDU in DTs of at most `segment` octets of user data, each in a TPKT."""
    if len(tsdu) <= segment:
        return tpkt(b"\x02\xf0\x80" + tsdu)
    pieces = [tsdu[at : at + segment] for at in range(0, len(tsdu), segment)]
    last = len(pieces) - 1
    return b"".join(tpkt(b"\x02\xf0" + (b"\x80" if n == last else b"\x00") + it) for n, it in enumerate(pieces))


def user_data(value: bytes, context: int = MMS) -> bytes:
    """Fully encoded user data of one value."""
    return tlv(0x61, tlv(0x30, integer(context), tlv(0xA0, value)))


def osi(value: bytes, context: int = MMS) -> bytes:
    """A value as session data."""
    return DATA_PREFIX + user_data(value, context)


def spdu(identifier: int, *parameters: bytes) -> bytes:
    """An SPDU, or a parameter of one."""
    body = b"".join(parameters)
    size = len(body)
    return bytes((identifier,)) + (bytes((size,)) if size < 0xFF else b"\xff" + size.to_bytes(2, "big")) + body


def tpdu(code: int, fixed: bytes, parameters: bytes = b"") -> bytes:
    """A connection TPDU with its length indicator; `fixed` is what stands behind the code."""
    return bytes((1 + len(fixed) + len(parameters), code)) + fixed + parameters


def name(reference: str) -> bytes:
    """An ObjectName from `domain/item`, `item` (of the VMD) or `@/item` (of the association)."""
    domain, slash, item = reference.rpartition("/")
    if not slash:
        return text(item, 0x80)
    return text(item, 0x82) if domain == "@" else tlv(0xA1, text(domain), text(item))


def variables(*references: str) -> bytes:
    """listOfVariable."""
    return tlv(0xA0, *(tlv(0x30, tlv(0xA0, name(it))) for it in references))


def variable_list(reference: str) -> bytes:
    """variableListName."""
    return tlv(0xA1, name(reference))


def request(invoke_id: int, service: bytes) -> bytes:
    """A confirmed request."""
    return tlv(0xA0, integer(invoke_id), service)


def response(invoke_id: int, service: bytes) -> bytes:
    """A confirmed response."""
    return tlv(0xA1, integer(invoke_id), service)


def error(invoke_id: int, kind: int = 7, code: int = 3) -> bytes:
    """A confirmed error: its class, and the code within it."""
    return tlv(0xA2, integer(invoke_id, 0x80), tlv(0xA2, tlv(0xA0, integer(code, 0x80 | kind))))


def scoped(domain: str, item: str) -> bytes:
    """The value that names a transfer set or data set with its scope."""
    return tlv(0xA2, integer(1, 0x86), text(domain, 0x8A), text(item, 0x8A))
