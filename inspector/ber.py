"""BER (ITU-T X.690) headers and the few primitive values that naming needs.

Everything works in place, on `octets[start:stop]` given as positions: nothing is copied on the way down.
Definite lengths only: no ICCP peer is known to send indefinite ones, and they are a classic way round an
inspector.
"""

from inspector.errors import DecodeError

Octets = bytes | bytearray

LONG_TAG = 0x1F
CONSTRUCTED = 0x20
LENGTH_OCTETS_MAX = 4
TAG_OCTETS_MAX = 3
OID_OCTETS_MAX = 64


def header(octets: Octets, pos: int, end: int) -> tuple[int, int, int]:
    """The value at `pos`: its tag, and where its contents start and stop.

    A tag of several octets is one number (`BF 28` is 0xBF28). Raises DecodeError.
    """
    start = pos + 2
    if start > end:
        raise DecodeError("ber-truncated", "a value has no room for its tag and length", pos)
    tag = octets[pos]
    length = octets[pos + 1]
    if length > 0x7F or tag & LONG_TAG == LONG_TAG:
        return _long_header(octets, pos, end)
    stop = start + length
    if stop > end:
        raise DecodeError("ber-overrun", f"value {tag:#04x} is longer than what holds it", pos)
    return tag, start, stop


def _long_header(octets: Octets, pos: int, end: int) -> tuple[int, int, int]:
    tag = octets[pos]
    at = pos + 1
    if tag & LONG_TAG == LONG_TAG:
        more = True
        while more:
            if at - pos >= TAG_OCTETS_MAX or at >= end:
                raise DecodeError("ber-tag", "a tag does not end", pos)
            tag = tag << 8 | octets[at]
            more = octets[at] > 0x7F
            at += 1
    if at >= end:
        raise DecodeError("ber-truncated", "a value has no length", pos)
    length = octets[at]
    at += 1
    if length > 0x7F:
        count = length & 0x7F
        if count == 0:
            raise DecodeError("ber-indefinite", "a value of indefinite length", pos)
        if count > LENGTH_OCTETS_MAX or at + count > end:
            raise DecodeError("ber-length", "a length does not end", pos)
        length = int.from_bytes(octets[at : at + count], "big")
        at += count
    if at + length > end:
        raise DecodeError("ber-overrun", f"value {tag:#04x} is longer than what holds it", pos)
    return tag, at, at + length


def check(octets: Octets, pos: int, end: int, depth_max: int, elements_max: int) -> None:
    """Walk every value in `octets[pos:end]`: no overrun, no truncation, bounded in depth and number.

    One loop without a call or an object per value, because each PDU pays for it. Raises DecodeError.
    """
    origin = pos
    ends: list[int] = []
    elements = 0
    while ends or pos < end:
        if pos == end:
            end = ends.pop()
            continue
        start = pos + 2
        if start > end:
            raise DecodeError("ber-truncated", "a value has no room for its tag and length", pos)
        tag = octets[pos]
        length = octets[pos + 1]
        if length > 0x7F or tag & LONG_TAG == LONG_TAG:
            _, start, stop = _long_header(octets, pos, end)
        else:
            stop = start + length
            if stop > end:
                raise DecodeError("ber-overrun", f"value {tag:#04x} is longer than what holds it", pos)
        elements += 1
        if tag & CONSTRUCTED:
            if len(ends) >= depth_max:
                raise DecodeError("ber-depth", f"values nested over {depth_max} deep", pos)
            ends.append(end)
            end = stop
            pos = start
        else:
            pos = stop
    if elements > elements_max:
        raise DecodeError("ber-elements", f"over {elements_max} values", origin)


def children(octets: Octets, pos: int, end: int) -> list[tuple[int, int, int]]:
    """The headers of all values side by side in `octets[pos:end]`; only for what `check` has walked."""
    found = []
    while pos < end:
        item = header(octets, pos, end)
        found.append(item)
        pos = item[2]
    return found


def unsigned(octets: Octets, start: int, stop: int) -> int:
    """An INTEGER that cannot be negative, of at most 32 bits (some peers leave the leading zero out)."""
    if not 1 <= stop - start <= 5:
        raise DecodeError("ber-integer", "an integer of no or of too many octets", start)
    value = int.from_bytes(octets[start:stop], "big")
    if value > 0xFFFF_FFFF:
        raise DecodeError("ber-integer", "an integer over 32 bits", start)
    return value


def text(octets: Octets, start: int, stop: int, octets_max: int) -> str:
    """A VisibleString; what is not ASCII is shown as escapes."""
    if stop - start > octets_max:
        raise DecodeError("name-too-long", f"a name of more than {octets_max} octets", start)
    return octets[start:stop].decode("ascii", "backslashreplace")


def oid(octets: Octets, start: int, stop: int) -> str:
    """An OBJECT IDENTIFIER in dotted form (X.690, 8.19)."""
    if not 1 <= stop - start <= OID_OCTETS_MAX or octets[stop - 1] > 0x7F:
        raise DecodeError("ber-oid", "an object identifier of no or of too many octets, or without an end", start)
    arcs = []
    value = 0
    for octet in octets[start:stop]:
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def signed(octets: Octets, start: int, stop: int) -> int:
    """An INTEGER of 64 bits, or of 63 and a sign (X.690, 8.3)."""
    if not 1 <= stop - start <= 9:
        raise DecodeError("ber-integer", "an integer of no or of too many octets", start)
    value = int.from_bytes(octets[start:stop], "big", signed=True)
    if not -1 << 63 <= value < 1 << 64:
        raise DecodeError("ber-integer", "an integer over 64 bits", start)
    return value


def bits(octets: Octets, start: int, stop: int) -> tuple[bytes, int]:
    """A primitive BIT STRING: its octets, the first bit on top, and how many bits of them count (X.690, 8.6)."""
    if stop == start or octets[start] > 7 or (octets[start] and stop - start == 1):
        raise DecodeError("ber-bits", "a bit string that does not say how long it is", start)
    return bytes(octets[start + 1 : stop]), (stop - start - 1) * 8 - octets[start]
