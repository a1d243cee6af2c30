"""Chromium without a screen, in an empty profile, and what it asked of whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
    "--disable-dev-shm-usage", "--hide-scrollbars",
)  # fmt: skip
WALL = (1920, 1080)
PATIENCE_S = 10.0


class Page:
    """A window with the page in it."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, token: str) -> None:
        """Go there and show the token."""
        self.driver.get(self.url)
        self.wait("login", "return !document.getElementById('login').hidden")
        self.one("#token").send_keys(token, Keys.ENTER)
        self.wait("board", "return !document.getElementById('board').hidden && document.body.dataset.level !== 'old'")

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """As it is shown, in capitals or not."""
        found: str = self.script(f"return document.querySelector({json.dumps(selector)}).textContent")
        return found

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    def wait(self, what: str, condition: str, timeout_s: float = PATIENCE_S) -> None:
        """Until the script says so."""
        WebDriverWait(self.driver, timeout_s, 0.05).until(lambda driver: driver.execute_script(condition), what)

    def prefer(self, **features: str) -> None:
        """What the user wants, as CSS media features: prefers_color_scheme="dark"."""
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": told})

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def complaints(self) -> list[str]:
        """What the console shows since the last time, a node's absence apart."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if "net::ERR_" not in entry["message"]]

    def asked(self) -> set[str]:
        """The URLs that were asked for since the last time."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        return set(sent)


@contextmanager
def browser(url: str, profile: Path) -> Iterator[Page]:
    """Chromium in the network of the calling thread."""
    options = Options()
    options.binary_location = CHROMIUM
    for flag in (*QUIET, f"--user-data-dir={profile}", "--window-size={},{}".format(*WALL)):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        page = Page(driver, url)
        page.resize(*WALL)
        yield page
    finally:
        driver.quit()
