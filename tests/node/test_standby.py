"""What the passive makes of the primary's word on their stream."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from node.standby import Standby
from protocol import messages
from tests.node.fakes import Clock, FakeChannel

LOST_S = 0.2


class LateChannel(FakeChannel):
    """One whose end is told in a later turn of the loop, as TCP tells it."""

    def close(self, reason: str) -> None:
        self.closed = reason


class Setting:
    """A passive in sync, whose stream has stood for a while."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.standby = Standby(self._no_stream, 8, LOST_S, Counter(), self.clock)
        self.channel: Any = LateChannel(self.standby)
        self.standby.opened(self.channel)
        synced = messages.pack([messages.SyncBegin(discard=True), messages.SyncEnd()])
        self.standby.frames(self.channel, [synced], 1)
        assert self.standby.usable

    async def _no_stream(self, _link: object) -> Any:
        raise ConnectionRefusedError


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_a_primary_that_is_solo_makes_the_cache_stale_though_the_stream_seems_to_stand(setting: Setting) -> None:
    """All of this may lie unread, to be taken in at one stroke by a passive that was stopped."""
    setting.clock.now_s += 2 * LOST_S
    setting.standby.primary_says(stream=False, solo=True)
    assert setting.channel.closed
    assert (setting.standby.usable, setting.standby.stale, setting.standby.in_sync) == (False, True, False)


def test_a_word_from_before_the_stream_says_nothing_of_it(setting: Setting) -> None:
    setting.standby.primary_says(stream=False, solo=True)
    assert setting.channel.closed is None
    assert setting.standby.usable


def test_a_stream_that_the_primary_does_not_know_ends_and_the_cache_stays(setting: Setting) -> None:
    setting.clock.now_s += 2 * LOST_S
    setting.standby.primary_says(stream=False, solo=False)
    assert setting.channel.closed
    assert setting.standby.usable
