"""What is made in advance for the sessions in the cache: never more than fits them, never for those that are gone."""

import gc
import os
from pathlib import Path
from typing import Any

import pytest

from inspector import Stack
from node import spares as module
from node.decoder import KeptDecoder
from node.kernel.errors import KernelError
from node.kernel.layout import Endpoint
from node.kernel.record import TcpRecord
from node.spares import Spares
from protocol.session import Leg, Session
from tests.requirements import needs_root

BUFFER = 65536
SLOTS = 6

pytestmark = needs_root


class Slot:
    def __init__(self, gate: "SlotsOnly") -> None:
        self._gate = gate

    def release(self) -> None:
        self._gate.taken -= 1


class SlotsOnly:
    """A gate's slots, counted."""

    def __init__(self) -> None:
        self.taken = 0

    def reserve(self, _key: bytes) -> Slot:
        if self.taken == SLOTS:
            raise KernelError("all slots are taken", "raise limits.sessions")
        self.taken += 1
        return Slot(self)


@pytest.fixture
def gate() -> SlotsOnly:
    return SlotsOnly()


@pytest.fixture
def spares(gate: SlotsOnly) -> Any:
    one = Spares(gate, BUFFER)  # type: ignore[arg-type]
    yield one
    one.discard()
    assert gate.taken == len(one) == 0


def session(id_: int, legs: int = 2, port: int = 40_000) -> Session:
    peers = (Endpoint("10.1.100.10", port + id_), Endpoint("172.16.200.177", 102))
    virtual = (Endpoint("10.1.100.1", 102), Endpoint("172.16.200.4", port + id_))
    made: list[Leg | None] = [
        Leg(TcpRecord(mine, theirs, 1460, 7, 7, True, True, True, False, 1, 60_000).to_wire(), 1, 1)
        for mine, theirs in zip(virtual, peers, strict=True)
    ]
    if legs == 1:
        made[1] = None
    decoder = KeptDecoder(Stack().checkpoint())
    return Session(id_, "iccp", str(peers[0]), str(peers[1]), 0.0, made, decoder)


def follow(spares: Spares, *sessions: Session) -> None:
    """Two whole walks: one may be under way."""
    for _ in range(2 * len(sessions) + 2):
        spares.follow({each.id: each for each in sessions})


def open_files() -> int:
    gc.collect()
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


def test_one_for_each_leg_and_none_for_what_is_gone(spares: Spares, gate: SlotsOnly) -> None:
    before = open_files()
    follow(spares, session(1), session(2, legs=1))
    assert len(spares) == gate.taken == 3
    assert open_files() == before + 3
    follow(spares, session(2))
    assert len(spares) == gate.taken == 2
    follow(spares)
    assert len(spares) == gate.taken == 0
    assert open_files() == before


def test_a_slice_of_time_at_a_time(spares: Spares, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE_S", 0.0)
    sessions = {id_: session(id_) for id_ in (1, 2)}
    spares.follow(sessions)
    assert len(spares) == 2
    spares.follow(sessions)
    assert len(spares) == 4


def test_what_was_made_is_taken_once(spares: Spares) -> None:
    one = session(1)
    follow(spares, one)
    connection = one.leg(0).connection
    first = spares.take(1, 0, connection)
    second = spares.take(1, 0, connection)
    assert len(spares) == 1
    assert first.successor is not second.successor
    for each in (first, second):
        each.discard()


def test_another_connection_under_the_same_id_gets_its_own(spares: Spares) -> None:
    follow(spares, session(1))
    other = session(1, port=50_000)
    spare = spares.take(1, 0, other.leg(0).connection)
    sock, _ = spare.successor.go_on(1, 1, 0)
    assert sock.getpeername() == ("10.1.100.10", 50_001)
    spare.discard()
    follow(spares, other)
    assert len(spares) == 2


def test_a_full_gate_is_borne_until_the_takeover(spares: Spares, gate: SlotsOnly) -> None:
    sessions = [session(id_) for id_ in range(1, SLOTS)]
    follow(spares, *sessions)
    assert len(spares) == gate.taken == SLOTS
    before = open_files()
    with pytest.raises(KernelError, match="slots"):
        spares.take(SLOTS - 1, 1, sessions[-1].leg(1).connection)
    assert open_files() == before


def test_those_for_closed_sessions_leave_their_slots_to_new_ones(spares: Spares, gate: SlotsOnly) -> None:
    follow(spares, *(session(id_) for id_ in (1, 2, 3)))
    assert gate.taken == SLOTS
    new = session(4)
    spares.keep({1, 4})
    taken = [spares.take(4, number, new.leg(number).connection) for number in (0, 1)]
    assert gate.taken == 4
    for each in taken:
        each.discard()


def test_records_that_make_no_sense(spares: Spares) -> None:
    one = session(1)
    one.leg(0).connection = ["nowhere"]
    follow(spares, one)
    assert len(spares) == 1
    with pytest.raises(ValueError, match="not a record"):
        spares.take(1, 0, ["nowhere"])


def test_a_socket_that_cannot_be_made_costs_no_slot(
    spares: Spares, gate: SlotsOnly, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise KernelError("cannot restore", "be root")

    monkeypatch.setattr(module, "Successor", refuse)
    follow(spares, session(1))
    assert len(spares) == gate.taken == 0
