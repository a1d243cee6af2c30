"""What must hold of a node and its witness, whatever either is told; the scenarios have the rest."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import events, witness
from protocol.errors import MessageError
from protocol.events import Activate, AskWitness, Event, ReclaimLease, WitnessAnswered, WitnessFailed
from protocol.heartbeat import Role
from protocol.roles import RoleMachine
from protocol.witness import EMPTY, NOBODY, Claim
from tests.protocol.test_roles import LIVES
from tests.protocol.test_roles import SETTINGS as UNWITNESSED

SETTINGS = replace(UNWITNESSED, witness_lease_s=1.0)
MINE = Claim("b", 70, 5, solo=False)
CLAIMS = st.builds(
    Claim,
    st.sampled_from(["a", "b", "c", NOBODY]),
    st.integers(49, 71),
    st.integers(0, 9),
    st.booleans(),
    st.sampled_from([NOBODY, "a", "b"]),
)
RECORDS = st.one_of(st.none(), st.just(b"nonsense"), CLAIMS.map(witness.pack), st.just(witness.pack(MINE)))
ANSWERS = st.lists(st.tuples(RECORDS, st.integers(0, 3), st.booleans()), max_size=40)


class Asked:
    """The open question, if there is one, and what has been seen."""

    def __init__(self) -> None:
        self.open: AskWitness | None = None
        self.revision = 0

    def take(self, machine: RoleMachine, event: Event, now: float) -> list[events.Effect]:
        effects = machine.step(event, now)
        for effect in effects:
            if isinstance(effect, AskWitness):
                assert self.open is None, "one question at a time"
                assert effect.write is None or effect.revision == self.revision, "a write names what was seen"
                self.open = effect
        return effects

    def answer(self, record: bytes | None, revision: int, failed: bool) -> Event | None:
        question, self.open = self.open, None
        if question is None:
            return None
        if failed:
            return WitnessFailed(question.number, "timeout")
        if record != b"nonsense":
            self.revision = revision
        return WitnessAnswered(question.number, record, revision)


@settings(max_examples=300)
@given(LIVES, ANSWERS)
def test_nobody_is_active_without_proof(
    life: list[tuple[Event, float]], answers: list[tuple[bytes | None, int, bool]]
) -> None:
    machine, now, asked = RoleMachine(SETTINGS, 0.0), 0.0, Asked()
    rest = iter(answers)
    for event, passing in life:
        now += passing
        told = [event]
        if (answer := next(rest, None)) is not None and (heard := asked.answer(*answer)) is not None:
            told.append(heard)
        for each in told:
            was = machine.role
            for effect in asked.take(machine, each, now):
                if isinstance(effect, Activate | ReclaimLease):
                    assert machine.lease_bound_s is not None
                    assert now < machine.lease_bound_s <= now + 1.0
            assert machine.role is not Role.ACTIVE or was is Role.ACTIVE or isinstance(each, WitnessAnswered)


@given(LIVES, ANSWERS)
def test_ticks_always_get_somewhere(
    life: list[tuple[Event, float]], answers: list[tuple[bytes | None, int, bool]]
) -> None:
    machine, now, asked = RoleMachine(SETTINGS, 0.0), 0.0, Asked()
    rest = iter(answers)
    for event, passing in life:
        now += passing
        asked.take(machine, event, now)
        if (answer := next(rest, None)) is not None and (heard := asked.answer(*answer)) is not None:
            asked.take(machine, heard, now)
        for _ in range(4):
            due = machine.next_deadline()
            if due is None or due > now:
                break
            asked.take(machine, events.Tick(), now)
        else:
            pytest.fail(f"still due at {due} after four ticks at {now}")


@given(CLAIMS)
def test_a_record_is_read_as_it_was_written(claim: Claim) -> None:
    assert witness.unpack(witness.pack(claim)) == claim


@given(st.binary(max_size=200))
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        witness.unpack(data)


def test_a_record_that_is_gone_is_one_of_a_holder_that_nobody_knows() -> None:
    """Not free to be taken: whoever held it may still have proof."""
    known = witness.Witness(SETTINGS, 0.0)
    known.question(0.0)
    known.take_in(WitnessAnswered(1, None, 0), 0.0)
    assert (known.seen, known.hold) == (EMPTY, witness.Hold.OTHERS)


def test_a_lease_of_the_witness_outlasts_two_of_the_node() -> None:
    with pytest.raises(ValueError, match="at least twice"):
        replace(UNWITNESSED, witness_lease_s=0.29)
