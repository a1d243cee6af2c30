"""The page's stream: whole states, events once, a few readers, and none that stays for ever."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node import clock
from node.admin import stream as streams
from node.admin.stream import EVENTS_AT_ONCE_MAX, READERS_MAX, Stream
from node.events import Event, Kind, Severity
from node.events.kept import Kept


class Node:
    """Counts how often its state was asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.kept = Kept(1000)
        self._numbers = itertools.count(1)

    def status(self) -> dict[str, Any]:
        self.asked += 1
        return {"asked": self.asked}

    def tell(self, message: str) -> None:
        self.kept.take(
            Event(
                incident=next(self._numbers),
                time_ns=0,
                kind=Kind.NODE,
                severity=Severity.INFO,
                node="a",
                epoch=1,
                message=message,
            )
        )


@asynccontextmanager
async def served(node: Node) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    made = Stream(lambda: {"node": "a"}, node.status, node.kept, clock.boottime_s)
    app.router.add_get("/stream", made.handler)
    async with TestClient(TestServer(app)) as client:
        yield client


async def messages(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    while block := await response.content.readuntil(b"\n\n"):
        kind, data = block.decode().rstrip().split("\n")
        yield kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def some(response: aiohttp.ClientResponse, count: int) -> list[tuple[str, Any]]:
    found = []
    async for message in messages(response):
        found.append(message)
        if len(found) == count:
            break
    return found


async def test_it_begins_with_what_does_not_change_and_what_happened_before() -> None:
    node = Node()
    for number in range(EVENTS_AT_ONCE_MAX + 5):
        node.tell(str(number))
    async with served(node) as client, client.get("/stream") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        (hello, events, status) = await some(response, 3)
        assert hello == ("hello", {"node": "a"})
        assert [event["message"] for event in events[1]] == [str(n) for n in range(5, EVENTS_AT_ONCE_MAX + 5)]
        assert status == ("status", {"asked": 1})
        node.tell("one more")
        later = await some(response, 3)
        told = [event["message"] for kind, data in later if kind == "events" for event in data]
        assert told == ["one more"]


async def test_all_readers_are_told_the_same_state() -> None:
    node = Node()
    async with served(node) as client:
        readers = [await client.get("/stream") for _ in range(READERS_MAX)]
        for reader in readers:
            await some(reader, 4)
        assert node.asked < 3 * READERS_MAX
        one_more = await client.get("/stream")
        assert one_more.status == 503
        readers[0].close()
        async with asyncio.timeout(5):
            while (again := await client.get("/stream")).status == 503:
                await asyncio.sleep(0.02)
        assert (await some(again, 1))[0][0] == "hello"
        for reader in (*readers, again):
            reader.close()


async def test_it_ends_so_that_a_reader_proves_anew_who_he_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIFE_S", 0.3)
    async with served(Node()) as client, client.get("/stream") as response, asyncio.timeout(5):
        assert len(await some(response, 1000)) < 1000


async def test_a_reader_that_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WRITE_S", 0.3)
    monkeypatch.setattr(streams, "PERIOD_S", 0.0)
    node = Node()
    status = {"much": "x" * 1_000_000}
    node.status = lambda: status  # type: ignore[method-assign]
    async with served(node) as client, asyncio.timeout(20):
        lazy = [await client.get("/stream") for _ in range(READERS_MAX)]
        while (another := await client.get("/stream")).status == 503:
            await asyncio.sleep(0.05)
        assert another.status == 200
        for reader in (*lazy, another):
            reader.close()
