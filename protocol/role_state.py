"""What one node's role machine remembers, and its few moves from role to role."""

from protocol.events import (
    Activate,
    Announce,
    AskWitness,
    BeginHandover,
    Effect,
    ReclaimLease,
    Report,
    Scalar,
    SendHeartbeat,
    Settings,
    StandDown,
)
from protocol.handover import Wishes
from protocol.heartbeat import Role
from protocol.peer import Peer
from protocol.witness import Witness

PATIENCE = 3
"""How many start waits a starting node waits for another to act."""
GRACE_LOOKS = 4
"""How often in a grace of an interval it is looked whether this node runs."""


class RoleState:
    """State and moves; roles.py says which move answers which event."""

    def __init__(self, settings: Settings, now: float) -> None:
        self.settings = settings
        self.role = Role.STARTING
        self.epoch = settings.epoch
        """Active: the epoch it is active in. Otherwise the highest it knows: worth storing when it grows."""
        self.peer = Peer(settings.node, settings.incarnation, settings.start_wait_s)
        self.data_ok = True
        self.in_sync = False
        self.current_until = float("inf") if settings.solo_after_s is None else float("-inf")
        """Passive: no sooner than this can the active node have gone solo, as far as I know."""
        self.stream_up = False
        self.handing_over = False
        self.wishes = Wishes(settings)
        self.witness = None if settings.witness_lease_s is None else Witness(settings, now)
        self.seek: str | None = None
        """Why I would be active; the witness's word is awaited."""
        self.witness_heard = False
        """It answers, as far as is known: without it I cannot take over."""

        self.send_at = now
        self.alone_at = now + settings.start_wait_s
        self.patience_ends_at = now + PATIENCE * settings.start_wait_s
        self.active_heard_at = now
        self.doubted_at: float | None = None
        self.graces = 0
        self.grace_ends_at = now
        self.look_at = float("inf")
        """In a grace: when a step has to come, or this node does not run."""
        self.stopped_s = 0.0
        """In a grace: how long this node did not run, at the most; words that lie unread are no older."""
        self.lapsed_at: float | None = None
        """Active, but silent since then: the lease ran out while no other node was heard, or the witness was not."""
        self.able_since: float | None = None
        """Active, with a witness; since then the passive could take over."""
        self.fault_ends_at = float("inf")
        self.contended = False
        """Active, and another node was as well when it was heard last; it is the one to give way."""

        self._effects: list[Effect] = []
        self._told: set[str] = set()

    def follow(self, now: float) -> None:
        """Somebody else is active, and was heard just now."""
        self.active_heard_at = now
        self.doubted_at = None
        self.stop_seeking()
        if self.witness is not None:
            self.witness.refused_until = now
        if self.role is Role.STARTING:
            self.role = Role.PASSIVE
            self.report("following", node=self.peer.name or "", epoch=self.epoch)
            self.send(now)

    def trust_cache(self, now: float, *, streaming: bool) -> None:
        """When the active node said this it was not solo yet; it waits first. In a grace its words may be old."""
        if self.settings.solo_after_s is not None:
            said_at = now - self.stopped_s if now < self.grace_ends_at else now
            silence_s = 2 * self.settings.lost_s
            waits_s = max(self.settings.solo_after_s, silence_s) if streaming else silence_s
            self.current_until = max(self.current_until, said_at + waits_s)

    def activate(self, reason: str, now: float) -> None:
        """Nobody else is active: be it, or ask the witness. Not in a grace: what says so may be overtaken."""
        if now < self.grace_ends_at:
            self.tell_once("takeover-put-off", reason=reason)
        elif self.witness is None:
            self.become_active(reason, now)
        elif reason != self.seek:
            self.seek = reason
            self.witness.want(self.epoch, now)

    def stop_seeking(self) -> None:
        """Somebody else is, or shall be, active."""
        self.seek = None
        if self.witness is not None:
            self.witness.want_no_more()

    def become_active(self, reason: str, now: float) -> None:
        """In an epoch of my own."""
        use_cache = self.role is Role.PASSIVE and self.settings.session_pickup
        if use_cache and now > self.current_until:
            use_cache = False
            self.report("cache-not-trusted", late_ms=round((now - self.current_until) * 1000))
        self.role = Role.ACTIVE
        self.epoch += 1
        if self.witness is not None:
            use_cache = use_cache and not self.witness.cache_stale
            self.epoch = max(self.epoch, self.witness.seen.epoch)
            self.witness.want(self.epoch, now)
        self.doubted_at = self.seek = None
        self._effects.append(Activate(self.epoch, reason, use_cache))
        self.send(now)
        if not self.data_ok:
            self.report("active-without-data-links", epoch=self.epoch)
        if use_cache and not self.in_sync:
            self.report("active-out-of-sync", epoch=self.epoch)

    def leave(self, reason: str, now: float) -> None:
        """Be silent for the rest of this life; once the lease is closed, say so: nobody needs to wait."""
        self.role = Role.LEAVING
        self._effects.append(StandDown(reason))
        self.send(now)

    def have_prevailed(self) -> None:
        """If another node was active beside me, it is not any more: the network may still look for me there."""
        if self.contended:
            self.contended = False
            self._effects.append(Announce())

    def lapse(self, now: float) -> None:
        """The lease ran out, and no other node is known to have taken over: listen before speaking again."""
        self.lapsed_at = now
        self.listen(now)
        self.report("lease-lapsed", epoch=self.epoch)

    def listen(self, now: float) -> None:
        """This node did not run: an interval in which it does has to pass."""
        self.grace_ends_at = now + self.settings.interval_s
        self.look_again(now)

    def look_again(self, now: float) -> None:
        """In a grace a step has to come soon."""
        soon = min(now + self.settings.interval_s / GRACE_LOOKS, self.grace_ends_at)
        self.look_at = soon if now < self.grace_ends_at else float("inf")

    def reclaim(self) -> None:
        """Nobody has spoken up: go on."""
        self.lapsed_at = None
        self.graces = 0
        self._effects.append(ReclaimLease())
        self.report("lease-reclaimed", epoch=self.epoch)

    def fail(self, reason: str, now: float) -> None:
        """Cannot be active. The other may; after the hold-down a new life tries again."""
        self.role = Role.FAULT
        self.fault_ends_at = now + max(self.settings.hold_down_s, self.settings.start_wait_s)
        self.report("activation-failed", epoch=self.epoch, reason=reason)
        self.send(now)

    def begin_handover(self, reason: str) -> None:
        """Give the role away in a planned way."""
        self.handing_over = True
        self._effects.append(BeginHandover(reason, self.epoch))

    def send(self, now: float, on_beat: float | None = None) -> None:
        """A heartbeat now; the next after an interval, or at `on_beat`."""
        self._effects.append(SendHeartbeat())
        self.send_at = now + self.settings.interval_s if on_beat is None else on_beat

    def ask(self, question: AskWitness) -> None:
        """Something for the witness."""
        self._effects.append(question)

    def report(self, what: str, **fields: Scalar) -> None:
        """Tell the operator."""
        self._effects.append(Report(what, fields))

    def tell_once(self, what: str, **fields: Scalar) -> None:
        """Tell the operator once in this life of something that each heartbeat may repeat."""
        if what not in self._told:
            self._told.add(what)
            self.report(what, **fields)

    def take_effects(self) -> list[Effect]:
        """The effects so far, in order."""
        effects, self._effects = self._effects, []
        return effects
