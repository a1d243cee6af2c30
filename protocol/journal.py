"""What the primary has told the passive and not yet heard back: who waits for which frame.

A *mark* says: once this frame is committed, whoever waits for it may go on up to this position: a leg acknowledge,
or send. Commits are cumulative, so one answer settles all older frames.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")


class _Entry(NamedTuple):
    frame: int
    size_bytes: int
    sent_s: float
    marks: list[tuple[object, int]]


class Journal(Generic[K]):
    """Frames in flight, oldest first. `K` names who waits, to the caller and to nobody else."""

    def __init__(self) -> None:
        self._frames: deque[_Entry] = deque()
        self.outstanding_bytes = 0
        self.sent_frame = -1
        self.committed_frame = -1

    def sent(self, frame: int, size_bytes: int, marks: list[tuple[K, int]], now_s: float) -> None:
        """Frame number `frame` has gone out, carrying `marks`."""
        assert frame > self.sent_frame, "frames go out in order"
        self._frames.append(_Entry(frame, size_bytes, now_s, list(marks)))
        self.sent_frame = frame
        self.outstanding_bytes += size_bytes

    def committed(self, frame: int) -> dict[K, int]:
        """The passive holds every frame up to `frame`, which was sent; the highest position now held for each."""
        assert frame <= self.sent_frame, "the caller refuses commits of frames never sent"
        settled: dict[K, int] = {}
        while self._frames and self._frames[0].frame <= frame:
            entry = self._frames.popleft()
            self.outstanding_bytes -= entry.size_bytes
            for key, position in entry.marks:
                settled[key] = position  # type: ignore[index]  # positions only grow, so the last is the highest
        self.committed_frame = max(self.committed_frame, frame)
        return settled

    def lag_s(self, now_s: float) -> float:
        """How long the oldest frame in flight has waited, seconds; 0 when nothing waits."""
        return now_s - self._frames[0].sent_s if self._frames else 0.0
