"""An association's state kept up to date from deltas, by a node that does not see the traffic."""

from inspector.state import Association, pack_versioned, unpack_versioned


class Checkpoint:
    """Starts from `Stack.checkpoint()`, follows every `Stack.take_delta()` after it. Raises StateError."""

    __slots__ = ("state",)

    def __init__(self, data: bytes) -> None:
        self.state = Association()
        (packed,) = unpack_versioned(data, "state")
        self.state.load(packed)

    def apply(self, delta: bytes) -> None:
        """One more delta, in the order in which they were taken."""
        self.state.apply_delta(delta)

    def pack(self) -> bytes:
        """What `Stack.checkpoint()` would say now: the same octets."""
        return pack_versioned({"state": self.state.pack()})


def merge(checkpoint: bytes, delta: bytes) -> bytes:
    """The checkpoint that follows from one and a delta."""
    kept = Checkpoint(checkpoint)
    kept.apply(delta)
    return kept.pack()
