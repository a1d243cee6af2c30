"""The inspector's state as the cluster protocol sees it, on the node that decodes and on the one that keeps."""

from __future__ import annotations

from typing import Any

from inspector import Checkpoint, Limits, Stack, StateError


class LiveDecoder:
    """The state of a running inspector: packed on demand, never fed a delta."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def apply(self, _delta: bytes) -> None:
        """The running inspector makes deltas and takes none."""
        raise ValueError("a running inspector takes no deltas")

    def pack(self) -> bytes:
        """The state without the held bytes, which the session carries."""
        return self.stack.checkpoint()


class KeptDecoder:
    """The passive's copy, brought forward by deltas without seeing the traffic."""

    def __init__(self, packed: bytes) -> None:
        """Raises ValueError when this version cannot read the state."""
        try:
            self._checkpoint = Checkpoint(packed)
        except StateError as error:
            raise ValueError(str(error)) from error

    def apply(self, delta: bytes) -> None:
        """One more delta; raises ValueError when it does not fit."""
        try:
            self._checkpoint.apply(delta)
        except StateError as error:
            raise ValueError(str(error)) from error

    def pack(self) -> bytes:
        """The whole state."""
        return self._checkpoint.pack()

    def take_up(self, held: tuple[bytes, bytes], limits: Limits, **options: Any) -> Stack:
        """The inspector that goes on from here; the state is the inspector's from now on."""
        return Stack.take_up(self._checkpoint, held, limits, **options)


def resume(packed: bytes, held: tuple[bytes, bytes] = (b"", b""), **options: Any) -> Stack:
    """An inspector that goes on where the state and the held bytes left off; raises inspector.StateError."""
    return Stack.resume(packed, held, **options)
