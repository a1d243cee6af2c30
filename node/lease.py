"""The right to speak from the virtual addresses: a deadline that the kernel itself watches.

The order in which a renewal happens is the safety of it: read the clock, see that the old lease still holds,
send the heartbeats, and only then move the deadline, counted from the clock as read before. A node that is
frozen anywhere in between writes a deadline that is not later than its last heartbeat allows.
"""

from __future__ import annotations

from node.kernel.gate import Gate


class Lease:
    """The active node's lease. Without a gate (takeover by reconnect) nothing watches it."""

    def __init__(self, gate: Gate | None, duration_ns: int) -> None:
        self.duration_ns = duration_ns
        self.lowest_margin_ns = duration_ns
        """The least that was left of the lease at any renewal."""
        self.held = False
        self._gate = gate
        self._deadline_ns = 0

    def start(self, now_ns: int) -> None:
        """Take the lease up: the other node is silent."""
        self.held = True
        self._set(now_ns + self.duration_ns)

    def holds(self, now_ns: int) -> bool:
        """Whether the lease may be renewed: it has been taken up and has not run out."""
        margin_ns = self._deadline_ns - now_ns
        if self.held:
            self.lowest_margin_ns = min(self.lowest_margin_ns, margin_ns)
        return self.held and margin_ns > 0

    def renew(self, now_ns: int) -> None:
        """Move the deadline on; `now_ns` was read before `holds` was asked."""
        self._set(now_ns + self.duration_ns)

    def close(self) -> None:
        """Fall silent, now."""
        self.held = False
        self._set(0)

    def remaining_ns(self, now_ns: int) -> int:
        """How long the node may still speak."""
        return max(self._deadline_ns - now_ns, 0) if self.held else 0

    def _set(self, deadline_ns: int) -> None:
        self._deadline_ns = deadline_ns
        if self._gate is not None:
            self._gate.lease = deadline_ns
