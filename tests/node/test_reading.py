"""The process that reads a running node's files: one waits, is used once, and ends with the node."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node import reading
from node.config import Config, ConfigErrors, load
from node.keys import new_key, write_keys
from node.reading import Reader

BASE = Path(__file__).parents[1] / "config" / "base.yaml"
PATIENCE_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_keys(tmp_path / "key", (new_key(),))
    file = tmp_path / "node.yaml"
    file.write_text(BASE.read_text().replace("/etc/tandem/cluster.key", str(tmp_path / "key")))
    return file


@pytest.fixture
def config(path: Path) -> Config:
    return load(path)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Every process that a Reader starts."""
    found: list[subprocess.Popen[bytes]] = []
    start = reading._start

    def noted() -> subprocess.Popen[bytes]:
        found.append(start())
        return found[-1]

    monkeypatch.setattr(reading, "_start", noted)
    yield found
    for process in found:
        process.kill()
        process.communicate()


def test_one_waits_and_is_used_once(path: Path, config: Config, started: list[subprocess.Popen[bytes]]) -> None:
    reader = Reader()
    reader.make_ready()
    reader.make_ready()
    assert len(started) == 1
    assert reader.read(path, config).written == config
    assert (len(started), started[0].returncode) == (1, 0)
    reader.make_ready()
    path.write_text(path.read_text().replace("priority: 100", "priority: 99", 1))
    assert reader.read(path, config).written != config
    assert [process.returncode for process in started] == [0, 0]


def test_one_that_has_died_is_replaced(path: Path, config: Config, started: list[subprocess.Popen[bytes]]) -> None:
    reader = Reader()
    reader.make_ready()
    started[0].kill()
    assert reader.read(path, config).written == config
    assert len(started) == 2
    reader.make_ready()
    started[2].kill()
    started[2].wait()
    reader.make_ready()
    assert len(started) == 4


def test_without_one_a_fresh_one_reads(path: Path, config: Config, started: list[subprocess.Popen[bytes]]) -> None:
    path.write_text("node: {}\n")
    with pytest.raises(ConfigErrors, match='key "name" is missing'):
        Reader().read(path, config)
    assert len(started) == 1


def test_who_cannot_start_one_says_so(path: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    reader = Reader()
    reader.make_ready()
    with pytest.raises(subprocess.SubprocessError, match="no process can be started"):
        reader.read(path, config)


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    program = (
        "import pathlib, time; from node.reading import Reader; reader = Reader(); reader.make_ready();"
        f"pathlib.Path({str(told)!r}).write_text(str(reader._waiting.pid)); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as node:
        until(lambda: told.exists() and told.read_text())
        waiting = int(told.read_text())
        os.kill(waiting, 0)
        node.send_signal(signal.SIGKILL)
    until(lambda: gone(waiting))


def gone(pid: int) -> bool:
    """Ended, though perhaps nobody has asked after it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until(holds: Callable[[], object]) -> None:
    limit_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < limit_s
        time.sleep(0.02)
