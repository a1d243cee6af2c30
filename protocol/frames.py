"""Length-prefixed sealed frames on the replication stream.

    length 4 (of what follows) | sealed payload and tag; the length is authenticated with it

A frame's number is its place in the stream, counted by the seal on both ends and never sent: the identity of
the handshake is number 0, replication starts at 1. After any error the stream is of no more use.

Codes of FrameError: `oversized`, `malformed` (too short to be sealed), `unauthenticated`, and `closed` after
any of them.
"""

from protocol.errors import FrameError, SealError
from protocol.limits import FRAME_BYTES_MAX
from protocol.seal import TAG_BYTES, Opener, Sealer

_PREFIX_BYTES = 4


class FrameWriter:
    """Makes frames. `number` is that of the last one made."""

    def __init__(self, sealer: Sealer, max_frame: int = FRAME_BYTES_MAX) -> None:
        self._sealer = sealer
        self._max_frame = max_frame

    @property
    def number(self) -> int:
        return self._sealer.number

    def frame(self, payload: bytes) -> bytes:
        """The next frame's bytes for the wire."""
        assert len(payload) <= self._max_frame, "whoever fills frames keeps them below the limit"
        prefix = (len(payload) + TAG_BYTES).to_bytes(_PREFIX_BYTES, "big")
        return prefix + self._sealer.seal(payload, prefix)


class FrameReader:
    """Takes the stream in any pieces and gives payloads. Holds less than one frame of `max_frame` bytes.

    `number` is that of the last frame given: of n payloads from one feed(), the first is number - n + 1.
    """

    def __init__(self, opener: Opener, max_frame: int = FRAME_BYTES_MAX) -> None:
        self.max_frame = max_frame
        self._opener = opener
        self._buffer = bytearray()
        self._broken = False

    @property
    def number(self) -> int:
        return self._opener.number

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that `data` completes; raises FrameError, and then for ever, on a damaged stream.

        Frames before the damage in the same piece are not given: a stream that ends badly ends there.
        """
        self.add(data)
        return list(iter(self.take, None))

    def add(self, data: bytes) -> None:
        """Take a piece of the stream; take() gives what it completes."""
        self._buffer += data

    def take(self) -> bytes | None:
        """The next complete payload, if there is one; raises as feed() does."""
        if self._broken:
            raise FrameError("closed", "the stream broke earlier")
        try:
            return self._take()
        except (FrameError, SealError) as error:
            self._broken = True
            self._buffer.clear()
            raise FrameError(error.code, error.detail) from None

    def _take(self) -> bytes | None:
        if len(self._buffer) < _PREFIX_BYTES:
            return None
        prefix = bytes(self._buffer[:_PREFIX_BYTES])
        end = _PREFIX_BYTES + self._checked_length(prefix)
        if len(self._buffer) < end:
            return None
        sealed = self._buffer[_PREFIX_BYTES:end]
        del self._buffer[:end]
        return self._opener.open(sealed, prefix)

    def _checked_length(self, prefix: bytes) -> int:
        """A bad length is refused at once, not when the frame is complete."""
        length = int.from_bytes(prefix, "big")
        if length > self.max_frame + TAG_BYTES:
            raise FrameError("oversized", f"a frame of {length} bytes, limit {self.max_frame + TAG_BYTES}")
        if length < TAG_BYTES:
            raise FrameError("malformed", f"a frame of {length} bytes cannot be sealed")
        return length
