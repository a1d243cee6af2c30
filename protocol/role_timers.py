"""What time alone brings about: for each role when it is due, and what is done then."""

from collections.abc import Callable
from typing import NamedTuple

from protocol.heartbeat import Role
from protocol.role_moves import lose_peer
from protocol.role_state import RoleState
from protocol.witness import Witness

GRACES_MAX = 3
"""How often in one silence a late tick may put its end off."""


class Timer(NamedTuple):
    """When, in seconds of the machine's clock, and what."""

    due: Callable[[RoleState], float]
    act: Callable[[RoleState, float], None]


def _alone_due(state: RoleState) -> float:
    if state.seek is not None:
        return float("inf")
    return max(state.alone_at, state.grace_ends_at)


def _alone(state: RoleState, now: float) -> None:
    state.activate("alone", now)


def _silence_due(state: RoleState) -> float:
    """The doubt one interval before the lost time, the takeover one full interval after the doubt; with a witness,
    which is asked at the doubt, whenever it may be asked again."""
    if state.seek is not None:
        return float("inf")
    if state.doubted_at is not None:
        takeover_at = state.doubted_at + state.settings.interval_s
        return takeover_at if state.witness is None else max(takeover_at, state.witness.refused_until)
    doubt_at = state.active_heard_at + state.settings.lost_s - state.settings.interval_s
    return max(doubt_at, state.grace_ends_at)


def _silence(state: RoleState, now: float) -> None:
    if state.doubted_at is not None:
        state.peer.present = False
        state.activate("peer-lost", now)
        return
    state.doubted_at = now
    state.report("peer-silent", silent_ms=round((now - state.active_heard_at) * 1000))
    state.send(now)
    if state.witness is not None:
        state.activate("peer-lost", now)


def _active_due(state: RoleState) -> float:
    if state.lapsed_at is not None:
        return _lapse_due(state, state.lapsed_at)
    if not state.peer.present:
        return float("inf")
    return max(state.peer.evidence_at + state.settings.lost_s, state.grace_ends_at)


def _active(state: RoleState, now: float) -> None:
    """The peer is lost; or, with the lease lapsed, whoever may have taken over meanwhile has had time to be heard."""
    if state.lapsed_at is None:
        lose_peer(state, now)
    elif state.witness is not None:
        _end_lapse(state, state.witness, now)
    elif state.peer.heard_at < state.lapsed_at or state.peer.newest is None:
        state.reclaim()
    elif state.peer.newest.role is Role.STARTING:
        state.reclaim()  # it has not followed anybody yet, so it cannot have taken over
    else:
        state.leave("lease-lost", now)


def _lapse_due(state: RoleState, lapsed_at: float) -> float:
    """With a witness, when it has been asked since, and shown that nobody took over."""
    if state.witness is None:
        return max(lapsed_at + state.settings.interval_s, state.grace_ends_at)
    return lapsed_at if state.witness.proved_at >= lapsed_at else float("inf")


def _end_lapse(state: RoleState, witness: Witness, now: float) -> None:
    if witness.proven(now):
        state.reclaim()
    else:
        state.lapsed_at = now  # that proof came too late to be used


def _fault_due(state: RoleState) -> float:
    return state.fault_ends_at


def _fault_over(state: RoleState, now: float) -> None:
    state.leave("fault-over", now)


TIMERS: dict[Role, Timer] = {
    Role.STARTING: Timer(_alone_due, _alone),
    Role.PASSIVE: Timer(_silence_due, _silence),
    Role.ACTIVE: Timer(_active_due, _active),
    Role.FAULT: Timer(_fault_due, _fault_over),
}


def deadline(state: RoleState) -> float | None:
    """When something is due next, a heartbeat included; None when this life is over."""
    timer = TIMERS.get(state.role)
    if timer is None:
        return None
    asked_at = float("inf") if state.witness is None or state.role is Role.FAULT else state.witness.due()
    return min(state.send_at, timer.due(state), asked_at, state.look_at)


def notice_pause(state: RoleState, due: float | None, now: float) -> None:
    """This step should have come at `due`. If it is late, this node did not run, and words may lie unread: still, if it
    did not run in a grace either."""
    interval_s = state.settings.interval_s
    listening = state.look_at < float("inf")
    if due is not None and now > due + (interval_s / 2 if listening else interval_s) and state.graces < GRACES_MAX:
        state.graces += 1
        state.doubted_at = None
        state.stopped_s = max(state.stopped_s if listening else 0.0, now - due + interval_s)
        state.listen(now)
    state.look_again(now)


def tick(state: RoleState, now: float) -> None:
    """Time has passed."""
    interval_s = state.settings.interval_s
    timer = TIMERS[state.role]
    if now >= timer.due(state):
        timer.act(state, now)
    if now >= state.send_at:
        on_beat = state.send_at + interval_s
        state.send(now, on_beat if on_beat > now else None)
