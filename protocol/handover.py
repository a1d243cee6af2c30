"""When an active node wants to give its role away although it lives, and whether it can."""

from protocol.events import Settings
from protocol.heartbeat import Heartbeat, Role, Sync
from protocol.peer import Peer

DATA_LINKS, OVERRIDE = "data-links", "override"
HANDED_OVER = "handover"
"""Why the successor becomes active."""


def obstacle(peer: Peer, stream_up: bool) -> str | None:
    """Why the peer cannot take over in a planned way, in a word; None if it can."""
    heartbeat = peer.latest
    if heartbeat is None or not peer.present:
        return "no-peer"
    if heartbeat.role is not Role.PASSIVE:
        return "peer-not-passive"
    if not stream_up or heartbeat.sync is not Sync.IN_SYNC or heartbeat.stale:
        return "peer-not-in-sync"
    return None


class Wishes:
    """Reasons to hand over that come by themselves: a lost data network, and a peer that wants its role back.

    The second must last for the hold-down, so that a node that comes and goes does not drag the role with it.
    After a handover that failed, each waits before it tries again.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wanted_back_since: float | None = None
        self._not_before = float("-inf")

    def failed(self, now: float) -> None:
        """A handover failed: wait before the next."""
        self._wanted_back_since = None
        self._not_before = now + self._settings.start_wait_s

    def reason(self, successor: Heartbeat | None, data_ok: bool, now: float) -> str | None:
        """Why to hand over to this successor now; None (and the hold-down starts again) without one."""
        if successor is None:
            self._wanted_back_since = None
            return None
        held_down = self._is_held_down(successor, data_ok, now)
        if now < self._not_before:
            return None
        reasons = {DATA_LINKS: not data_ok and successor.data_ok, OVERRIDE: held_down}
        return next((reason for reason, applies in reasons.items() if applies), None)

    def _is_held_down(self, successor: Heartbeat, data_ok: bool, now: float) -> bool:
        """Whether the successor has wanted its role back, and been fit for it, for all of the hold-down."""
        fit = successor.data_ok or not data_ok
        if not (fit and successor.override and successor.priority > self._settings.priority):
            self._wanted_back_since = None
            return False
        if self._wanted_back_since is None:
            self._wanted_back_since = now
        return now >= self._wanted_back_since + self._settings.hold_down_s
