"""What the passive makes of the primary's word on their stream."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from node.standby import BETTER_AFTER_S, Standby
from protocol import messages
from tests.node.fakes import Clock, FakeChannel

LOST_S = 0.2
LINKS = {name: SimpleNamespace(name=name) for name in ("better", "lesser")}


class LateChannel(FakeChannel):
    """One whose end is told in a later turn of the loop, as TCP tells it."""

    def close(self, reason: str) -> None:
        self.closed = reason


class Setting:
    """A passive in sync, whose stream has stood for a while."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.standby = Standby(self._no_stream, 8, LOST_S, Counter(), self.clock)
        self.asked: list[str] = []
        self.channel: Any = self.join("lesser")
        synced = messages.pack([messages.SyncBegin(discard=True), messages.SyncEnd()])
        self.standby.frames(self.channel, [synced], 1)
        assert self.standby.usable

    def join(self, link: str) -> Any:
        """A stream over a link, which the standby has asked for, or now follows."""
        channel: Any = LateChannel(self.standby)
        channel.link = LINKS[link]
        self.standby.opened(channel)
        return channel

    async def follow(self, *live: str, seconds: float = 0.0) -> None:
        """Heartbeats with those links live, best first, for so long; whatever is asked for meanwhile fails."""
        until_s = self.clock.now_s + seconds
        while True:
            self.standby.follow([LINKS[name] for name in live])  # type: ignore[misc]
            await asyncio.sleep(0)
            if self.clock.now_s >= until_s:
                break
            self.clock.now_s += 0.05

    async def _no_stream(self, link: Any) -> Any:
        self.asked.append(link.name)
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


LIFE = 50


def test_a_question_is_answered_when_nothing_can_make_the_cache_current_any_more(setting: Setting) -> None:
    """Frames of a stream that the primary has ended may be on their way still, the end of a sync among them."""
    setting.standby.primary_says(stream=False, solo=True, asked=(LIFE, 1))
    assert setting.standby.answer_to(LIFE) == 0, "the stream has just been opened"
    setting.clock.now_s += 2 * LOST_S
    setting.standby.primary_says(stream=False, solo=True, asked=(LIFE, 1))
    assert (setting.channel.closed is not None, setting.standby.answer_to(LIFE)) == (True, 0)
    setting.standby.lost(setting.channel, "its end is told")
    setting.standby.primary_says(stream=False, solo=True, asked=(LIFE, 1))
    assert (setting.standby.answer_to(LIFE), setting.standby.stale) == (1, True)
    assert setting.standby.answer_to(LIFE + 1) == 0, "another life asks its own questions"


async def test_a_question_waits_for_the_end_of_an_attempt_to_open_a_stream(setting: Setting) -> None:
    setting.standby.lost(setting.channel, "cut")
    setting.clock.now_s += 2 * LOST_S
    setting.standby.follow([LINKS["lesser"]])  # type: ignore[list-item]
    setting.standby.primary_says(stream=False, solo=True, asked=(LIFE, 1))
    assert setting.standby.answer_to(LIFE) == 0, "the primary may have a stream already, and end it again"
    await asyncio.sleep(0.01)
    await setting.follow("lesser", seconds=1.0)
    assert setting.asked == ["lesser"], "none begins before the answer"
    setting.standby.primary_says(stream=False, solo=True, asked=(LIFE, 1))
    assert setting.standby.answer_to(LIFE) == 1
    await setting.follow("lesser")
    assert setting.asked == ["lesser"] * 2


async def test_a_stream_moves_to_a_better_link_when_that_has_been_back_for_a_while(setting: Setting) -> None:
    await setting.follow("lesser", seconds=2 * BETTER_AFTER_S)
    await setting.follow("better", "lesser", seconds=0.9 * BETTER_AFTER_S)
    assert (setting.asked, setting.channel.closed) == ([], None)
    await setting.follow("better", "lesser", seconds=0.2 * BETTER_AFTER_S)
    assert setting.asked == ["better"]
    assert setting.channel.closed is None, "it goes on until the new one stands"
    moved = setting.join("better")
    assert setting.channel.closed
    setting.standby.lost(setting.channel, "its end comes late")
    assert setting.standby.channel is moved
    await setting.follow("better", "lesser", seconds=2 * BETTER_AFTER_S)
    assert (setting.asked, moved.closed) == (["better"], None)


async def test_a_better_link_that_falters_or_carries_no_stream_is_not_asked_all_the_time(
    setting: Setting,
) -> None:
    for _ in range(4):
        await setting.follow("better", "lesser", seconds=0.6 * BETTER_AFTER_S)
        await setting.follow("lesser", seconds=0.1)
    assert setting.asked == []
    await setting.follow("better", "lesser", seconds=3.5 * BETTER_AFTER_S)
    assert setting.asked == ["better"] * 3


async def test_a_stream_stays_where_it_is_while_the_primary_hands_over(setting: Setting) -> None:
    await setting.follow("better", "lesser", seconds=0.9 * BETTER_AFTER_S)
    setting.standby.frames(setting.channel, [messages.pack([messages.Prepare()])], 2)
    await setting.follow("better", "lesser", seconds=0.9 * BETTER_AFTER_S)
    assert setting.asked == []


def test_what_the_stream_before_still_says_is_not_heard(setting: Setting) -> None:
    setting.join("better")
    setting.standby.frames(setting.channel, [messages.pack([messages.SyncBegin(discard=True)])], 2)
    assert setting.standby.usable
