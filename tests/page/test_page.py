"""The page in Chromium, with made-up states behind it: what it shows, how it is used, and what it never does."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from node.events import Kind, Severity
from tests.admin.stage import TOKEN
from tests.page.board import ACTIVE, PASSIVE, SOLO, Board, board
from tests.page.browser import CHROMIUM, DRIVER, WALL, Page, browser

pytestmark = pytest.mark.skipif(
    not (Path(CHROMIUM).exists() and Path(DRIVER).exists()), reason="needs chromium and chromium-driver"
)
SESSIONS = 500
FEW = 40


@pytest.fixture(scope="module")
def open_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Board, Page]]:
    """One browser for all: it is the dear part."""
    folder = tmp_path_factory.mktemp("page")
    with board(folder, SESSIONS) as node, browser(node.url, folder / "profile") as page:
        page.open(TOKEN)
        yield node, page


@pytest.fixture
def node(open_page: tuple[Board, Page]) -> Board:
    made, _ = open_page
    made.status = copy.deepcopy(PASSIVE)
    made.orders, made.refuse = 0, None
    return made


@pytest.fixture
def page(open_page: tuple[Board, Page], node: Board) -> Iterator[Page]:
    _, page = open_page
    shows(page, "#verdict-words", "Standing by, ready to take over")
    yield page
    assert page.complaints() == []


def shows(page: Page, selector: str, text: str) -> None:
    condition = f"return document.querySelector({selector!r})?.textContent.includes({text!r})"
    try:
        page.wait(text, condition)
    except TimeoutException:
        raise AssertionError(f"{selector} says {page.text(selector)!r} and not {text!r}") from None


def changed(base: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(base), **fields}


def peer(base: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"peer": {**base["peer"], **fields}}


# --- what it says


@pytest.mark.parametrize(
    ("status", "level", "words"),
    [
        (PASSIVE, "good", "Standing by, ready to take over"),
        (ACTIVE, "good", "In service, protected"),
        (SOLO, "warn", "In service, not protected"),
        (changed(ACTIVE, degraded=True, problems=["link data is down"]), "warn", "In service, weakened"),
        (changed(PASSIVE, sync="syncing", degraded=True, problems=["x"]), "warn", "Standing by, not ready"),
        (changed(PASSIVE, degraded=True, problems=["link data is down"]), "warn", "Standing by, weakened"),
        (changed(ACTIVE, **peer(ACTIVE, role="active")), "alarm", "Both nodes are active"),
        (changed(PASSIVE, **peer(PASSIVE, age_ms=900.0)), "alarm", "No active node is heard"),
        (changed(PASSIVE, peer=None), "alarm", "No active node is heard"),
        (changed(PASSIVE, role="starting", peer=None), "warn", "Node b is starting"),
        (changed(PASSIVE, role="fault", problems=["no carrier"]), "alarm", "Node b has a fault"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_verdict(node: Board, page: Page, status: dict[str, Any], level: str, words: str) -> None:
    node.status = copy.deepcopy(status)
    shows(page, "#verdict-words", words)
    assert page.script("return document.body.dataset.level") == level
    assert page.script("return document.title.startsWith('!')") is (level != "good")


def test_both_nodes_stand_where_they_always_stand(node: Board, page: Page) -> None:
    assert page.text("#left h2").startswith("Node a")
    assert page.text("#right h2").startswith("Node b")
    assert (page.text("#left .role"), page.text("#right .role")) == ("active", "passive")
    node.status = copy.deepcopy(ACTIVE)
    shows(page, "#right .role", "active")
    assert page.text("#left .role") == "passive"


def test_a_node_that_is_not_heard_was_something(node: Board, page: Page) -> None:
    node.status = copy.deepcopy(SOLO)
    shows(page, "#left .role", "was passive")
    shows(page, ".link .state", "DOWN")


def test_the_last_takeover_is_told(node: Board, page: Page) -> None:
    node.status = copy.deepcopy(SOLO)
    shows(page, "#takeover-body", "just now")
    for part in ("201", "9.4", "5.5", "216"):
        assert part in page.text("#takeover-body dl")


def test_events_come_as_they_happen_and_as_text(node: Board, page: Page) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    node.tell(Kind.FINDING, f"foreign write {hostile}", Severity.HIGH, client="10.1.100.9:1", app=hostile)
    shows(page, "#events-list li", "foreign write <img")
    assert page.script("return document.querySelectorAll('#events-list img, #events-list script').length") == 0
    assert "HIGH" in page.text("#events-list li"), "a word, and not only a colour"


def test_a_flood_of_events_is_bounded(node: Board, page: Page) -> None:
    for number in range(700):
        node.tell(Kind.APP, f"application {number}")
    shows(page, "#events-list li", "application 699")
    assert page.script("return document.querySelectorAll('#events-list li').length") <= 100


# --- sessions


def test_of_many_sessions_only_those_in_view_exist(node: Board, page: Page) -> None:
    shows(page, "#sessions-count", f"{SESSIONS} sessions")
    rows = page.script("return document.querySelectorAll('#scroll .row').length")
    assert 5 < rows < 80
    assert page.one("#table").get_attribute("aria-rowcount") == str(SESSIONS + 1)


def test_the_last_session_is_reached(node: Board, page: Page) -> None:
    page.script("const s = document.getElementById('scroll'); s.scrollTop = s.scrollHeight")
    last = node.sessions[-1]["client"]
    page.wait(last, f"return document.querySelector('#scroll').textContent.includes({last!r})")
    page.script("document.getElementById('scroll').scrollTop = 0")


def test_sessions_are_searched(node: Board, page: Page) -> None:
    one = node.sessions[321]["client"]
    field = page.one("#search")
    field.send_keys(one)
    shows(page, "#sessions-count", f"1 of {SESSIONS} sessions")
    assert one in page.text("#scroll")
    field.send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.DELETE)
    page.wait("all again", f"return document.getElementById('sessions-count').textContent === '{SESSIONS} sessions'")


def test_the_list_stays_when_its_room_changes(node: Board, page: Page) -> None:
    """As it does in the moment of a takeover, whose account takes room."""
    page.wait("rows", "return document.querySelector('#scroll .row:not(.waiting)') !== null")
    page.script("window.first = document.querySelector('#scroll .row')")
    page.resize(WALL[0], WALL[1] - 300)
    assert page.script("return new Promise((done) => setTimeout(() => done(window.first.isConnected), 50))")
    page.resize(*WALL)


def test_many_sessions_are_as_smooth_as_few(
    node: Board, page: Page, record_property: Callable[[str, object], None]
) -> None:
    """Scrolling while states and events come in: how long frames take, compared in the same run on the same machine."""
    node.status = copy.deepcopy(ACTIVE)
    everything = node.sessions
    node.sessions = everything[:FEW]
    shows(page, "#sessions-count", f"{FEW} sessions")
    few = _frames(node, page)
    node.sessions = everything
    shows(page, "#sessions-count", f"{SESSIONS} sessions")
    many = _frames(node, page)
    for name, seen in (("few", few), ("many", many)):
        record_property(name, seen)
        print(name, seen)
    assert many["median_ms"] < 3 * few["median_ms"] + 50
    assert many["longest_task_ms"] < 3 * few["longest_task_ms"] + 200


def _frames(node: Board, page: Page) -> dict[str, float]:
    page.script(WATCH_FRAMES)
    until_s = time.monotonic() + 2.5
    while time.monotonic() < until_s:
        node.tell(Kind.APP, "an application")
        time.sleep(0.02)
    seen = page.script("return window.stopWatching()")
    frames = sorted(seen["frames"])
    return {
        "frames": len(frames),
        "median_ms": round(frames[len(frames) // 2], 1),
        "p95_ms": round(frames[int(len(frames) * 0.95)], 1),
        "longest_task_ms": round(max(seen["tasks"], default=0)),
    }


WATCH_FRAMES = """
const frames = [], tasks = [], scroll = document.getElementById("scroll");
const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((each) => each.duration)));
observer.observe({ entryTypes: ["longtask"] });
let last = performance.now(), going = true, down = true;
requestAnimationFrame(function step(now) {
  frames.push(now - last);
  last = now;
  scroll.scrollTop += down ? 40 : -40;
  if (scroll.scrollTop <= 0 || scroll.scrollTop + scroll.clientHeight >= scroll.scrollHeight - 1) down = !down;
  if (going) requestAnimationFrame(step);
});
window.stopWatching = () => { going = false; observer.disconnect(); scroll.scrollTop = 0; return { frames, tasks }; };
"""


# --- the one order


def test_a_switchover_is_asked_about_first(node: Board, page: Page) -> None:
    assert not page.one("#switchover").is_enabled(), "a passive node has nothing to hand over"
    node.status = copy.deepcopy(ACTIVE)
    page.wait("enabled", "return !document.getElementById('switchover').disabled")
    page.one("#switchover").click()
    page.one("#ask button[value=no]").click()
    time.sleep(0.3)
    assert node.orders == 0
    page.one("#switchover").click()
    page.one("#ask button[value=yes]").click()
    shows(page, "#told", "Switchover begun")
    assert node.orders == 1


def test_a_refusal_is_told(node: Board, page: Page) -> None:
    node.status, node.refuse = copy.deepcopy(ACTIVE), "hold-down"
    page.wait("enabled", "return !document.getElementById('switchover').disabled")
    page.one("#switchover").click()
    page.one("#ask button[value=yes]").click()
    shows(page, "#switchover-why", "Refused: hold-down")
    assert any("409" in complaint for complaint in page.complaints())


def test_by_keyboard_alone(node: Board, page: Page) -> None:
    """Every control is reached in the order it stands in, shows that it is reached, and works."""
    node.status = copy.deepcopy(ACTIVE)
    page.wait("enabled", "return !document.getElementById('switchover').disabled")
    page.script("document.querySelector('.skip').focus()")
    reached = [page.script(FOCUSED)]
    for _ in range(12):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        reached.append(page.script(FOCUSED))
    names = [name for name, _ in reached]
    wanted = ["skip", "theme", "leave", "switchover", "search", "scroll", "events-list"]
    assert [name for name in names if name in wanted][: len(wanted)] == wanted
    assert all(outlined for name, outlined in reached[1:] if name in wanted)
    page.script("document.getElementById('switchover').focus()")
    ActionChains(page.driver).send_keys(Keys.ENTER).pause(0.3).perform()
    assert page.script("return document.activeElement.value") == "no", "the harmless answer is at hand"
    ActionChains(page.driver).send_keys(Keys.ESCAPE).pause(0.3).perform()
    assert page.script("return document.activeElement.id") == "switchover", "and one is back where one was"
    assert node.orders == 0


FOCUSED = """
const at = document.activeElement;
return [at.id || at.className || at.tagName, getComputedStyle(at).outlineStyle !== "none"];
"""


# --- how it looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_to_be_read_can_be_read(node: Board, page: Page, scheme: str) -> None:
    """WCAG's contrast for ordinary text (4.5), of the quiet words too, in every state."""
    page.prefer(prefers_color_scheme=scheme)
    for status, words in ((PASSIVE, "Standing by"), (SOLO, "not protected")):
        node.status = copy.deepcopy(status)
        shows(page, "#verdict-words", words)
        pale = page.script(CONTRAST)
        assert pale == [], pale


