"""32-bit TCP sequence arithmetic (RFC 9293, section 3.4)."""

_SPAN = 1 << 32
_HALF = 1 << 31


def advance(sequence: int, count: int) -> int:
    """The sequence number `count` bytes after `sequence`; `count` may exceed 2**32."""
    return (sequence + count) % _SPAN


def distance(origin: int, sequence: int) -> int:
    """How many bytes `sequence` lies ahead of `origin` (negative: behind), at most 2**31 either way."""
    return (sequence - origin + _HALF) % _SPAN - _HALF
