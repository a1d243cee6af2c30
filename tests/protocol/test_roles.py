"""What must hold of the role machine whatever it is told, besides the scenarios."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import events
from protocol.events import Activate, BeginHandover, Event, SendHeartbeat, Settings, StandDown
from protocol.heartbeat import DeathNotice, Role, Sync
from protocol.peer import outranks
from protocol.roles import RoleMachine
from tests.protocol.samples import heartbeat

SETTINGS = Settings("b", 100, 70, 4, interval_s=0.05, lost_threshold=4, lease_s=0.15, hold_down_s=1.0)
SMALL = st.integers(0, 8)
ORDER = list(Role)

HEARD = st.builds(
    lambda changes: events.PeerHeard(heartbeat(**changes), "hb0"),
    st.fixed_dictionaries(
        {
            "node": st.sampled_from(["a", "a", "a", "b", "c"]),
            "role": st.sampled_from(Role),
            "sync": st.sampled_from(Sync),
            "epoch": SMALL,
            "incarnation": st.integers(50, 52),
            "to": st.sampled_from([70, 70, 70, 0, 69]),
            "doubt": st.booleans(),
            "override": st.booleans(),
            "clock_ms": st.integers(0, 50),
        }
    ),
)
DIED = st.builds(DeathNotice, st.just("a"), SMALL, st.integers(50, 52), st.just(70)).map(events.PeerDied)
TOLD = st.sampled_from(
    [
        events.Tick(),
        events.HandoverReceived(3),
        events.HandoverDone(),
        events.HandoverFailed("x"),
        events.SwitchoverRequested("x"),
        events.DataLinksChanged(False),
        events.DataLinksChanged(True),
        events.LeaseLost(),
        events.Synced(),
        events.Desynced(),
        events.StreamUp(),
        events.StreamDown(),
        events.ActivationDone(),
        events.ActivationFailed("x"),
    ]
)
PASSING = st.sampled_from([0.0, 0.001, 0.05, 0.05, 0.2, 1.0, 5.0])
LIVES = st.lists(st.tuples(st.one_of(HEARD, HEARD, DIED, TOLD, st.just(events.Tick())), PASSING), max_size=40)


@settings(max_examples=300)
@given(LIVES)
def test_whatever_it_is_told(life: list[tuple[Event, float]]) -> None:
    machine, now, role, epoch, activations = RoleMachine(SETTINGS, 0.0), 0.0, Role.STARTING, 4, 0
    for event, passing in life:
        now += passing
        effects = machine.step(event, now)
        assert ORDER.index(machine.role) >= ORDER.index(role), "a role only moves one way"
        assert machine.epoch >= epoch, "epochs only grow"
        for effect in effects:
            if isinstance(effect, Activate):
                activations += 1
                assert effect.epoch > epoch
                assert effect.use_cache == (role is Role.PASSIVE)
            if isinstance(effect, StandDown):
                assert role in (Role.ACTIVE, Role.FAULT)
            if isinstance(effect, BeginHandover):
                assert machine.role is Role.ACTIVE and machine.handing_over
        assert activations <= 1, "active at most once in a life"
        if role is not Role.LEAVING and machine.role is Role.LEAVING:
            kinds = [type(effect) for effect in effects]
            assert kinds.index(StandDown) < kinds.index(SendHeartbeat), "silent before it says so"
        assert (machine.next_deadline() is None) == (machine.role is Role.LEAVING)
        role, epoch = machine.role, machine.epoch


@given(LIVES)
def test_ticks_always_get_somewhere(life: list[tuple[Event, float]]) -> None:
    """No deadline that a tick does not move: the node's loop would spin."""
    machine, now = RoleMachine(SETTINGS, 0.0), 0.0
    for event, passing in life:
        now += passing
        machine.step(event, now)
        for _ in range(4):
            due = machine.next_deadline()
            if due is None or due > now:
                break
            machine.step(events.Tick(), now)
        else:
            pytest.fail(f"still due at {due} after four ticks at {now}")


@given(LIVES)
def test_it_always_comes_to_an_end(life: list[tuple[Event, float]]) -> None:
    """Left alone after anything at all, a node is active, or its life is over, within a bounded time."""
    machine, now = RoleMachine(SETTINGS, 0.0), 0.0
    for event, passing in life:
        now += passing
        machine.step(event, now)
    end = now + 10.0
    while (due := machine.next_deadline()) is not None and max(due, now) < end:
        now = max(due, now)
        machine.step(events.Tick(), now)
    assert machine.role in (Role.ACTIVE, Role.LEAVING)


@given(
    st.lists(st.sampled_from(list(Role)[:2]), min_size=1, max_size=100),
)
def test_an_election_ends(roles: list[Role]) -> None:
    """Whatever starting and passive nodes go on saying."""
    machine, now = RoleMachine(SETTINGS, 0.0), 0.0
    while machine.role is Role.STARTING:
        now += 0.05
        said = heartbeat(role=roles[int(now * 20) % len(roles)], clock_ms=int(now * 1000), epoch=2)
        machine.step(events.PeerHeard(said, "hb0"), now)
        machine.step(events.Tick(), now)
        assert now < 4 * SETTINGS.start_wait_s
    assert machine.role is Role.ACTIVE


@given(st.tuples(SMALL, SMALL, st.sampled_from("abc")), st.tuples(SMALL, SMALL, st.sampled_from("abc")))
def test_of_two_claims_exactly_one_gives_way(one: tuple[int, int, str], other: tuple[int, int, str]) -> None:
    if one != other:
        assert outranks(one, other) != outranks(other, one)
    assert not outranks(one, one)


@pytest.mark.parametrize(
    ("lease_s", "lost_threshold", "interval_s"), [(0.2, 4, 0.05), (0.15, 3, 0.05), (0.05, 1, 0.1), (0.1, 4, 0.0)]
)
def test_settings_that_are_not_safe(lease_s: float, lost_threshold: int, interval_s: float) -> None:
    with pytest.raises(ValueError, match=r"lease|threshold"):
        Settings("a", 100, 1, 0, interval_s, lost_threshold, lease_s, 10.0)
