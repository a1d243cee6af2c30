"""The log: its fields, what it keeps to itself, and that it never holds its caller up."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from node import log
from node.config import Log


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Any]:
    """Set the log up as asked for, and read what it wrote."""
    path = tmp_path / "node.log"

    def configured(**settings: Any) -> Any:
        log.configure(Log(**{"file": path, **settings}), node="a")

        def read() -> list[str]:
            log.flush()
            return path.read_text().splitlines()

        return read

    handlers = logging.root.handlers[:]
    yield configured
    structlog.reset_defaults()
    logging.root.handlers = handlers


def test_fields_and_their_order(lines: Any) -> None:
    read = lines()
    log.get("guard").info("worker started", pid=4711, address=Path("/x"))
    (line,) = read()
    event = json.loads(line)
    assert list(event) == ["ts", "level", "node", "event", "part", "pid", "address"]
    assert event["ts"].endswith("Z")
    del event["ts"]
    assert event == {
        "level": "info",
        "node": "a",
        "event": "worker started",
        "part": "guard",
        "pid": 4711,
        "address": "/x",
    }


def test_level(lines: Any) -> None:
    read = lines(level="warning")
    logger = log.get("x")
    for word in ("debug", "info", "warning", "error"):
        getattr(logger, word)(word)
    assert [json.loads(line)["level"] for line in read()] == ["warning", "error"]


def test_a_logger_made_before_the_set_up_follows_it(lines: Any) -> None:
    logger = log.get("early")
    read = lines()
    logger.info("hello")
    assert json.loads(read()[0])["part"] == "early"


def test_no_secrets_and_no_traffic(lines: Any) -> None:
    read = lines()
    log.get("x").info("e", key="k", cluster_secret="s", monkey="banana", data=b"\x00telemetry", raw=bytearray(b"1"))
    event = json.loads(read()[0])
    assert (event["key"], event["cluster_secret"], event["monkey"]) == ("<secret>", "<secret>", "banana")
    assert (event["data"], event["raw"]) == ("<10 octets>", "<1 octets>")


def test_exceptions_stay_on_one_line(lines: Any) -> None:
    read = lines()
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        log.get("x").exception("failed")
    (line,) = read()
    assert "RuntimeError: boom" in json.loads(line)["exception"]


def test_libraries_log_through_it(lines: Any) -> None:
    read = lines()
    logging.getLogger("asyncio").error("task %s died", 3)
    event = json.loads(read()[0])
    assert (event["part"], event["event"], event["level"]) == ("asyncio", "task 3 died", "error")


def test_console(lines: Any) -> None:
    read = lines(format="console")
    log.get("guard").warning("fence closed", epoch=7)
    (line,) = read()
    assert "[warning  ] fence closed" in line
    assert "epoch=7" in line
    assert "\x1b" not in line, "no colours in a file"


def test_the_file_is_appended_to_and_not_for_everybody(lines: Any, tmp_path: Path) -> None:
    (tmp_path / "node.log").write_text("old\n")
    (tmp_path / "node.log").unlink()
    read = lines()
    log.get("x").info("one")
    read()
    read = lines()
    log.get("x").info("two")
    assert [json.loads(line)["event"] for line in read()] == ["one", "two"]
    assert (tmp_path / "node.log").stat().st_mode & 0o007 == 0


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        log.configure(Log(file=tmp_path / "none" / "x.log"), node="a")


class Stuck(io.StringIO):
    """A stream whose reader has stopped, until released."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def write(self, text: str) -> int:
        self.release.wait(10)
        return super().write(text)


def test_a_stuck_stream_costs_lines_not_time() -> None:
    stream = Stuck()
    writer = log.Writer(stream, node="a", lines_max=10)
    for number in range(100):
        writer.write(f"line {number}")  # would wait for ever if it waited at all
    assert writer.dropped >= 89
    lost = writer.dropped
    stream.release.set()
    writer.flush(5)
    written = stream.getvalue().splitlines()
    assert written[0] == "line 0"
    (notice,) = (json.loads(line) for line in written if line.startswith("{"))
    assert (notice["event"], notice["count"], notice["node"]) == ("log lines dropped", lost, "a")


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_survived_and_counted() -> None:
    writer = log.Writer(Full())
    writer.write("one")
    writer.write("two")
    writer.flush(5)
    assert writer.dropped == 2
