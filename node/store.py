"""What a node keeps on disk: the highest epoch it has seen and the number of its latest incarnation.

Both only ever grow. The file is replaced atomically and synced, so a power cut leaves the old or the new one.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from node.errors import StartupError


class Store:
    """One small JSON file in the state directory."""

    def __init__(self, state_dir: Path, node: str) -> None:
        self._path = state_dir / f"{node}.json"
        self.epoch = 0
        self.incarnation = 0
        self._lock = threading.Lock()
        self._load()

    def _load(self) -> None:
        try:
            content = json.loads(self._path.read_text())
            self.epoch, self.incarnation = int(content["epoch"]), int(content["incarnation"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StartupError(
                f"{self._path}: cannot read the node's state: {error}",
                "restore the file from a backup, or remove it if the other node is running: "
                "the epoch is then learned from it",
            ) from error

    def raise_epoch(self, epoch: int) -> None:
        """Remember `epoch` if it is the highest yet; on disk when this returns. Raises OSError."""
        with self._lock:
            if epoch > self.epoch:
                self.epoch = epoch
                self._save()

    def next_incarnation(self, now_ns: int) -> int:
        """A number higher than any this node has used, and higher than `now_ns`; on disk when this returns."""
        self.incarnation = max(self.incarnation + 1, now_ns)
        try:
            self._save()
        except OSError as error:
            raise StartupError(
                f"{self._path}: cannot write the node's state: {error.strerror}",
                "make node.state_dir a directory that this user may write",
            ) from error
        return self.incarnation

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump({"epoch": self.epoch, "incarnation": self.incarnation}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
