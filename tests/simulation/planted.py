"""Bugs to plant in the product: each is a few swaps, and what the checkers must say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from inspector import Stack
from node import worker
from node.decoder import KeptDecoder
from node.duties import NodeDuties
from node.lease import Lease
from node.replicator import Replicator, Standing
from node.standby import Standby
from node.store import GrowingNumber
from node.takeover import Takeover
from protocol import role_moves, roles
from protocol.heartbeat import Role
from protocol.role_state import RoleState
from protocol.session import Leg, Session
from tests.simulation.faults import Fault
from tests.simulation.gate import GateProgram
from tests.simulation.plan import Plan

Swap = tuple[Any, str, Any]


class Planted(NamedTuple):
    """A bug, the complaint it must cause, and faults that bring it out within a few seeds."""

    swaps: Callable[[], list[Swap]]
    complaint: str
    faults: tuple[str, ...] = ()
    hurry: bool = False

    def plan(self, seed: int) -> Plan:
        """A run that may show it."""
        return Plan(
            seed,
            talks=3,
            length=400 if self.hurry else 40,
            hurry=self.hurry,
            faults=tuple(map(Fault.read, self.faults)),
        )


def _long_lease() -> list[Swap]:
    return [(worker, "Lease", lambda gate, duration_ns: Lease(gate, 4 * duration_ns))]


def _renews_what_is_over() -> list[Swap]:
    return [(Lease, "holds", lambda lease, _now_ns: lease.claimed)]


def _deaf_to_doubt() -> list[Swap]:
    row = tuple(role_moves.ignore if move is role_moves.tend else move for move in roles._HEARD[Role.ACTIVE])
    return [(roles, "_HEARD", {**roles._HEARD, Role.ACTIVE: row})]


def _early_ack() -> list[Swap]:
    publish = Replicator.publish

    def hasty(replicator: Any, relay: Any, message: Any, marks: Any) -> None:
        publish(replicator, relay, message, marks)
        for waiter, position in marks:
            waiter(position)

    return [(Replicator, "publish", hasty)]


def _stale_cache() -> list[Swap]:
    looks = Replicator.tick

    def tick(replicator: Any, *args: Any) -> None:
        looks(replicator, *args)
        if replicator.standing is Standing.WAITING:
            replicator._go_solo("planted")

    return [(Replicator, "tick", tick), (Standby, "primary_says", lambda _standby, **_: None)]


def _old_words_trusted() -> list[Swap]:
    return [(RoleState, "trust_cache", lambda state, _now, **_: setattr(state, "current_until", float("inf")))]


def _any_word_is_an_answer() -> list[Swap]:
    return [(NodeDuties, "peer_stale", property(lambda duties: duties._peer_said[0]))]


def _epoch_reused() -> list[Swap]:
    def forget(number: Any, value: int) -> None:
        number.value = max(number.value, value)

    return [(GrowingNumber, "grow", forget)]


def _address_before_state() -> list[Swap]:
    prepare = Takeover.prepare

    def hasty(takeover: Any, *args: Any) -> None:
        takeover._addresses.add()
        prepare(takeover, *args)

    return [(Takeover, "prepare", hasty)]


def _no_verdict() -> list[Swap]:
    feed = Stack.feed

    def wave_through(stack: Any, direction: Any, data: bytes, now_ms: int) -> Any:
        held = len(stack.held[direction])
        return feed(stack, direction, data, now_ms)._replace(forward=held + len(data))

    return [(Stack, "feed", wave_through)]


def _forgotten_delta() -> list[Swap]:
    return [(KeptDecoder, "apply", lambda _decoder, _delta: None)]


def _tail_forgotten() -> list[Swap]:
    receive = Session.receive

    def forgetful(session: Any, number: int, data: bytes, *args: Any) -> Any:
        result = receive(session, number, data, *args)
        session.legs[1 - number].tail[:] = bytes(len(session.legs[1 - number].tail))
        return result

    return [(Session, "receive", forgetful)]


def _sends_what_is_there() -> list[Swap]:
    def owe(leg: Leg, data: bytes) -> bytes:
        leg.tail += data
        return data

    return [(Leg, "owe", owe)]


def _no_ingress_cap() -> list[Swap]:
    return [(GateProgram, "arrive", lambda _gate, segment: segment)]


PLANTED = {
    "lease longer than the lost time": Planted(_long_lease, "I2", ("at 1.500 kill-node a 1.0",)),
    "a lease that is over is renewed": Planted(_renews_what_is_over, "I2", ("at 1.500 stall a 0.400",)),
    "the active node is deaf to doubt": Planted(_deaf_to_doubt, "I2", ("at 1.500 cut-all b in 0.500",)),
    "ack released early": Planted(_early_ack, "I1"),
    "stale cache used": Planted(_stale_cache, "I6", ("at 1.500 cut-all a in 1.000", "at 2.200 kill a")),
    "old words trusted": Planted(
        _old_words_trusted,
        "I6",
        ("at 1.500 freeze b 1.200", "at 1.600 cut-links b both 0.900", "at 2.300 kill-node a 1.0"),
    ),
    "a word from before the stream taken for an answer": Planted(
        _any_word_is_an_answer,
        "I6",
        ("at 1.707 slow-stream 0.010 1.000", "at 1.707 kill-node b 0.230", "at 2.200 power-cut a 0.222"),
    ),
    "epoch reused": Planted(_epoch_reused, "I5"),
    "address before state": Planted(_address_before_state, "I3", ("at 1.500 kill a",)),
    "forwarded without verdict": Planted(_no_verdict, "I4"),
    "decoder's delta forgotten": Planted(_forgotten_delta, "I4", ("at 1.500 kill a",)),
    "other bytes sent again": Planted(_tail_forgotten, "I4", ("at 1.500 kill a",)),
    "what a peer has already is sent again": Planted(
        _sends_what_is_there, "I4", ("at 1.300 slow-stream 0.100 1.0", "at 1.500 kill-node a 1.0"), hurry=True
    ),
    "acks from beyond are not lowered": Planted(
        _no_ingress_cap, "I1", ("at 1.300 slow-stream 0.250 1.0", "at 1.500 kill-node a 1.0")
    ),
}
