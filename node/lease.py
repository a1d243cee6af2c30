"""The right to speak from the virtual addresses: a deadline that the kernel itself watches.

The order in which a renewal happens is the safety of it: read the clock, see that the old lease still holds,
send the heartbeats, and only then move the deadline, counted from the clock as read before. A node that is
frozen anywhere in between writes a deadline that is not later than its last heartbeat allows.

A lease is first *claimed*, when the role machine decides to become active, and counts from then on; it is *taken
up*, shown to the kernel, when everything is restored. A node that is frozen in between finds its claim over.

With a witness no lease goes beyond the end of the latest proof (`bound_ns`), see protocol/witness.py.
"""

from __future__ import annotations

from node.kernel.gate import Gate


class LeaseOverError(Exception):
    """The claim ran out before the lease could be taken up: another node may be active by now."""


class Lease:
    """The active node's lease. Without a gate (takeover by reconnect) nothing watches it."""

    def __init__(self, gate: Gate | None, duration_ns: int) -> None:
        self.duration_ns = duration_ns
        self.lowest_margin_ns = duration_ns
        """The least that was left of the lease at any renewal."""
        self.claimed = False
        self.held = False
        """Taken up: packets may leave."""
        self.bound_ns: int | None = None
        """What the deadline never goes beyond."""
        self._gate = gate
        self._deadline_ns = 0

    def claim(self, decided_ns: int) -> None:
        """Count from the instant at which the clock was read for the decision to become active."""
        self.claimed = True
        self._deadline_ns = self._end(decided_ns)

    def take_up(self, now_ns: int) -> None:
        """Let packets leave; raises LeaseOverError when the claim has run out."""
        if not self.holds(now_ns):
            raise LeaseOverError
        self.held = True
        self._show()

    def holds(self, now_ns: int) -> bool:
        """Whether the lease may be renewed: it has been claimed and has not run out."""
        margin_ns = self._deadline_ns - now_ns
        if self.claimed:
            self.lowest_margin_ns = min(self.lowest_margin_ns, margin_ns)
        return self.claimed and margin_ns > 0

    def renew(self, now_ns: int) -> None:
        """Move the deadline on; `now_ns` was read before `holds` was asked."""
        self._deadline_ns = self._end(now_ns)
        self._show()

    def close(self) -> None:
        """Fall silent, now."""
        self.claimed = self.held = False
        self._deadline_ns = 0
        if self._gate is not None:
            self._gate.lease = 0

    def remaining_ns(self, now_ns: int) -> int:
        """How long the node may still speak."""
        return max(self._deadline_ns - now_ns, 0) if self.held else 0

    def _end(self, from_ns: int) -> int:
        end_ns = from_ns + self.duration_ns
        return end_ns if self.bound_ns is None else min(end_ns, self.bound_ns)

    def _show(self) -> None:
        if self.held and self._gate is not None:
            self._gate.lease = self._deadline_ns
