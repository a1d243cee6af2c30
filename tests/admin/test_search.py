"""The page's list: what is found, what is shown of it, and that it leaves the loop its turns."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from inspector import Stack
from node.admin.search import ROWS_MAX, Search
from node.decoder import KeptDecoder
from protocol.session import Leg, Session

SESSIONS = 1000


def session(number: int) -> Session:
    legs: list[Leg | None] = [Leg([], 1, 1, received=number), None if number % 10 == 3 else Leg([], 1, 1)]
    client = f"10.1.{100 + number // 250}.{number % 250}:{40_000 + number}"
    return Session(number, "iccp", client, "172.16.200.177:102", 1.0, legs, KeptDecoder(Stack().checkpoint()))


@pytest.fixture(scope="module")
def cached() -> list[Session]:
    return [session(number) for number in range(SESSIONS)]


async def ask(cached: list[Session], query: str) -> tuple[int, Any]:
    sources: Any = SimpleNamespace(relays=lambda: (), cached=lambda: cached)
    app = web.Application()
    app.router.add_get("/search", Search(sources).handler)
    async with TestClient(TestServer(app)) as client, client.get(f"/search{query}") as response:
        return response.status, await response.json()


async def test_what_is_in_view(cached: list[Session]) -> None:
    _, answer = await ask(cached, "?offset=100&limit=3")
    assert (answer["total"], answer["found"], answer["offset"]) == (SESSIONS, SESSIONS, 100)
    assert [(row["id"], row["state"], row["bytes"]) for row in answer["rows"]] == [
        (100, "cached", [100, 0]),
        (101, "cached", [101, 0]),
        (102, "cached", [102, 0]),
    ]
    assert (await ask(cached, "?offset=103&limit=1"))[1]["rows"][0]["state"] == "incomplete"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("10.1.101.7:40257", 1),
        ("10.1.101.7", 11),  # .7, and .70 to .79
        ("10.1.101.7:  ICCP", 1),
        (f"{321:010x}", 1),
        ("10.1.101.7: modbus", 0),
        ("", SESSIONS),
    ],
)
async def test_every_word_must_be_there(cached: list[Session], words: str, found: int) -> None:
    _, answer = await ask(cached, f"?search={words}")
    assert answer["found"] == found
    assert len(answer["rows"]) == min(found, ROWS_MAX)


async def test_no_more_rows_than_there_may_be(cached: list[Session]) -> None:
    assert len((await ask(cached, f"?limit={SESSIONS}"))[1]["rows"]) == ROWS_MAX


async def test_not_numbers(cached: list[Session]) -> None:
    assert (await ask(cached, "?offset=-1"))[0] == 400


async def test_the_loop_turns_meanwhile(cached: list[Session]) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await ask(cached, "?search=iccp&limit=200")
    counting.cancel()
    assert turns > SESSIONS // 256 + ROWS_MAX // 8
