"""What a node tells of its role: the FIFO's lines, the script's calls."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from node.config import Config, ConfigErrors, parse
from node.errors import StartupError
from node.herald import Herald

BASE = (Path(__file__).parents[1] / "config" / "base.yaml").read_text()
PATIENCE_S = 20.0


def config(**notify: object) -> Config:
    words = ", ".join(f"{key}: {value}" for key, value in notify.items())
    return parse(f"{BASE}notify: {{{words}}}\n", check_files=False)


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def lines(path: Path, count: int) -> list[str]:
    """What a script has written, once it is so much."""
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        told = path.read_text().splitlines() if path.exists() else []
        if len(told) >= count:
            return told
        time.sleep(0.02)
    raise AssertionError(f"only {told}")


def live(herald: Herald) -> None:
    """A life: passive, active, a worker that dies, passive again, and the end."""
    for role in ("starting", "passive", "passive", "active", "active"):
        herald.become(role)
    herald.fail()
    herald.become("passive")
    herald.stop()


STATES = ["BACKUP", "MASTER", "FAULT", "BACKUP", "STOP"]


def test_the_fifo_keeps_lines_until_somebody_reads(tmp_path: Path) -> None:
    fifo = tmp_path / "states"
    live(Herald(config(fifo=fifo)))
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    herald = Herald(config(fifo=fifo))  # holds the other end
    herald.become("fault")
    assert os.read(descriptor, 4096).decode().splitlines()[-1] == 'INSTANCE "grid-east" FAULT 200'


def test_the_fifos_lines(tmp_path: Path) -> None:
    fifo = tmp_path / "states"
    herald = Herald(config(fifo=fifo))
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    live(herald)
    told = os.read(descriptor, 4096).decode().splitlines()
    assert told == [f'INSTANCE "grid-east" {state} 200' for state in STATES]


def test_a_fifo_that_nobody_reads_blocks_nobody(tmp_path: Path) -> None:
    herald = Herald(config(fifo=tmp_path / "states"))
    for number in range(10_000):
        herald.become("active" if number % 2 else "passive")


def test_the_scripts_calls(tmp_path: Path) -> None:
    told = tmp_path / "told"
    live(Herald(config(script=script(tmp_path / "s", f'echo "$@" >>{told}'))))
    assert lines(told, 5) == [f"INSTANCE grid-east {state} 200" for state in STATES]


def test_a_script_that_hangs_is_ended(tmp_path: Path) -> None:
    told = tmp_path / "told"
    herald = Herald(config(script=script(tmp_path / "s", f"echo $3 >>{told}; sleep 60 & wait"), timeout_ms=100))
    started_s = time.monotonic()
    herald.become("passive")
    herald.become("active")
    assert time.monotonic() - started_s < 10, "nobody waited"
    assert lines(told, 2) == ["BACKUP", "MASTER"]


def test_a_script_that_cannot_be_run(tmp_path: Path) -> None:
    herald = Herald(config(script=tmp_path / "none"))
    herald.become("active")
    herald.stop()


def test_a_script_that_is_not_there_is_told_with_the_configurations_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "s"
    for remedy, there in (("give the path of a program", False), (f"chmod 755 {path}", True)):
        if there:
            path.write_text("")
        with pytest.raises(ConfigErrors, match=r"notify\.script") as caught:
            parse(f"{BASE}notify: {{script: {path}}}\n")
        assert remedy in str(caught.value)


def test_what_is_there_is_no_fifo(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="is no FIFO"):
        Herald(config(fifo=tmp_path / "file"))
    with pytest.raises(StartupError, match="No such file"):
        Herald(config(fifo=tmp_path / "none" / "fifo"))