CONTRAST = """
const read = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
  .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const rgb = read(getComputedStyle(at).backgroundColor);
    if (rgb.length === 3 || rgb[3] === 1) return rgb;
  }
  return [255, 255, 255];
};
const texts = [...document.querySelectorAll("body *:not(button:disabled)")].filter((element) =>
  element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
return texts.map((element) => {
  const pair = [light(read(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
  return [element.textContent.slice(0, 40), (pair[0] + 0.05) / (pair[1] + 0.05)];
}).filter(([, contrast]) => contrast < 4.5);
"""


def test_the_theme_is_chosen_and_kept(node: Board, page: Page) -> None:
    page.prefer(prefers_color_scheme="dark")
    ground = "return getComputedStyle(document.body).backgroundColor"
    dark = page.script(ground)
    page.one("#theme").click()
    assert page.text("#theme") == "Theme: light"
    assert page.script(ground) != dark
    page.driver.refresh()
    shows(page, "#verdict-words", "Standing by")
    assert page.text("#theme") == "Theme: light"
    page.one("#theme").click()
    page.one("#theme").click()
    assert page.text("#theme") == "Theme: system"


def test_nothing_moves_for_who_wants_that(node: Board, page: Page) -> None:
    page.prefer(prefers_reduced_motion="reduce")
    node.tell(Kind.NODE, "still")
    shows(page, "#events-list li", "still")
    assert page.script("return document.getAnimations().length") == 0
    page.prefer(prefers_reduced_motion="no-preference")


