"""What a node keeps on disk: the highest epoch it has seen, and the number of its latest incarnation.

Both only ever grow. Each is a file of its own with one writer: the worker keeps the epoch, the guard the
incarnation. A file is replaced atomically and synced, so a power cut leaves the old or the new one.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from node.errors import StartupError


class GrowingNumber:
    """A number on disk that only grows."""

    def __init__(self, path: Path) -> None:
        """Raises StartupError when the file is there and cannot be understood."""
        self._path = path
        self._lock = threading.Lock()
        self.value = self._read()

    def _read(self) -> int:
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            raise StartupError(
                f"{self._path}: cannot read the node's state: {error}",
                "restore the file from a backup, or remove it if the other node is running: "
                "what it says is then learned from there",
            ) from error

    def grow(self, value: int) -> None:
        """Remember `value` if it is the highest yet; on disk when this returns. Raises OSError. Any thread may call."""
        with self._lock:
            if value > self.value:
                self._write(value)
                self.value = value

    def _write(self, value: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def epoch(state_dir: Path, node: str) -> GrowingNumber:
    """The highest epoch that this node knows of."""
    return GrowingNumber(state_dir / f"{node}.epoch")


def next_incarnation(state_dir: Path, node: str, now_ns: int) -> int:
    """A number higher than any this node has used, and at least `now_ns`; on disk when this returns.

    Raises StartupError.
    """
    kept = GrowingNumber(state_dir / f"{node}.incarnation")
    incarnation = max(kept.value + 1, now_ns)
    try:
        kept.grow(incarnation)
    except OSError as error:
        raise StartupError(
            f"{state_dir}: cannot write the node's state: {error.strerror}",
            "make node.state_dir a directory that this user may write",
        ) from error
    return incarnation
