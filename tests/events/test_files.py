"""Files of events: bounded, rotated, and on a full disk whole lines or none."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.events import Event, eve
from node.events.files import RotatingFile, numbered
from node.events.outbox import Loss, Outbox
from tests.events.rsyslog import until
from tests.events.samples import samples
from tests.requirements import needs_root

LINE = b"x" * 99 + b"\n"


def test_rotated_by_size_and_bounded_in_number(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "eve.json", 1000, keep=2)
    for number in range(35):
        file.write(b"%099d\n" % number)
    file.close()
    kept = [tmp_path / "eve.json.2", tmp_path / "eve.json.1", tmp_path / "eve.json"]
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert [int(line) for path in kept for line in path.read_bytes().splitlines()] == list(range(10, 35))
    assert all(path.stat().st_mode & 0o777 == 0o640 for path in kept)


def test_goes_on_where_an_earlier_life_was(tmp_path: Path) -> None:
    for _ in range(2):
        file = RotatingFile(tmp_path / "eve.json", 1000, keep=1)
        for _ in range(6):
            file.write(LINE)
        file.close()
    assert numbered(tmp_path / "eve.json", 1).read_bytes() == LINE * 10
    assert (tmp_path / "eve.json").read_bytes() == LINE * 2


def test_follows_when_somebody_else_rotates(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    file = RotatingFile(path, 1000, keep=1)
    file.write(LINE)
    path.rename(tmp_path / "taken")
    file.write(LINE)
    assert path.read_bytes() == (tmp_path / "taken").read_bytes() == LINE


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system with room for 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=64k", "tandem-test", str(disk)), check=True)
    try:
        yield disk
    finally:
        subprocess.run(("umount", "--lazy", str(disk)), check=True)


@needs_root
def test_a_full_disk_costs_events_and_nothing_else(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 56 * 1024)
    losses: list[Loss] = []
    path = small_disk / "eve.json"
    outbox = Outbox("eve", RotatingFile(path, 1 << 20, keep=1), line, lambda _event: True, losses.append, events_max=10)
    outbox.start()
    told = samples()["denied"]
    until("a failure", lambda: outbox.take(told) or outbox.error)
    written = outbox.written
    assert "No space left" in outbox.error
    assert path.read_bytes() == line(told) * written, "whole lines only"
    for _ in range(100):
        outbox.take(told)
    lost = outbox.lost
    assert lost >= 90
    ballast.unlink()
    until("the loss told", lambda: losses)
    outbox.close(5)
    assert losses == [Loss("eve", lost, losses[0].failing_s, losses[0].reason)]
    assert "No space left" in losses[0].reason
    assert path.read_bytes() == line(told) * (written + outbox.waiting + 11)


def line(event: Event) -> bytes:
    return eve.line(event).encode() + b"\n"


class Stuck:
    """A place that takes nothing until it is let go, as a disk of a server that does not answer."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.taken = 0

    def write(self, data: bytes) -> None:
        self.free.wait()
        self.taken += 1

    def close(self) -> None:
        pass


def test_a_place_that_hangs_holds_up_nobody() -> None:
    stuck, losses = Stuck(), list[Loss]()
    outbox = Outbox("eve", stuck, line, lambda event: event.facts == {}, losses.append, events_max=10)
    outbox.start()
    taking = threading.Thread(target=lambda: [outbox.take(each) for each in [samples()["app"]] * 1000], daemon=True)
    taking.start()
    taking.join(10)
    assert not taking.is_alive(), "whoever tells is never held up"
    outbox.take(samples()["role"])  # not wanted here
    lost = outbox.lost
    assert lost in (989, 990)
    stuck.free.set()
    until("the loss told", lambda: losses)
    outbox.close(5)
    assert (losses[0].count, stuck.taken, outbox.written) == (lost, 1000 - lost, 1000 - lost)


def test_what_cannot_be_put_in_words_is_lost_and_the_rest_goes_on(tmp_path: Path) -> None:
    losses: list[Loss] = []
    outbox = Outbox("eve", RotatingFile(tmp_path / "f", 1 << 20, 1), picky, lambda _event: True, losses.append)
    outbox.start()
    outbox.take(samples()["role"])
    outbox.take(samples()["app"])
    outbox.close(5)
    assert (outbox.written, [loss.count for loss in losses]) == (1, [1])


def picky(event: Event) -> bytes:
    if not event.id:
        raise ValueError("no session")
    return line(event)


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(2)):
        RotatingFile(tmp_path / "none" / "eve.json", 1000, keep=1).write(LINE)
