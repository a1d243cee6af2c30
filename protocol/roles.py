"""The role machine: who of two nodes speaks. Events and the time go in, effects come out.

    STARTING --hear an active peer--> PASSIVE --peer lost, dead, or handing over--> ACTIVE --> LEAVING
        '-----------elected, or alone------------------------------------------------^  '----> FAULT

A node is active at most once in its life: LEAVING ends it, and a new life begins as STARTING.

Why two nodes do not speak at once:

1. An active node reads its clock (t), checks that its lease still holds, sends heartbeats, and only then
   moves the lease to t + lease. So whoever hears its last heartbeat hears it no earlier than t.
2. A passive takes over no earlier than lost = threshold x interval after it last *took in* a heartbeat of
   the active node. Since lease < lost (checked in Settings), that lease is over. No clock is compared with
   another; all that is asked is that both run at nearly the same rate over a fraction of a second. A
   heartbeat that is taken in late only makes the passive wait longer.
3. This argument fails for heartbeats that were sent and not heard. So a passive that has heard nothing for
   lost - interval sends `doubt`, and takes over one full interval after it did. An active node that hears a
   doubt falls silent at once. If the links work in either direction within an interval, one of the two
   knows in time. If all are cut both ways, both nodes speak, as two nodes alone cannot tell that from
   death: the first heartbeat to get through ends it (4).
4. Each activation takes an epoch above all that the node has stored or heard. Of two active nodes the one
   with the lower epoch gives way; at equal epochs the one of lower priority; at equal priorities the one
   whose name is the greater. Exactly one gives way, since names differ.
5. A death notice, a handover, and a bound heartbeat of the other in any role but ACTIVE each say that its
   lease is closed: the passive takes over at once.
6. An event that comes late, beyond its deadline by more than an interval, means that this node did not run,
   and words of the other may lie unread: that it lives, or that since its LEAVING it is active in a new life.
   One interval of grace is granted to take them in; in it nothing makes this node active, and a doubt starts
   anew after it. It begins again if this node is late in it by more than half of it: it shall run meanwhile, and
   not only let time pass. At most GRACES_MAX times in one silence, or a node that is always late would never take
   over. The active node needs no such rule: its lease ends by itself, in the kernel, however long it is
   stopped (LeaseLost when it wakes).
7. An active node whose lease ran out leaves. Only if it had no peer, heard within the lost time, that could
   have taken over, it stays silent for one interval, in which all that was said meanwhile is taken in, and
   claims the lease anew if nobody was heard: a stutter of a node without a partner does not end its connections.
   Not covered: a partner that hears this node and is not heard by it, on every link.
8. With a witness (witness.py) one voice rests on its record alone, whatever the links do: a node becomes active
   only with proof that it holds the record, and its lease never goes beyond that proof. What 2, 3 and 5 say about
   the other's lease then only serves to ask sooner, and to take the record without a challenge from a holder that
   is known to be over. A doubt makes nobody silent, unless the other says that it heeds no witness: who doubts has
   to challenge, and a holder that lives refuses.
   An active node whose proof runs out falls silent. If then a passive in sync says that it still has the witness's
   ear it leaves, to be taken over from; else it waits, silent, and goes on once it is shown that the record is still
   its own (7). A passive that died in the same moment says nothing: the connections stay where they are.
   Before acknowledgements are let go of which a standby that may live does not know, the record says so (SoloWanted):
   whoever takes it after that does not use its cache.
9. An active node that does not hear its passive goes solo after a while, and says so before. A passive that was stopped
   meanwhile, and then hears nothing but old words, cannot know of it. So whoever takes over later than that after the
   active node last said anything, as far as can be known, does not use its cache: the sessions are reset.

Only bound words are evidence (see peer.py). Two uses of unbound ones are safe: an active node gives way to a
claim that outranks its own, since an epoch once used stays used, whenever the claim was made; and a starting
node that hears another waits rather than take itself to be alone, which covers links cut in one direction
from the start. Not covered: such a cut while the deaf node restarts. Its first claim, with a higher epoch,
then ends the other.

Why a start ends: of two starting nodes that hear each other the better one activates at once. The other
waits for it, and so does any for a passive about to take over, but no longer than PATIENCE start waits.
"""

