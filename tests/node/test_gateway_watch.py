"""A gateway is lost when it leaves enough questions in a row unanswered, and back with its first answer."""

from __future__ import annotations

from ipaddress import IPv4Address

from node.config import Gateway
from node.networks import GatewayWatch


class FakeProbe:
    """A gateway that answers while it is told to."""

    def __init__(self) -> None:
        self.answers = True
        self.asked: list[str] = []
        self._waiting = False

    def fileno(self) -> int:
        raise NotImplementedError

    def ask(self, own: str) -> None:
        self.asked.append(own)
        self._waiting = self._waiting or self.answers

    def answered(self) -> bool:
        waiting, self._waiting = self._waiting, False
        return waiting

    def close(self) -> None:
        raise NotImplementedError


class Setting:
    def __init__(self, lost_threshold: int = 3) -> None:
        self.probe, self.told = FakeProbe(), list[bool]()
        gateway = Gateway(interface="eth0", address=IPv4Address("10.1.100.254"), lost_threshold=lost_threshold)
        self.watch = GatewayWatch(gateway, self.probe, self.told.append)

    def intervals(self, count: int) -> None:
        for _ in range(count):
            self.watch.ask("10.1.100.2")


def test_a_gateway_that_answers_stays() -> None:
    here = Setting()
    here.intervals(100)
    assert (here.watch.ok, here.told) == (True, [])
    assert set(here.probe.asked) == {"10.1.100.2"}


def test_one_that_never_answered_is_lost_after_the_threshold() -> None:
    here = Setting()
    here.probe.answers = False
    here.intervals(3)
    assert here.told == []
    here.intervals(1)
    assert (here.watch.ok, here.told) == (False, [False])


def test_single_losses_do_not_add_up() -> None:
    here = Setting(lost_threshold=2)
    for _ in range(20):
        here.probe.answers = False
        here.intervals(1)
        here.probe.answers = True
        here.intervals(1)
    assert here.told == []


def test_a_gateway_that_is_back_is_told_at_once() -> None:
    here = Setting()
    here.probe.answers = False
    here.intervals(10)
    here.probe.answers = True
    here.intervals(1)
    here.watch.hear()
    assert (here.watch.ok, here.told) == (True, [False, True])