@pytest.mark.parametrize("size", [(360, 740), (1024, 768), WALL])
def test_it_fits(node: Board, page: Page, size: tuple[int, int]) -> None:
    page.resize(*size)
    time.sleep(0.3)
    assert page.script("return document.documentElement.scrollWidth") <= size[0]
    if size == WALL:
        assert page.script("return document.documentElement.scrollHeight") <= size[1], "a wall is not scrolled"
    page.resize(*WALL)


# --- a node that goes away


def test_old_data_never_looks_healthy_and_the_page_comes_back(
    node: Board, page: Page, record_property: Callable[[str, object], None]
) -> None:
    node.status = copy.deepcopy(ACTIVE)
    shows(page, "#verdict-words", "In service, protected")
    gone_s = time.monotonic()
    node.stop()
    shows(page, "#verdict-words", "No data from node b")
    record_property("old_after_ms", round((time.monotonic() - gone_s) * 1000))
    assert page.script("return document.body.dataset.level") == "old"
    assert page.text("#right .role") == "was active"
    assert page.text(".link .state") == "was up"
    assert not page.one("#switchover").is_enabled()
    assert page.driver.title.startswith("! old data")
    back_s = time.monotonic()
    node.start()
    shows(page, "#verdict-words", "In service, protected")
    record_property("back_after_ms", round((time.monotonic() - back_s) * 1000))
    assert page.one("#switchover").is_enabled(), "and still logged in: the cookie outlives the node's restart"


