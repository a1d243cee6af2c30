"""What is kept on disk outlasts a power cut: a file is synced before it is named, its name before it is relied on."""

import os
from pathlib import Path

import pytest

from node import store


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done to the disk, in order, by what it was done to."""
    told: list[str] = []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        told.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    def rename(source: Path, target: Path) -> Path:
        told.append(f"replace {Path(target).name}")
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename)
    return told


def test_the_file_then_its_name(tmp_path: Path, done: list[str]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    store.epoch(state, "a").grow(1)
    assert done[:3] == ["sync a.epoch.new", "replace a.epoch", "sync state"]


def test_new_directories_outlast_a_power_cut_too(tmp_path: Path, done: list[str]) -> None:
    store.epoch(tmp_path / "lib" / "tandem", "a").grow(1)
    assert done[:2] == [f"sync {tmp_path.name}", "sync lib"]
    assert done[2:5] == ["sync a.epoch.new", "replace a.epoch", "sync tandem"]


def test_what_a_power_cut_left_half_written_is_not_looked_at(tmp_path: Path) -> None:
    store.epoch(tmp_path, "a").grow(7)
    (tmp_path / "a.epoch.new").write_text("")
    kept = store.epoch(tmp_path, "a")
    assert kept.value == 7
    kept.grow(8)
    assert store.epoch(tmp_path, "a").value == 8
