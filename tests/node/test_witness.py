"""The witness against Debian's etcd, and against what is no etcd at all."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from node.config import Witness
from node.errors import StartupError
from node.witness import Etcd, EtcdWitness, WitnessError, look
from protocol.events import AskWitness, WitnessAnswered, WitnessFailed
from tests.node import etcd as own
from tests.requirements import needs_tool

needs_etcd = needs_tool("etcd")
LEASE_MS = 20_000
"""Long, so that a machine busy with other things does not look like a witness that is gone."""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own.running(tmp_path_factory.mktemp("etcd")) as url:
        yield url


@asynccontextmanager
async def asking(group: str, *endpoints: str, **more: Any) -> AsyncIterator[Etcd]:
    etcd = Etcd(Witness(endpoints=endpoints, **{"lease_ms": LEASE_MS, **more}), group)
    yield etcd
    await etcd.close()


@needs_etcd
async def test_a_record_is_written_only_at_the_revision_that_was_seen(endpoint: str) -> None:
    async with asking("written", endpoint) as etcd:
        assert await etcd.ask(AskWitness(1, None, 0)) == WitnessAnswered(1, None, 0)
        first = await etcd.ask(AskWitness(2, b"one", 0))
        assert (first.number, first.record, first.revision > 0) == (2, b"one", True)
        assert await etcd.ask(AskWitness(3, b"two", 0)) == WitnessAnswered(3, b"one", first.revision)
        assert await etcd.ask(AskWitness(4, None, 0)) == WitnessAnswered(4, b"one", first.revision)
        second = await etcd.ask(AskWitness(5, b"\x00\xff", first.revision))
        assert second.revision > first.revision
        assert await etcd.ask(AskWitness(6, None, 0)) == WitnessAnswered(6, b"\x00\xff", second.revision)


@needs_etcd
def test_a_look_at_every_endpoint(endpoint: str) -> None:
    dead = f"http://127.0.0.1:{own.free_port()}"
    found = look(Witness(endpoints=(dead, endpoint), lease_ms=LEASE_MS), "looked")
    assert [(where, ok) for where, ok, _ in found] == [(dead, False), (endpoint, True)]
    assert found[1][2].endswith(f"ms, the lease is {LEASE_MS} ms")


@needs_etcd
async def test_groups_have_records_of_their_own(endpoint: str) -> None:
    async with asking("east", endpoint) as east, asking("west", endpoint) as west:
        await east.ask(AskWitness(1, b"east", 0))
        assert (await west.ask(AskWitness(1, None, 0))).record is None


@needs_etcd
async def test_an_endpoint_that_fails_is_left_for_the_next(endpoint: str) -> None:
    dead = f"http://127.0.0.1:{own.free_port()}"
    async with asking("next", dead, endpoint) as etcd:
        await etcd.ask(AskWitness(1, None, 0))
        assert etcd.endpoint == endpoint


async def test_one_that_does_not_answer_costs_its_time_and_no_more() -> None:
    async def swallow(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    told: asyncio.Queue[WitnessAnswered | WitnessFailed] = asyncio.Queue()
    counters: Counter[str] = Counter()
    settings = Witness(endpoints=(url,), lease_ms=400)
    witness = EtcdWitness("g", settings, told.put_nowait, counters)
    witness.ask(AskWitness(7, None, 0))
    answer = await asyncio.wait_for(told.get(), 10.0)
    assert answer == WitnessFailed(7, f"{url}: no answer within 100 ms")
    assert counters["witness_failures"] == 1
    await witness.close()
    server.close()


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, "[]", "status 200, not an object"),
        (200, "<html>", "not etcd's answer"),
        (200, '{"kvs": [{"value": "!"}]}', "not etcd's answer"),
        (200, '{"kvs": [{"value": "AAAA"}]}', "not etcd's answer"),
        (503, '{"error": "etcdserver: no leader"}', "refused (503): etcdserver: no leader"),
    ],
)
async def test_what_is_not_an_answer_is_none(status: int, body: str, why: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_post("/v3/kv/range", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = own.free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with asking("odd", f"http://127.0.0.1:{port}") as etcd:
        with pytest.raises(WitnessError) as failure:
            await etcd.ask(AskWitness(1, None, 0))
    assert why in str(failure.value)
    await runner.cleanup()


@needs_etcd
async def test_by_tls_and_with_a_password(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("sesame\n")
    wrong.write_text("simsim\n")
    with own.running(tmp_path, tls=True) as url:
        _lock(url, tmp_path / "cert.pem")
        by = {"ca_file": tmp_path / "cert.pem", "user": "tandem"}
        async with asking("g", url, **by, password_file=right) as etcd:
            await etcd.ask(AskWitness(1, b"mine", 0))
            etcd._token = "stale.1"
            with pytest.raises(WitnessError, match="invalid auth token"):
                await etcd.ask(AskWitness(2, None, 0))
            assert (await etcd.ask(AskWitness(3, None, 0))).record == b"mine"
        async with asking("g", url, **by, password_file=wrong) as etcd:
            with pytest.raises(WitnessError, match="authentication failed"):
                await etcd.ask(AskWitness(1, None, 0))
        async with asking("g", url, ca_file=tmp_path / "cert.pem") as etcd:
            with pytest.raises(WitnessError, match="user name is empty"):
                await etcd.ask(AskWitness(1, None, 0))
        async with asking("g", url) as etcd:
            with pytest.raises(WitnessError, match="certificate"):
                await etcd.ask(AskWitness(1, None, 0))


def _lock(url: str, certificate: Path) -> None:
    """Have etcd ask for a password: root's, and that of tandem, who may touch its own keys only."""
    for method, body in (
        ("user/add", '{"name": "root", "password": "root"}'),
        ("user/grant", '{"user": "root", "role": "root"}'),
        ("role/add", '{"name": "tandem"}'),
        ("role/grant", _grant("/iccp-tandem/", "/iccp-tandem0")),
        ("user/add", '{"name": "tandem", "password": "sesame"}'),
        ("user/grant", '{"user": "tandem", "role": "tandem"}'),
        ("enable", "{}"),
    ):
        context = ssl.create_default_context(cafile=str(certificate))
        urllib.request.urlopen(f"{url}/v3/auth/{method}", body.encode(), timeout=10.0, context=context).close()


def _grant(first: str, beyond: str) -> str:
    key, end = (base64.b64encode(each.encode()).decode() for each in (first, beyond))
    return json.dumps({"name": "tandem", "perm": {"permType": "READWRITE", "key": key, "range_end": end}})


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    with pytest.raises(StartupError, match=f"witness: {nothing}"):
        Etcd(Witness(endpoints=("https://e:2379",), ca_file=nothing), "g")
    with pytest.raises(StartupError, match=f"witness.password_file: {nothing} cannot be read"):
        Etcd(Witness(endpoints=("https://e:2379",), user="u", password_file=nothing), "g")
