"""What a node keeps on disk: the highest epoch it has seen, and the number of its latest incarnation.

Both only ever grow. Each is a file of its own with one writer: the worker keeps the epoch, the guard the
incarnation. A file is replaced atomically and synced, so a power cut leaves the old or the new one.

A full disk must not keep a node from taking over. So each file has a *reserve* beside it, whose octets were allotted
while there was room: when a replacement cannot be written, the number goes there, in place. What counts is the highest.
"""

from __future__ import annotations

import os
import threading
import zlib
from contextlib import suppress
from pathlib import Path

from node.errors import StartupError

SLOT_BYTES = 32
SLOTS = 2
"""A reserve has two: the lower number is written over, so that one cut short by a power cut costs nothing."""


class GrowingNumber:
    """A number on disk that only grows."""

    def __init__(self, path: Path) -> None:
        """Raises StartupError when the file is there and cannot be understood."""
        self._path = path
        self._reserve = path.with_name(path.name + ".reserve")
        self._lock = threading.Lock()
        self.trouble = ""
        """Why the last replacement could not be written; the number stands in the reserve then, or nowhere."""
        self.value = max(self._read(), *self._read_reserve())

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

    def _read_reserve(self) -> list[int]:
        """What the slots hold; nothing that counts in one that was cut short."""
        try:
            octets = self._reserve.read_bytes()
        except OSError:
            return [0] * SLOTS
        return [_unpack(octets[start : start + SLOT_BYTES]) for start in range(0, SLOTS * SLOT_BYTES, SLOT_BYTES)]

    def grow(self, value: int) -> None:
        """Remember `value` if it is the highest yet; on disk when this returns. Raises OSError. Any thread may call.

        What the reserve holds goes back to its place, if there is room again.
        """
        with self._lock:
            highest = max(value, self.value)
            if highest > self.value or self.trouble:
                self._store(highest)
                self.value = highest

    def _store(self, value: int) -> None:
        try:
            self._write(value)
        except OSError as error:
            self.trouble = error.strerror or str(error)
            if not self._reserve.exists():
                raise
            self._write_reserve(value)
        else:
            self.trouble = ""
            self._allot()

    def _allot(self) -> None:
        """Have the reserve, now that there is room; without it the next full disk is told of when it comes."""
        if not self._reserve.exists():
            with suppress(OSError), self._reserve.open("xb") as file:
                file.write(_pack(0) * SLOTS)
                file.flush()
                os.fsync(file.fileno())

    def _write_reserve(self, value: int) -> None:
        """In place: not one octet more is asked of the disk."""
        held = self._read_reserve()
        file = os.open(self._reserve, os.O_WRONLY)
        try:
            os.pwrite(file, _pack(value), held.index(min(held)) * SLOT_BYTES)
            os.fsync(file)
        finally:
            os.close(file)

    def _write(self, value: int) -> None:
        _make(self._path.parent)
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        _sync(self._path.parent)


def _make(directory: Path) -> None:
    """Have the directory; a new one, and those above it that are new too, outlast a power cut."""
    if not directory.exists():
        _make(directory.parent)
        directory.mkdir(exist_ok=True)
        _sync(directory.parent)


def _sync(directory: Path) -> None:
    """What was made or replaced in it is there after a power cut."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _pack(value: int) -> bytes:
    """A slot of the reserve: the number and its checksum."""
    digits = b"%020d" % value
    return (b"%s %08x" % (digits, zlib.crc32(digits))).ljust(SLOT_BYTES)


def _unpack(slot: bytes) -> int:
    """The inverse of `_pack`; 0 of anything else."""
    try:
        digits, checksum = slot.split()
        return int(digits) if zlib.crc32(digits) == int(checksum, 16) else 0
    except ValueError:
        return 0


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
