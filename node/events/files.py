"""A file of lines that is rotated by size: FILE is written, FILE.1 is the one before, up to FILE.N."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

MODE = 0o640


class RotatingFile:
    """Whole lines, or none: a line that does not fit on the disk leaves no torn one behind."""

    def __init__(self, path: Path, bytes_max: int, keep: int) -> None:
        self.path = path
        self._bytes_max = bytes_max
        self._keep = keep
        self._descriptor = -1
        self._size = 0

    def write(self, data: bytes) -> None:
        """Write one line, its end included; raises OSError, and may then be called again with the same."""
        self._make_ready(len(data))
        written = os.write(self._descriptor, data)
        if written < len(data):
            os.ftruncate(self._descriptor, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._size += written

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            with suppress(OSError):  # what could not be written is lost by now
                os.close(self._descriptor)
            self._descriptor = -1

    def _make_ready(self, more: int) -> None:
        if self._descriptor >= 0 and self._moved():
            self.close()  # somebody rotates it as well
        if self._descriptor < 0:
            self._open()
        if self._size and self._size + more > self._bytes_max:
            self.close()
            self._rotate()
            self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, MODE)
        self._size = os.fstat(self._descriptor).st_size

    def _moved(self) -> bool:
        try:
            return self.path.stat().st_ino != os.fstat(self._descriptor).st_ino
        except FileNotFoundError:
            return True

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            with suppress(FileNotFoundError):
                numbered(self.path, number).rename(numbered(self.path, number + 1))
        self.path.rename(numbered(self.path, 1))


def numbered(path: Path, number: int) -> Path:
    """The name of the file that was rotated away so many rotations ago."""
    return path.with_name(f"{path.name}.{number}")