# --- who may not


def test_a_wrong_token_opens_nothing(node: Board, page: Page) -> None:
    page.one("#leave").click()
    page.wait("login", "return !document.getElementById('login').hidden")
    page.one("#token").send_keys("not-the-token", Keys.ENTER)
    shows(page, "#login-error", "Not opened: this is not the token")
    assert page.script("return document.getElementById('board').hidden")
    assert any("401" in complaint for complaint in page.complaints())
    page.open(TOKEN)
    assert page.script("return document.cookie") == "", "no script sees the login"


def test_a_page_of_another_origin_reaches_nothing(open_page: tuple[Board, Page], node: Board, tmp_path: Path) -> None:
    """From a window that is logged in, another origin tries all a browser lets it try."""
    _, page = open_page
    node.status = copy.deepcopy(ACTIVE)
    with board(tmp_path, 1) as stranger:
        page.driver.get(stranger.url.replace("127.0.0.1", "localhost"))
        outcome = page.driver.execute_async_script(ATTEMPTS, node.url)
        assert outcome == dict.fromkeys(outcome, "nothing")
        assert len(outcome) == 6
    assert node.orders == 0
    page.complaints()
    page.driver.get(page.url)
    shows(page, "#verdict-words", "In service")


ATTEMPTS = """
const [target, done] = arguments;
const outcome = {};
const attempt = async (name, options) => {
  try {
    const response = await fetch(target + name.split(" ")[1], { credentials: "include", ...options });
    outcome[name] = response.type === "opaque" ? "nothing" : `${response.status} ${await response.text()}`;
  } catch {
    outcome[name] = "nothing";
  }
};
(async () => {
  await attempt("GET stream");
  await attempt("POST switchover", { method: "POST", headers: { "X-Tandem": "page" } });
  await attempt("PLAIN switchover", { method: "POST", mode: "no-cors", body: "x" });
  await attempt("OPEN stream", { mode: "no-cors" });
  await attempt("LOGIN login", { method: "POST", mode: "no-cors", body: '{"token": "x"}' });
  const source = new EventSource(target + "stream", { withCredentials: true });
  await new Promise((resume) => { source.onerror = resume; source.onopen = resume; setTimeout(resume, 3000); });
  outcome["EventSource"] = source.readyState === EventSource.OPEN ? "a stream" : "nothing";
  source.close();
  done(outcome);
})();
"""


def test_nothing_is_asked_of_anybody_else(open_page: tuple[Board, Page], node: Board) -> None:
    _, page = open_page
    page.asked()
    page.driver.refresh()
    shows(page, "#verdict-words", "Standing by")
    asked = page.asked()
    assert asked
    assert {url for url in asked if not url.startswith(node.url)} == set()