from collections.abc import Callable
from typing import Any

from protocol import role_moves as moves
from protocol import role_timers as timers
from protocol.events import (
    ActivationDone,
    ActivationFailed,
    DataLinksChanged,
    Desynced,
    Effect,
    Event,
    HandoverDone,
    HandoverFailed,
    HandoverReceived,
    LeaseLost,
    PeerDied,
    PeerHeard,
    Settings,
    SoloWanted,
    StreamDown,
    StreamUp,
    SwitchoverRequested,
    Synced,
    Tick,
    WitnessAnswered,
    WitnessFailed,
)
from protocol.handover import obstacle
from protocol.heartbeat import Heartbeat, Role, Sync
from protocol.peer import Evidence
from protocol.role_state import RoleState
from protocol.witness import Hold, Witness

Move = Callable[[RoleState, Any, float], None]


def _always(move: Move) -> dict[Role, Move]:
    """The same in every role but the last."""
    return dict.fromkeys(_HEARD, move)


# fmt: off
_HEARD: dict[Role, tuple[Move, ...]] = {
    # I am            the peer is:
    #                 STARTING       PASSIVE        ACTIVE         FAULT          LEAVING
    Role.STARTING: (moves.elect,   moves.wait,    moves.follow,  moves.claim,   moves.claim),
    Role.PASSIVE:  (moves.claim,   moves.settle,  moves.follow,  moves.claim,   moves.claim),
    Role.ACTIVE:   (moves.prevail, moves.tend,    moves.contend, moves.prevail, moves.prevail),
    Role.FAULT:    (moves.ignore,  moves.ignore,  moves.ignore,  moves.ignore,  moves.ignore),
}
_WITNESSED = (Role.STARTING, Role.PASSIVE, Role.ACTIVE)
_PLACE = {role: place for place, role in enumerate(Role)}

_HEARD_UNBOUND: dict[Role, Move] = {
    Role.STARTING: moves.wait_unbound,
    Role.ACTIVE:   moves.contend_unbound,
}

_OTHER_NEWS: dict[type, dict[Role, Move]] = {
    PeerDied:            {Role.PASSIVE: moves.succeed_dead, Role.ACTIVE: moves.mourn},
    HandoverReceived:    {Role.PASSIVE: moves.receive_handover},
    LeaseLost:           {Role.ACTIVE: moves.lose_lease},
    ActivationDone:      {Role.ACTIVE: moves.finish_activation},
    ActivationFailed:    {Role.ACTIVE: moves.fail_activation},
    HandoverDone:        {Role.ACTIVE: moves.finish_handover},
    HandoverFailed:      {Role.ACTIVE: moves.fail_handover},
    SwitchoverRequested: {**_always(moves.refuse_switchover), Role.ACTIVE: moves.request_switchover},
    DataLinksChanged:    _always(moves.set_data_links),
    Synced:              _always(moves.set_in_sync),
    Desynced:            _always(moves.set_in_sync),
    StreamUp:            _always(moves.set_stream),
    StreamDown:          _always(moves.set_stream),
    SoloWanted:          {Role.ACTIVE: moves.want_solo},
    WitnessAnswered:     {Role.STARTING: moves.hear_witness, Role.PASSIVE: moves.hear_witness,
                          Role.ACTIVE: moves.keep_witness},
    WitnessFailed:       {Role.STARTING: moves.miss_witness, Role.PASSIVE: moves.miss_witness,
                          Role.ACTIVE: moves.miss_witness},
}
_OVER: dict[Role, int] = {Role.STARTING: 1, Role.PASSIVE: 1, Role.FAULT: 0, Role.LEAVING: 0}
"""A heartbeat in this role tells that its sender's lives are over: up to this one, or (1) up to the one before."""
# fmt: on


