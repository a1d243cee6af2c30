"""Who is let in over TCP: every rule fires, and its near miss does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from node.admin import door, logins
from node.admin.door import BURST, PAGE_HEADER, WRONG_TOKENS_AT_ONCE_MAX
from tests.admin.stage import BEARER, SECRET_VIEW, TOKEN, Answer, Stage, staged

BY_PAGE = {PAGE_HEADER: "page"}


@pytest_asyncio.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(door, "WRONG_TOKEN_S", 0.05)
    async with staged(tmp_path, names=("node-a.example",)) as stage:
        yield stage


async def log_in(stage: Stage) -> str:
    """The Cookie header of a page that showed the token."""
    answer = await stage.ask("POST", "/login", {**BY_PAGE, "Origin": stage.origin}, json={"token": TOKEN})
    assert answer.status == 200, answer.text
    (morsel,) = answer.cookies.values()
    return f"{morsel.key}={morsel.value}"


# --- without a token


@pytest.mark.parametrize("path", ["/", "/health"])
async def test_open_to_everybody(stage: Stage, path: str) -> None:
    answer = await stage.ask("GET", path)
    assert answer.status == 200
    assert "active" not in answer.text


@pytest.mark.parametrize("headers", [{}, {"Cookie": "tandem-a=1.2.3"}, {"Authorization": "Basic eDp5"}])
@pytest.mark.parametrize(("method", "path"), [("GET", "/status"), ("POST", "/switchover"), ("POST", "/logout")])
async def test_nothing_else_is(stage: Stage, method: str, path: str, headers: dict[str, str]) -> None:
    answer = await stage.ask(method, path, {**headers, **BY_PAGE, "Origin": stage.origin})
    assert answer.status == 401
    assert "active" not in answer.text
    assert not stage.orders


@pytest.mark.parametrize("path", ["/nothing", "/../node.yaml", "/page/index.html", "/%2e%2e/%2e%2e/etc/passwd"])
async def test_there_is_nothing_beside_the_routes(stage: Stage, path: str) -> None:
    assert (await stage.ask("GET", path, BEARER)).status == 404


async def test_an_order_is_not_given_by_looking(stage: Stage) -> None:
    assert (await stage.ask("GET", "/switchover", BEARER)).status == 404
    assert not stage.orders


# --- with the token


async def test_with_it_the_node_is_seen_and_ordered_about(stage: Stage) -> None:
    answer = await stage.ask("GET", "/status", BEARER)
    assert (answer.status, answer.text) == (200, '{"role": "active"}')
    assert (await stage.ask("POST", "/switchover", BEARER)).status == 200
    assert stage.orders == 1
    assert SECRET_VIEW


@pytest.mark.parametrize("wrong", [TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "", "\udcff", "é"])
async def test_a_wrong_one_is_slowed_and_counted(
    stage: Stage, wrong: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "WRONG_TOKEN_S", 0.2)
    began_s = asyncio.get_running_loop().time()
    answer = await stage.ask("POST", "/login", {**BY_PAGE, "Origin": stage.origin}, json={"token": wrong})
    assert answer.status == 401
    assert asyncio.get_running_loop().time() - began_s >= 0.2
    assert stage.refusals["wrong_token"] == 1
    assert not wrong or wrong not in answer.text + caplog.text


async def test_many_wrong_ones_at_once_do_not_pile_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "WRONG_TOKEN_S", 0.5)
    guesses = [stage.ask("GET", "/status", {"Authorization": f"Bearer {guess}"}) for guess in range(20)]
    statuses = [answer.status for answer in await asyncio.gather(*guesses)]
    assert statuses.count(401) >= WRONG_TOKENS_AT_ONCE_MAX
    assert statuses.count(429) == 20 - statuses.count(401) > 0
    assert (await stage.ask("GET", "/status", BEARER)).status == 200, "who has the right one is not kept out"


# --- the page's cookie


async def test_the_cookie_is_the_pages_alone(stage: Stage) -> None:
    answer = await stage.ask("POST", "/login", {**BY_PAGE, "Origin": stage.origin}, json={"token": TOKEN})
    told = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {each.strip() for each in told.split(";")}
    assert TOKEN not in told
    assert "Domain" not in told


async def test_with_the_cookie(stage: Stage) -> None:
    cookie = {"Cookie": await log_in(stage)}
    assert (await stage.ask("GET", "/status", cookie)).status == 200
    answer = await stage.ask("POST", "/switchover", {**cookie, **BY_PAGE, "Origin": stage.origin})
    assert answer.status == 200
    assert stage.orders == 1


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param({PAGE_HEADER: "page"}, id="origin-not-told"),
        pytest.param({"Origin": "own"}, id="header-missing"),
        pytest.param({}, id="both"),
    ],
)
async def test_an_order_by_cookie_must_be_meant(stage: Stage, missing: dict[str, str]) -> None:
    headers = {name: stage.origin if value == "own" else value for name, value in missing.items()}
    answer = await stage.ask("POST", "/switchover", {**headers, "Cookie": await log_in(stage)})
    assert answer.status == 403
    assert not stage.orders


@pytest.mark.parametrize("change", ["age", "future", "forged", "cut", "other-node"])
async def test_a_cookie_that_does_not_hold(stage: Stage, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, value = (await log_in(stage)).partition("=")
    made, nonce, signature = value.split(".")
    if change == "age":
        monkeypatch.setattr(logins, "LIFE_S", 0)
    changed = {
        "age": value,
        "future": f"{int(made) + 3600}.{nonce}.{signature}",
        "forged": f"{made}.{nonce}.{signature[::-1]}",
        "cut": f"{made}.{nonce}.",
        "other-node": value,
    }[change]
    name = name.replace("-a-", "-b-") if change == "other-node" else name
    assert (await stage.ask("GET", "/status", {"Cookie": f"{name}={changed}"})).status == 401


async def test_a_page_in_use_has_its_cookie_renewed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = {"Cookie": await log_in(stage)}
    assert "Set-Cookie" not in (await stage.ask("GET", "/status", cookie)).headers
    monkeypatch.setattr(door, "RENEWED_AFTER_S", -1)
    assert "Set-Cookie" in (await stage.ask("GET", "/status", cookie)).headers


async def test_logging_out_takes_the_cookie_away(stage: Stage) -> None:
    headers = {"Cookie": await log_in(stage), **BY_PAGE, "Origin": stage.origin}
    answer = await stage.ask("POST", "/logout", headers)
    assert answer.status == 200
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"token": 7}', "\x00", '"token"'])
async def test_a_login_that_is_none(stage: Stage, body: str) -> None:
    answer = await stage.ask("POST", "/login", {**BY_PAGE, "Origin": stage.origin}, data=body)
    assert answer.status in (400, 401)
    assert "Set-Cookie" not in answer.headers


async def test_nobody_is_logged_in_by_a_foreign_form(stage: Stage) -> None:
    answer = await stage.ask("POST", "/login", {"Origin": stage.origin}, json={"token": TOKEN})
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


# --- other origins, other names

FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://127.0.0.1:{port}"},
    {"Origin": "http://127.0.0.1:{other}"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("asked", ["GET /status", "POST /switchover", "GET /", "POST /login"])
async def test_pages_of_other_origins_reach_nothing(stage: Stage, headers: dict[str, str], asked: str) -> None:
    method, path = asked.split()
    told = {name: value.format(port=stage.port, other=stage.port + 1) for name, value in headers.items()}
    body = {"json": {"token": TOKEN}} if method == "POST" else {}
    answer = await stage.ask(method, path, {**BEARER, **BY_PAGE, **told, "Cookie": await log_in(stage)}, **body)
    assert answer.status == 403
    assert not stage.orders
    assert stage.refusals["origin"] == 1
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("headers", [{"Origin": "own"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
async def test_our_own_page_does(stage: Stage, headers: dict[str, str]) -> None:
    told = {name: stage.origin if value == "own" else value for name, value in headers.items()}
    assert (await stage.ask("GET", "/status", {**told, "Cookie": await log_in(stage)})).status == 200


async def test_a_link_from_elsewhere_opens_the_page_and_no_more(stage: Stage) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert (await stage.ask("GET", "/", followed)).status == 200
    assert (await stage.ask("GET", "/status", {**followed, "Cookie": await log_in(stage)})).status == 403


async def test_preflight_is_not_answered_as_it_would_have_to_be(stage: Stage) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = await stage.ask("OPTIONS", "/switchover", asked)
    assert answer.status == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.2:{port}", "", "127.0.0.1.evil.example"]
)
async def test_a_name_that_is_not_ours(stage: Stage, host: str) -> None:
    for path in ("/", "/status"):
        answer = await stage.ask("GET", path, {**BEARER, "Host": host.format(port=stage.port)})
        assert answer.status == 421
    assert stage.refusals["host"] == 2


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:{port}", "localhost:8443", "node-a.example", "Node-A.example:1"]
)
async def test_names_that_are(stage: Stage, host: str) -> None:
    assert (await stage.ask("GET", "/status", {**BEARER, "Host": host.format(port=stage.port)})).status == 200


# --- how much


async def test_too_often(stage: Stage) -> None:
    answers: list[Answer] = await asyncio.gather(*(stage.ask("GET", "/health") for _ in range(BURST + 40)))
    statuses = [answer.status for answer in answers]
    assert statuses.count(200) >= BURST
    assert 429 in statuses
    assert stage.refusals["rate"] == statuses.count(429)
    await asyncio.sleep(0.2)
    assert (await stage.ask("GET", "/health")).status == 200


async def test_a_body_that_is_too_large(stage: Stage) -> None:
    answer = await stage.ask("POST", "/login", {**BY_PAGE, "Origin": stage.origin}, data=b"x" * 5000)
    assert answer.status == 413


async def test_every_answer_is_closed_to_other_pages(stage: Stage) -> None:
    for path, headers in (("/", {}), ("/status", BEARER), ("/status", {}), ("/nothing", {}), ("/", {"Host": "x"})):
        answer = await stage.ask("GET", path, headers)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Server" not in answer.headers
        assert answer.headers["Cache-Control"] in ("no-store", "no-cache")
