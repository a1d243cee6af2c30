"""How a role machine answers what it hears and is told: a function for each cell of roles.py's tables."""

# ruff: noqa: ARG001 - every move is called alike, with the state, what happened, and when

from protocol import events
from protocol.handover import HANDED_OVER, obstacle
from protocol.heartbeat import Heartbeat, Role
from protocol.peer import outranks
from protocol.role_state import PATIENCE, RoleState
from protocol.witness import Hold

# --- a bound heartbeat, by my role and the peer's


def ignore(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """No news for this role."""


def elect(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """Both starting: the better one acts, the other waits."""
    if _is_better(state, heartbeat):
        state.activate("elected", now)
    else:
        wait(state, heartbeat, now)


def wait(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """The other will, or may, become active: I am not alone; but not patient for ever."""
    latest = min(now + state.settings.start_wait_s, state.patience_ends_at)
    state.alone_at = max(state.alone_at, latest)


def follow(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """The peer is active."""
    state.follow(now)
    state.trust_cache(now, streaming=heartbeat.stream)


def claim(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """The peer lives and is not active, so nobody is."""
    state.activate(f"peer-{heartbeat.role.value}", now)


def settle(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """Two passives and nobody active: the better one acts; the other's silence goes on."""
    if _is_better(state, heartbeat):
        claim(state, heartbeat, now)


def prevail(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """The other is not active, or no more."""
    state.have_prevailed()


def tend(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """I am active, and the passive hears me; or doubts that I live, and is about to take over.

    With a witness it cannot take over while I have proof. But if I am silent for want of proof, let it: once it has
    said since that it is in sync, for it may have died meanwhile, and when it has had the witness's ear for longer than
    I would take to be heard there."""
    state.have_prevailed()
    if state.witness is None or heartbeat.witness is False:
        if heartbeat.doubt:
            state.leave("doubted", now)
    elif not _could_succeed(state):
        state.able_since = None
    elif state.able_since is None:
        state.able_since = now
    elif state.lapsed_at is not None and now >= state.able_since + state.witness.lease_s / 2:
        state.leave("witness-lost", now)


def contend(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """Two active nodes: exactly one gives way."""
    mine = (state.epoch, state.settings.priority, state.settings.node)
    theirs = (heartbeat.epoch, heartbeat.priority, heartbeat.node)
    if outranks(theirs, mine):
        state.leave("handover" if state.handing_over else "outranked", now)
    else:
        state.contended = True
        state.tell_once("two-active", node=heartbeat.node, epoch=heartbeat.epoch)


def _is_better(state: RoleState, heartbeat: Heartbeat) -> bool:
    mine = (0, state.settings.priority, state.settings.node)
    return outranks(mine, (0, heartbeat.priority, heartbeat.node))


# --- an unbound heartbeat


def contend_unbound(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """A claim above mine stays above mine, whenever it was made."""
    if heartbeat.role is Role.ACTIVE:
        contend(state, heartbeat, now)


def wait_unbound(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
    """It speaks, though it does not hear me: while it is active I would only disturb."""
    if heartbeat.role is Role.ACTIVE:
        state.alone_at = now + state.settings.start_wait_s
    else:
        wait(state, heartbeat, now)


# --- other news of the peer


def succeed_dead(state: RoleState, event: events.PeerDied, now: float) -> None:
    """Dead and fenced: no need to wait."""
    if state.peer.is_dead(event.notice):
        state.peer.present = False
        learn_end(state, event.notice.node, event.notice.incarnation)
        state.activate("peer-died", now)
    else:
        state.report("notice-refused", node=event.notice.node, incarnation=event.notice.incarnation)


def mourn(state: RoleState, event: events.PeerDied, now: float) -> None:
    """The passive is gone."""
    if state.peer.present and state.peer.is_dead(event.notice):
        lose_peer(state, now)


def learn_end(state: RoleState, node: str, incarnation: int) -> None:
    """That life, and all before it, will not speak again: the witness's record is free if it is theirs."""
    if state.witness is not None:
        state.witness.learn_end(node, incarnation)


def lose_peer(state: RoleState, now: float) -> None:
    """The passive is not heard any more."""
    state.peer.present = False
    state.report("peer-lost", node=state.peer.name or "")


def receive_handover(state: RoleState, event: events.HandoverReceived, now: float) -> None:
    """Take over, if it is the active node's present epoch that ends."""
    followed = state.peer.latest
    if followed is not None and event.epoch == followed.epoch:
        learn_end(state, followed.node, followed.incarnation)
        state.activate(HANDED_OVER, now)
    else:
        state.report("handover-refused", epoch=event.epoch)


# --- news of this node


def lose_lease(state: RoleState, event: events.LeaseLost, now: float) -> None:
    """An expired lease is never renewed. But with nobody there to take over, it may be claimed anew."""
    if state.witness is not None and not state.witness.proven(now):
        lose_witness(state, now)
    elif state.peer.present:
        state.leave("lease-lost", now)
    elif state.lapsed_at is None:
        state.lapse(now)


def finish_activation(state: RoleState, event: events.ActivationDone, now: float) -> None:
    """Serving."""
    state.report("active", epoch=state.epoch)


def fail_activation(state: RoleState, event: events.ActivationFailed, now: float) -> None:
    """Let the other try."""
    state.fail(event.reason, now)


def request_switchover(state: RoleState, event: events.SwitchoverRequested, now: float) -> None:
    """Begin, or say why not."""
    why = "already-handing-over" if state.handing_over else obstacle(state.peer, state.stream_up)
    if why is None:
        state.begin_handover(event.reason)
    else:
        state.report("switchover-refused", why=why)


def refuse_switchover(state: RoleState, event: events.SwitchoverRequested, now: float) -> None:
    """Only the active node can give its role away."""
    state.report("switchover-refused", why="not-active")


def finish_handover(state: RoleState, event: events.HandoverDone, now: float) -> None:
    """The passive has been told."""
    state.leave("handover", now)


def fail_handover(state: RoleState, event: events.HandoverFailed, now: float) -> None:
    """Serve on, and try again later."""
    state.handing_over = False
    state.wishes.failed(now)
    state.report("handover-failed", reason=event.reason)


def set_data_links(state: RoleState, event: events.DataLinksChanged, now: float) -> None:
    """The peer should know at once."""
    state.data_ok = event.ok
    state.send(now)


def set_in_sync(state: RoleState, event: events.Synced | events.Desynced, now: float) -> None:
    """How good my cache is; a bad one is no reason not to take over."""
    state.in_sync = isinstance(event, events.Synced)


def set_stream(state: RoleState, event: events.StreamUp | events.StreamDown, now: float) -> None:
    """Whether a planned handover is possible."""
    state.stream_up = isinstance(event, events.StreamUp)
    if state.witness is not None and state.stream_up:
        state.witness.say_solo(False, now)


# --- the witness


def want_solo(state: RoleState, event: events.SoloWanted, now: float) -> None:
    """First the record has to say it."""
    if state.witness is not None:
        state.witness.say_solo(True, now)


def lose_witness(state: RoleState, now: float) -> None:
    """Its last word is too old. Stay, silent, until it is back, or a passive says that it could go on (tend)."""
    if not state.settings.session_pickup:
        state.leave("witness-lost", now)
    elif state.lapsed_at is None:
        state.lapse(now)


def _could_succeed(state: RoleState) -> bool:
    return obstacle(state.peer, state.stream_up) is None


def hear_witness(state: RoleState, event: events.WitnessAnswered, now: float) -> None:
    """As STARTING or PASSIVE: with proof nobody else can be active."""
    witness = state.witness
    if witness is None or not witness.take_in(event, now):
        return
    if witness.proven(now):
        if state.seek == "peer-lost":
            state.peer.present = False
        state.become_active(state.seek or "witness", now)
    elif witness.refused(now):
        state.tell_once("witness-refused", holder=witness.seen.node, epoch=witness.seen.epoch)
        state.stop_seeking()
        state.alone_at = max(state.alone_at, witness.refused_until)


def keep_witness(state: RoleState, event: events.WitnessAnswered, now: float) -> None:
    """As ACTIVE: is the record still mine?"""
    witness = state.witness
    if witness is not None and witness.take_in(event, now) and witness.hold is not Hold.MINE:
        state.leave("handover" if state.handing_over else "witness-taken", now)


def miss_witness(state: RoleState, event: events.WitnessFailed, now: float) -> None:
    """Go on asking. The time without a witness does not count against a better node that is awaited."""
    if state.witness is None or not state.witness.take_failure(event, now):
        return
    state.tell_once("witness-fails", why=event.why)
    if state.role is Role.STARTING:
        state.stop_seeking()
        state.alone_at = max(state.alone_at, now + state.settings.start_wait_s)
        state.patience_ends_at = max(state.patience_ends_at, now + PATIENCE * state.settings.start_wait_s)