class RoleMachine(RoleState):
    """One node's role for one life. `now` is in seconds of a local monotonic clock."""

    def __init__(self, settings: Settings, now: float) -> None:
        super().__init__(settings, now)
        self._due: float | None = now
        """When the next step has to come, if no event brings it about before."""

    def step(self, event: Event, now: float) -> list[Effect]:
        """What is to be done about the event, in this order."""
        timers.notice_pause(self, self._due, now)
        if isinstance(event, PeerHeard):
            self._hear(event, now)
        elif isinstance(event, Tick):
            self._tick(now)
        else:
            move = _OTHER_NEWS[type(event)].get(self.role)
            if move is not None:
                move(self, event, now)
        if self.role is Role.ACTIVE:
            self._consider_handover(now)
        if self.witness is not None and self.role in _WITNESSED:
            self._consult(self.witness, now)
        deadline = self.next_deadline()
        self._due = None if deadline is None else max(deadline, now)
        return self.take_effects()

    def next_deadline(self) -> float | None:
        """When the next Tick is due; None when this life is over."""
        return timers.deadline(self)

    @property
    def lease_bound_s(self) -> float | None:
        """What no lease may go beyond: the end of the witness's proof; None without a witness."""
        return None if self.witness is None else self.witness.proof_ends_at

    @property
    def may_go_solo(self) -> bool:
        """Whether a standby that is not heard any more could not take over with an old cache."""
        witness = self.witness
        return witness is None or (witness.hold is Hold.MINE and witness.seen.solo)

    def heartbeat(
        self,
        *,
        sync: Sync,
        stream: bool,
        solo: bool,
        stale: bool,
        sessions: int,
        clock_ms: int,
        question: int = 0,
        answer: int = 0,
    ) -> Heartbeat:
        """What to say now: this machine's state, and what the node adds to it.

        A passive without the witness's ear could not take over, so it is not in sync."""
        if self.role is Role.PASSIVE and self.witness is not None and not self.witness_heard and sync is Sync.IN_SYNC:
            sync = Sync.SYNCING
        return Heartbeat(
            node=self.settings.node,
            priority=self.settings.priority,
            role=self.role,
            sync=sync,
            epoch=self.epoch,
            incarnation=self.settings.incarnation,
            to=self.peer.incarnation,
            data_ok=self.data_ok,
            stream=stream,
            solo=solo,
            stale=stale,
            doubt=self.doubted_at is not None,
            override=self.settings.override,
            sessions=sessions,
            clock_ms=clock_ms,
            witness=self.witness is not None,
            question=question,
            answer=answer,
        )

    def _tick(self, now: float) -> None:
        if self.role is not Role.LEAVING:
            timers.tick(self, now)

    def _hear(self, event: PeerHeard, now: float) -> None:
        heartbeat, was_present = event.heartbeat, self.peer.present
        if self.role is Role.LEAVING:
            return
        evidence = self.peer.hear(heartbeat, now)
        if evidence in (Evidence.OWN, Evidence.STRANGER):
            self.tell_once(f"{evidence.name.lower()}-heard", node=heartbeat.node, link=event.link)
        if evidence not in (Evidence.BOUND, Evidence.UNBOUND):
            return
        if heartbeat.role in _OVER:
            moves.learn_end(self, heartbeat.node, heartbeat.incarnation - _OVER[heartbeat.role])
        if self.role is not Role.ACTIVE:
            self.epoch = max(self.epoch, heartbeat.epoch)
        if evidence is Evidence.UNBOUND:
            _HEARD_UNBOUND.get(self.role, moves.ignore)(self, heartbeat, now)
            return
        self.graces = 0
        if not was_present:
            self.report("peer-found", node=heartbeat.node, role=heartbeat.role.value, link=event.link)
        _HEARD[self.role][_PLACE[heartbeat.role]](self, heartbeat, now)

    def _consult(self, witness: Witness, now: float) -> None:
        heard = witness.reachable(now)
        if heard is not self.witness_heard:
            self.witness_heard = heard
            self.report("witness-heard" if heard else "witness-silent", why=witness.failure or "")
        if witness.due() <= now:
            self.ask(witness.question(now))

    def _consider_handover(self, now: float) -> None:
        able = not self.handing_over and obstacle(self.peer, self.stream_up) is None
        reason = self.wishes.reason(self.peer.latest if able else None, self.data_ok, now)
        if reason is not None:
            self.begin_handover(reason)
