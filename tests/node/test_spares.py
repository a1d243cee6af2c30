"""What is made in advance for the sessions in the cache: never more than fits them, never for those that are gone."""

import gc
import os
from pathlib import Path
from typing import Any

import pytest

from inspector import Stack
from node import spares as module
from node.decoder import KeptDecoder
from node.kernel import tcp
from node.kernel.errors import KernelError
from node.kernel.layout import Endpoint
from node.kernel.record import TcpRecord
from node.spares import Spares, Standing
from protocol.session import Leg, Session
from tests.requirements import needs_root

BUFFER = 65536
CLOCK_MS = 1_000_000
SLOTS = 6

pytestmark = needs_root


class Slot:
    def __init__(self, gate: "SlotsOnly") -> None:
        self._gate = gate
        self.begun: list[tuple[int, int]] = []

    def begin(self, commit: int, snd_end: int) -> None:
        self.begun.append((commit, snd_end))

    def release(self) -> None:
        self._gate.taken -= 1


class SlotsOnly:
    """A gate's slots, counted."""

    def __init__(self) -> None:
        self.taken = 0
        self.given: list[Slot] = []

    def reserve(self, _key: bytes) -> Slot:
        if self.taken == SLOTS:
            raise KernelError("all slots are taken", "raise limits.sessions")
        self.taken += 1
        self.given.append(Slot(self))
        return self.given[-1]


@pytest.fixture
def gate() -> SlotsOnly:
    return SlotsOnly()


@pytest.fixture
def spares(gate: SlotsOnly) -> Any:
    one = Spares(gate, BUFFER)  # type: ignore[arg-type]
    yield one
    one.keep(())
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


def stand(spares: Spares, one: Session) -> list[Standing]:
    return spares.stand(one, CLOCK_MS)


def test_what_stands_is_given_away_once(spares: Spares) -> None:
    one = session(1)
    follow(spares, one)
    standings = stand(spares, one)
    assert standings[0].sock.getpeername() == ("10.1.100.10", 40_001)
    assert stand(spares, one) == standings, "nothing has moved"
    spares.give_away(1)
    assert len(spares) == 0
    with pytest.raises(KernelError, match="cannot restore"):
        stand(spares, one)
    for each in standings:
        tcp.close_silently(each.sock)
        each.flow.release()
    spares.drop(1)


def test_another_connection_under_the_same_id_gets_its_own(spares: Spares) -> None:
    follow(spares, session(1))
    other = session(1, port=50_000)
    assert stand(spares, other)[0].sock.getpeername() == ("10.1.100.10", 50_001)
    assert len(spares) == 2


def test_a_full_gate_is_borne_until_the_takeover(spares: Spares, gate: SlotsOnly) -> None:
    sessions = [session(id_) for id_ in range(1, SLOTS)]
    follow(spares, *sessions)
    assert len(spares) == gate.taken == SLOTS
    before = open_files()
    with pytest.raises(KernelError, match="slots"):
        stand(spares, sessions[-1])
    assert open_files() == before


def test_those_for_closed_sessions_leave_their_slots_to_new_ones(spares: Spares, gate: SlotsOnly) -> None:
    follow(spares, *(session(id_) for id_ in (1, 2, 3)))
    assert gate.taken == SLOTS
    spares.keep({1, 4})
    stand(spares, session(4))
    assert gate.taken == 4


def test_records_that_make_no_sense(spares: Spares) -> None:
    one = session(1)
    one.leg(0).connection = ["nowhere"]
    follow(spares, one)
    assert len(spares) == 1
    with pytest.raises(ValueError, match="not a record"):
        stand(spares, one)


def test_a_socket_follows_its_connection(spares: Spares, gate: SlotsOnly) -> None:
    one, before = session(1), open_files()
    first = stand(spares, one)
    assert spares.moved(one) == 0
    one.leg(0).received += 100
    assert spares.moved(one) == 1
    one.leg(1).leap(50)
    second = stand(spares, one)
    assert [each.sock for each in second] == [each.sock for each in first]
    assert [(each.sequences, each.unread) for each in second] == [((1, 101), 100), ((51, 1), 0)]
    assert [flow.begun for flow in gate.given] == [[(1, 1), (101, 1)], [(1, 1), (1, 51)]]
    assert (gate.taken, open_files()) == (2, before + 2)


@pytest.mark.parametrize("octets", [-1, module.STEP_OCTETS_MAX + 1, 16 * BUFFER])
def test_one_that_cannot_follow_is_made_anew(
    spares: Spares, gate: SlotsOnly, monkeypatch: pytest.MonkeyPatch, octets: int
) -> None:
    one = session(1)
    first = stand(spares, one)
    if octets > BUFFER:
        monkeypatch.setattr(module, "STEP_OCTETS_MAX", octets)
    one.leg(0).leap(max(octets, 0))
    one.leg(0).received = min(octets, 0)
    second = stand(spares, one)
    assert (second[0].sock is first[0].sock, second[1].sock is first[1].sock) == (False, True)
    assert (second[0].unread, gate.taken) == (0, 2)


def test_a_socket_that_cannot_be_made_costs_no_slot(
    spares: Spares, gate: SlotsOnly, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise KernelError("cannot restore", "be root")

    monkeypatch.setattr(module, "Successor", refuse)
    follow(spares, session(1))
    assert len(spares) == gate.taken == 0
