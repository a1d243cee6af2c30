"""Relays made before a switchover: taken as they are if nothing has moved, made anew if anything has."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from inspector import Stack
from node import readiness, understudies
from node.decoder import KeptDecoder, LiveDecoder
from node.kernel.errors import KernelError
from node.spares import Spares
from node.understudies import Understudies
from protocol.session import Session
from tests.node.test_spares import BUFFER, CLOCK_MS, SlotsOnly, session
from tests.requirements import needs_root

pytestmark = needs_root


class Inspectors:
    """Go by the rules of the moment."""

    def __init__(self) -> None:
        self.rulebook = object()

    def resume(self, _service: object, _client: str, kept: KeptDecoder, held: tuple[bytes, bytes]) -> Stack:
        return kept.take_up(held, Stack()._limits)


class Bench:
    def __init__(self) -> None:
        self.gate = SlotsOnly()
        self.inspectors = Inspectors()
        around = SimpleNamespace(loop=None, arrivals=None, clock_s=lambda: 0.0)
        service: Any = SimpleNamespace(name="iccp", idle_timeout_s=60.0)
        config: Any = SimpleNamespace(services=[service])
        proxy: Any = SimpleNamespace(around=around, inspectors=self.inspectors)
        self.understudies = Understudies(config, proxy, Spares(self.gate, BUFFER))  # type: ignore[arg-type]

    def bring_up(self, one: Session) -> int:
        return self.understudies.bring_up(one, CLOCK_MS)

    def made(self, one: Session) -> Any:
        return self.understudies._made[one.id].relay


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.understudies.discard()
    assert made.gate.taken == 0


def test_nothing_is_done_to_the_session_before_the_takeover(bench: Bench) -> None:
    one = session(1)
    before = one.to_wire()
    assert bench.bring_up(one) == 2
    assert bench.bring_up(one) == 0
    assert one.to_wire() == before
    made = bench.made(one)
    relay = bench.understudies.take(one, CLOCK_MS)
    assert relay is made
    assert isinstance(one.decoder, LiveDecoder)
    assert one.decoder.stack is relay.stack
    assert one.resumed == 1
    assert one.leg(0).connection != before[6][0][0], "the timestamps go by this host's clock now"
    let_go(relay)


@pytest.mark.parametrize(
    "move",
    [
        lambda one: one.receive(0, b"abc", 3),
        lambda one: one.receive(0, b"", 0),
        lambda one: one.end(1),
        lambda one: one.leg(1).leap(7),
    ],
    ids=["bytes", "a decision on held ones", "an end", "an acknowledgement"],
)
def test_a_session_that_has_moved_gets_another_relay(bench: Bench, move: Any) -> None:
    one = session(1)
    bench.bring_up(one)
    made = bench.made(one)
    move(one)
    relay = bench.understudies.take(one, CLOCK_MS)
    assert relay is not made
    assert [end.written for end in relay.standing()] == [one.leg(0).acknowledged, one.leg(1).acknowledged]
    let_go(relay)


def test_a_session_dumped_anew_gets_another_relay(bench: Bench) -> None:
    one, same = session(1), session(1)
    bench.bring_up(one)
    relay = bench.understudies.take(same, CLOCK_MS)
    assert relay.session is same
    let_go(relay)


def test_other_rules_make_another_relay(bench: Bench) -> None:
    one = session(1)
    bench.bring_up(one)
    made = bench.made(one)
    bench.inspectors.rulebook = object()
    assert bench.bring_up(one) == 0, "the sockets stand"
    assert bench.made(one) is not made


def test_counts_that_went_on_are_taken_up(bench: Bench) -> None:
    one = session(1)
    bench.bring_up(one)
    one.leg(0).packets = (8, 9)
    relay = bench.understudies.take(one, CLOCK_MS)
    assert relay.standing()[0]._earlier_packets == (8, 9)
    let_go(relay)


def test_what_cannot_be_restored_is_an_error_only_at_the_takeover(bench: Bench) -> None:
    one = session(1)
    one.leg(1).connection = ["nowhere"]
    bench.bring_up(one)
    assert bench.gate.taken == 0
    with pytest.raises(ValueError, match="not a record"):
        bench.understudies.take(one, CLOCK_MS)
    assert bench.gate.taken == 0


def test_what_stands_for_nothing_does_not_do_so_for_long(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one = session(1)
    bench.bring_up(one)
    bench.understudies.follow({1: one})
    assert bench.bring_up(one) == 0
    monkeypatch.setattr(understudies, "STANDING_S", -1.0)
    bench.bring_up(one)
    bench.understudies.follow({1: one})
    assert bench.gate.taken == 2, "there are sockets"
    assert bench.bring_up(one) == 2, "and they stood nowhere"


def test_a_full_gate(bench: Bench) -> None:
    many = [session(id_) for id_ in range(1, 5)]
    for one in many:
        bench.bring_up(one)
    with pytest.raises(KernelError, match="slots"):
        bench.understudies.take(many[-1], CLOCK_MS)
    bench.understudies.keep({2, 3, 4})
    let_go(bench.understudies.take(many[-1], CLOCK_MS))


async def test_passes_go_on_until_little_moves(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "FEW", 1)
    one, passes = session(1), []

    class Moving(dict[int, Session]):
        def __iter__(self) -> Iterator[int]:
            passes.append(len(passes))
            if len(passes) == 2:
                self[1].receive(0, b"a", 1)
                self[1].receive(1, b"b", 1)
            return super().__iter__()

    await readiness.bring_up(bench.understudies, Moving({1: one}), lambda: CLOCK_MS)
    assert len(passes) == 3, "all; both again; none"


def let_go(relay: Any) -> None:
    for end in relay.standing():
        end.flow.release()
        end.sock.close()
