"""Seeded runs of two machines under faults: the checkers have nothing to say, and see bugs that are planted."""

import pytest

from protocol import role_moves, roles
from protocol.heartbeat import Heartbeat, Role
from protocol.role_state import RoleState
from protocol.witness import Claim, Hold, Witness
from tests.protocol.simulation.run import complaints, simulate

SEEDS = range(16)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_voice_and_recovery(seed: int) -> None:
    world = simulate(seed)
    assert complaints(world) == [], f"replay: python -m tests.protocol.simulation {seed}"


def test_faults_do_happen() -> None:
    reasons = {reason for seed in range(6) for _, _, reason in simulate(seed).epochs}
    assert {"alone", "elected", "peer-lost", "peer-died", "handover"} <= reasons


def test_a_seed_is_a_run() -> None:
    assert simulate(3).trace == simulate(3).trace


def _is_caught(complaint: str, **options: float) -> bool:
    """Whether some seed brings it out."""
    return any(complaint in line for seed in range(30) for line in complaints(simulate(seed, **options)))


def test_a_lease_longer_than_the_lost_time_is_caught() -> None:
    assert _is_caught("both speak", lease_s=0.5)


def test_an_active_node_deaf_to_doubt_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    row = list(roles._HEARD[Role.ACTIVE])
    row[row.index(role_moves.tend)] = role_moves.ignore
    monkeypatch.setitem(roles._HEARD, Role.ACTIVE, tuple(row))
    assert _is_caught("both speak")


def test_two_active_nodes_that_never_give_way_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def stay(state: RoleState, heartbeat: Heartbeat, now: float) -> None:
        """Never gives way."""

    row = list(roles._HEARD[Role.ACTIVE])
    row[row.index(role_moves.contend)] = stay
    monkeypatch.setitem(roles._HEARD, Role.ACTIVE, tuple(row))
    monkeypatch.setitem(roles._HEARD_UNBOUND, Role.ACTIVE, stay)
    assert _is_caught("in the end")


@pytest.mark.parametrize("seed", range(6))
def test_with_a_witness_never_two_voices_whatever_is_cut(seed: int) -> None:
    world = simulate(seed, witness=True)
    assert complaints(world) == [], f"replay: python -m tests.protocol.simulation {seed} witness"


def _is_caught_by_witness_runs(complaint: str, first: int = 0, *, parted: bool = True, **options: bool) -> bool:
    seeds = range(first, first + 30)
    runs = (complaints(simulate(seed, witness=True, parted=parted, **options)) for seed in seeds)
    return any(complaint in line for lines in runs for line in lines)


def test_a_lease_that_outlasts_the_proof_is_caught() -> None:
    assert _is_caught_by_witness_runs("both speak", heeds_witness=False)


def test_a_record_taken_without_waiting_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Witness, "_ripe_at", property(lambda witness: witness._revision_seen_at))
    assert _is_caught_by_witness_runs("both speak")


def test_a_challenged_holder_that_takes_itself_for_proven_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Witness, "_affirm", lambda _witness, _now: None)
    monkeypatch.setattr(Witness, "_challenged", property(lambda witness: witness.hold is Hold.OTHERS))
    assert _is_caught_by_witness_runs("both speak")


def test_an_epoch_that_does_not_heed_the_record_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Witness, "_mine", lambda witness, _epoch: Claim(witness._node, witness._incarnation, 0, False))
    assert _is_caught_by_witness_runs("reuses epoch", 20, parted=False)  # a node has to be down for it: it is rare
