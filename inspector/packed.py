"""What is packed to be kept or sent: msgpack out and in, and what a value that comes in must be."""

from typing import Any

import msgpack

from inspector.errors import StateError


def pack(value: Any) -> bytes:
    """The value as octets."""
    packed: bytes = msgpack.packb(value)
    return packed


def unpack(data: bytes) -> Any:
    """The value that `data` packs. Raises StateError."""
    try:
        return msgpack.unpackb(data)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise StateError("not msgpack") from error


def as_count(value: Any) -> int:
    """The value, if it is a number from 0 on; raises ValueError."""
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def as_text(value: Any) -> str:
    """The value, if it is a text; raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(value)
    return value
