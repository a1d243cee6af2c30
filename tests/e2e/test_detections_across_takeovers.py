"""What a detection has seen on one primary counts on the next: selects, half-filled windows, tags, quarantines.

For each kind of takeover, all talks are half said before it, and ended after it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.e2e.detections.form import KILL
from tests.e2e.detections.live import Stage, ended, perform, staged
from tests.e2e.detections.peers import knock
from tests.e2e.detections.policy import OPEN, SHUNNED, STRICT, WATCHED
from tests.e2e.detections.talks import Talk
from tests.e2e.detections.words import VALUE, WRITTEN, opened, opening, operate, read, report, reporting, select, write
from tests.e2e.lines import Line, cached, receive, row, take_over
from tests.inspector import vectors
from tests.requirements import needs_root

pytestmark = needs_root

SHARED_S = 1.5
"""What is known of peers beyond one session is told once a second at most; somewhat more than that."""
FORBIDDEN = vectors.data(vectors.osi(vectors.request(write("ICC1/SP_2", 1), 9)))
HALF = len(FORBIDDEN) // 2
"""What is known of peers beyond one session is told once a second at most; somewhat more than that."""


class Begun(NamedTuple):
    """A connection whose talk has begun."""

    line: Line
    talk: Talk

    def go_on(self) -> None:
        """Say what the talk has become longer by."""
        perform(self.line, self.talk.messages)
        self.talk.messages.clear()


class Crossing:
    """What was begun before a takeover."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.selected = self._begin(OPEN, select(opened(), "BRK5"))
        self.sweeping = self._begin(OPEN, select(opened(), "BRK1", "BRK2"))
        self.spied = self._begin(WATCHED, opened())
        for number in range(3):
            self.spied.talk.ask(read(f"ICC1/X_{number}"), VALUE)
        self.spied.go_on()
        self.reporting = self._begin(OPEN, reporting())
        self.asked = self._begin(OPEN, opened().request(read("ICC1/PT_1")))
        self.forbidden = self._begin(STRICT, opened())
        self.forbidden.line.client.sendall(FORBIDDEN[:HALF])
        self.knocking = stage.client()
        self.stranger = stage.client()
        for number in range(2):
            self.knock(number)
        self.holder = self._begin(OPEN, select(opened(), "BRK9"))

    def _begin(self, policy: int, talk: Talk) -> Begun:
        begun = Begun(self.stage.dial(policy, self.stage.client()), talk)
        begun.go_on()
        return begun

    def operate_from_elsewhere(self, device: str) -> Line:
        """A new client operates a device."""
        return self._begin(OPEN, operate(opened(), device)).line

    def knock(self, number: int) -> Line:
        """One more refused connect of the same client."""
        line = self.stage.dial(OPEN, self.knocking)
        perform(line, knock(number).messages)
        line.close()
        return line

    def shun(self) -> None:
        """A stranger comes, and is put in quarantine."""
        line = self.stage.dial(SHUNNED, self.stranger)
        line.client.sendall(vectors.cr(b"\x00\x09", b"\x00\x01"))
        assert ended(line.client)
        line.close()

    @property
    def open(self) -> list[Begun]:
        return [each for each in vars(self).values() if isinstance(each, Begun)]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged("edem-") as stage:
        yield stage


@pytest.fixture(scope="module", params=("worker", "planned"))
def crossing(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Crossing]:
    crossing = Crossing(stage)
    crossing.shun()
    _, passive = stage.lab.pair.wait_ready()
    for begun in crossing.open:
        cached(passive, begun.line, bytes_of(stage, begun.line))
    time.sleep(SHARED_S)
    take_over(stage.lab, request.param)
    yield crossing
    for begun in crossing.open:
        begun.line.close()


def bytes_of(stage: Stage, line: Line) -> list[int]:
    found = row(stage.lab.pair.active(), "/sessions", line)
    assert found is not None
    received: list[int] = found["bytes"]
    return received


def test_a_select_counts_after_it_and_once(crossing: Crossing) -> None:
    selected = crossing.selected
    operate(selected.talk, "BRK5")
    selected.go_on()
    assert crossing.stage.sids(selected.line) == set()
    operate(selected.talk, "BRK5")
    selected.go_on()
    assert crossing.stage.sids(selected.line) == {620301}


def test_a_half_filled_window_of_an_association_fills_up(crossing: Crossing) -> None:
    sweeping = crossing.sweeping
    select(sweeping.talk, "BRK3")
    sweeping.go_on()
    assert 620304 not in crossing.stage.sids(sweeping.line)
    select(sweeping.talk, "BRK4")
    sweeping.go_on()
    assert 620304 in crossing.stage.sids(sweeping.line)


def test_a_half_filled_window_of_a_peer_fills_up(crossing: Crossing) -> None:
    line = crossing.knock(2)
    crossing.stage.finding(line, 620501)


def test_a_select_is_held_against_other_peers(crossing: Crossing) -> None:
    line = crossing.operate_from_elsewhere("BRK9")
    crossing.stage.finding(line, 620303)
    line.close()


def test_tags_survive_and_count(crossing: Crossing) -> None:
    spied = crossing.spied
    session = row(crossing.stage.lab.pair.active(), "/sessions", spied.line)
    assert session is not None
    assert session["tags"] == ["reconnaissance"]
    spied.talk.ask(write("ICC1/SP_2", 1), WRITTEN)
    spied.go_on()
    assert 620203 in crossing.stage.sids(spied.line)


def test_transfer_sets_are_known(crossing: Crossing) -> None:
    reporting = crossing.reporting
    reporting.talk.report(report())
    reporting.go_on()
    assert crossing.stage.sids(reporting.line) == set()
    reporting.talk.report(report(by="TS_9"))
    reporting.go_on()
    assert crossing.stage.sids(reporting.line) == {620801}


def test_open_requests_and_services_are_known(crossing: Crossing) -> None:
    asked = crossing.asked
    asked.talk.response(VALUE)
    asked.go_on()
    assert crossing.stage.sids(asked.line) == set()
    asked.talk.response(VALUE).request(KILL)
    asked.go_on()
    assert crossing.stage.sids(asked.line) == {620702, 620601, 620602}


def test_a_request_of_which_half_had_come_is_denied(crossing: Crossing) -> None:
    line = crossing.forbidden.line
    line.client.sendall(FORBIDDEN[HALF:])
    assert receive(line.client, len(vectors.denied(9))) == vectors.denied(9)
    crossing.forbidden.talk.ask(read("ICC1/PT_1"), VALUE)
    crossing.forbidden.go_on()
    assert crossing.stage.sids(line) == {620201}


def test_a_quarantine_holds(crossing: Crossing) -> None:
    stage = crossing.stage
    assert stage.refuses(SHUNNED, crossing.stranger)
    assert stage.refuses(OPEN, crossing.stranger), "whatever the service"
    other = stage.dial(SHUNNED, stage.client())
    perform(other, opening().messages)
    other.close()
