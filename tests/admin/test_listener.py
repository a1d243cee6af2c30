"""What callers over TCP can hold is bounded: connections, time, and the way the node ends with them."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from node.admin import listener, outside
from node.admin.listener import CONNECTIONS_MAX_BY_ADDRESS
from node.admin.outside import Outside
from node.config import Admin
from node.errors import StartupError
from node.tls import server_context
from tests.admin.stage import BEARER, Stage, admin, free_port, staged
from tests.requirements import needs_tool

ASK = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def dial(stage: Stage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", stage.port)


async def ended(reader: asyncio.StreamReader, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            return await reader.read(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


async def test_who_asks_for_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "FIRST_REQUEST_S", 0.3)
    async with staged(tmp_path) as stage:
        silent, half, asking = await dial(stage), await dial(stage), await dial(stage)
        half[1].write(ASK[:20])
        asking[1].write(ASK)
        assert b"200" in await asking[0].readline()
        assert await ended(silent[0], 5)
        assert await ended(half[0], 5)
        asking[1].write(ASK)
        async with asyncio.timeout(5):
            await asking[0].readuntil(b"200 OK")
        for _, writer in (silent, half, asking):
            writer.close()


async def test_no_address_takes_all_connections(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        held = [await dial(stage) for _ in range(CONNECTIONS_MAX_BY_ADDRESS)]
        one_more = await dial(stage)
        assert await ended(one_more[0], 5)
        assert stage.refusals["connections"] == 1
        held[0][1].close()
        await asyncio.sleep(0.1)
        again = await dial(stage)
        again[1].write(ASK)
        assert b"200" in await again[0].readline()
        for _, writer in (*held, one_more, again):
            writer.close()


async def test_who_is_too_many_waits_for_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 2)
    async with staged(tmp_path) as stage:
        first, second, third = await dial(stage), await dial(stage), await dial(stage)
        third[1].write(ASK)
        assert not await ended(third[0], 0.3), "neither answered nor refused"
        first[1].close()
        async with asyncio.timeout(5):
            assert b"200" in await third[0].readline()
        for _, writer in (first, second, third):
            writer.close()


async def test_an_answer_that_takes_too_long_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "REQUEST_S", 0.2)
    async with staged(tmp_path) as stage:
        with pytest.raises(Exception, match=r"disconnected|reset"):
            await stage.ask("GET", "/hang", BEARER)
        assert stage.refusals["slow"] == stage.hung > 0
        lasting = asyncio.create_task(stage.ask("GET", "/lasting", BEARER))
        await asyncio.sleep(0.5)
        assert not lasting.done()
        lasting.cancel()


async def test_a_caller_who_hangs_up_is_forgotten_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        lasting = asyncio.create_task(stage.ask("GET", "/lasting", BEARER))
        await asyncio.sleep(0.2)
        lasting.cancel()
        await asyncio.sleep(0.2)
        assert stage.hung == 1


async def test_the_node_does_not_wait_for_its_callers_when_it_ends(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with staged(tmp_path) as stage:
        lasting = asyncio.create_task(stage.ask("GET", "/lasting", BEARER))
        idle = await dial(stage)
        await asyncio.sleep(0.2)
        began_s = loop.time()
    assert loop.time() - began_s < 2.0
    assert (await asyncio.gather(lasting, return_exceptions=True)) != [None]
    assert await ended(idle[0], 5)


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        second = Outside(admin(tmp_path, stage.port), "a", [], stage.refused)
        with pytest.raises(StartupError, match=r"admin.listen: cannot use 127.0.0.1:.*in use"):
            await second.start()
        await second.stop()


def test_a_token_that_is_open_to_others(tmp_path: Path) -> None:
    config = admin(tmp_path, free_port())
    config.token_file.chmod(0o644)
    with pytest.raises(StartupError, match=r"admin.token_file: .* is open to others"):
        Outside(config, "a", [], print)


# --- TLS


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subject = ("-subj", "/CN=node-a", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", str(folder / "page.key"), "-out", str(folder / "page.crt"))
    made = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    subprocess.run([*made, "-days", "2", *subject, *files], check=True, capture_output=True)
    return folder


def tls(folder: Path) -> dict[str, str]:
    return {"certificate": str(folder / "page.crt"), "key": str(folder / "page.key")}


@needs_tool("openssl")
async def test_by_tls(tmp_path: Path, certified: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HANDSHAKE_S", 0.5)
    async with staged(tmp_path, tls=tls(certified)) as stage:
        body = {"json": {"token": BEARER["Authorization"].removeprefix("Bearer ")}}
        answer = await stage.ask("POST", "/login", {"X-Tandem": "page", "Origin": stage.origin}, **body)
        assert answer.status == 200
        assert "Secure" in answer.headers["Set-Cookie"]
        assert answer.headers["Set-Cookie"].startswith("__Host-tandem-a-")
        mute, plain = await dial(stage), await dial(stage)
        plain[1].write(ASK)
        assert await ended(mute[0], 5)
        assert await ended(plain[0], 5)
        assert stage.refusals["handshake"] == 2
        for _, writer in (mute, plain):
            writer.close()


@needs_tool("openssl")
def test_not_by_old_tls(tmp_path: Path, certified: Path) -> None:
    config = admin(tmp_path, free_port(), tls=tls(certified)).tls
    assert config is not None
    assert server_context(config).minimum_version == ssl.TLSVersion.TLSv1_2


@needs_tool("openssl")
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "page.key").chmod(0o644), r"admin.tls.key: .* is open to others"),
        (lambda folder: (folder / "page.key").unlink(), "admin.tls.key: .* cannot be read: No such file"),
        (lambda folder: (folder / "page.crt").write_text("x"), "admin.tls.certificate: .* do not serve"),
    ],
)
def test_files_that_do_not_serve(tmp_path: Path, certified: Path, spoil: object, message: str) -> None:
    folder = tmp_path / "tls"
    shutil.copytree(certified, folder)
    spoil(folder)  # type: ignore[operator]
    config: Admin = admin(tmp_path, free_port(), tls=tls(folder))
    with pytest.raises(StartupError, match=message):
        Outside(config, "a", [], print)
