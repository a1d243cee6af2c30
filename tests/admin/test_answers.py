"""Long lists leave in slices, whole, and cut as asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.admin.answers import SLICE_ROWS, lists


class Rows:
    """A list of numbers that notes how many rows were made at a time."""

    def __init__(self, count: int) -> None:
        self.items = list(range(count))
        self.slices: list[int] = []

    def make(self, items: Iterable[int]) -> list[dict[str, int]]:
        chosen = list(items)
        self.slices.append(len(chosen))
        return [{"nr": item} for item in chosen]


async def ask(rows: Rows, query: str = "") -> tuple[int, object]:
    app = web.Application()
    app.router.add_get("/rows", lists(lambda: rows.items, rows.make))
    async with TestClient(TestServer(app)) as client, client.get(f"/rows{query}") as response:
        return response.status, await response.json()


@pytest.mark.parametrize("count", [0, 1, SLICE_ROWS, SLICE_ROWS + 1, 500])
async def test_whole(count: int) -> None:
    rows = Rows(count)
    assert await ask(rows) == (200, [{"nr": nr} for nr in range(count)])
    assert all(made <= SLICE_ROWS for made in rows.slices)


async def test_the_loop_turns_between_slices() -> None:
    rows = Rows(4 * SLICE_ROWS)
    turns: list[int] = []

    async def look() -> None:
        while len(rows.slices) < 4:
            turns.append(len(rows.slices))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    await ask(rows)
    await looking
    assert {1, 2, 3} <= set(turns)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?limit=3", [0, 1, 2]),
        ("?offset=98", [98, 99]),
        ("?offset=10&limit=2", [10, 11]),
        ("?limit=0", []),
        ("?offset=1000&limit=5", []),
    ],
)
async def test_cut(query: str, expected: list[int]) -> None:
    assert await ask(Rows(100), query) == (200, [{"nr": nr} for nr in expected])


@pytest.mark.parametrize("query", ["?limit=-1", "?offset=x", "?limit=1e3", "?limit=12345678901", "?offset=²"])
async def test_not_numbers(query: str) -> None:
    status, answer = await ask(Rows(3), query)
    assert status == 400
    assert isinstance(answer, dict)
    assert "must be a whole number" in answer["error"]
