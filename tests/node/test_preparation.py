"""A node that is asked to prepare for a switchover, and asked again before it is done."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from node import readiness
from node.duties import NodeDuties


async def test_asked_again_it_begins_anew_and_answers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may go on that a takeover would not know of: it would restore connections that live."""
    monkeypatch.setattr(readiness, "SLICE_S", -1.0)
    under_way, answers = [], []

    def bring_up(session: int, _clock_ms: int) -> int:
        under_way.append(asyncio.current_task())
        return session

    standby = SimpleNamespace(cache=SimpleNamespace(sessions={1: 1, 2: 2}), prepared=lambda: answers.append(True))
    parts: Any = SimpleNamespace(understudies=SimpleNamespace(bring_up=bring_up), standby=standby)
    duties = NodeDuties(parts, lambda _code: None, lambda: None)
    duties.prepare()
    await asyncio.sleep(0)
    assert len(under_way) == 1
    duties.prepare()
    while not answers:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    first, *others = under_way
    assert answers == [True]
    assert first not in others
    assert len(others) == 2, "all of them, once more"
