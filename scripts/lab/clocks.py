"""Clocks that are wrong for one node alone: what its processes are told of the time, and nobody else's.

CLOCK_REALTIME is shifted by a small library (wall.c), while the node runs, forth or back. CLOCK_BOOTTIME and
CLOCK_MONOTONIC never jump while a process lives; a node that starts may find them anywhere, and gets a time namespace
for that (as a container may have one). The gate's programs read the kernel's own clock all the while, as they would.
"""

import struct
from pathlib import Path
from typing import Final

from scripts.lab.namespaces import run

_SOURCE: Final = Path(__file__).with_name("wall.c")
_SHIFT: Final = struct.Struct("=q")


class Clocks:
    """One node's clocks."""

    def __init__(self, directory: Path, name: str) -> None:
        """Keeps a library and a file in `directory`. Raises LabError without clang."""
        self._library = directory / "wall.so"
        self._wall_file = directory / f"{name}.wall"
        self.boot_shift_s = 0
        """Of CLOCK_BOOTTIME and CLOCK_MONOTONIC, from the node's next start on."""
        if not self._library.exists():
            run("clang", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE))
        self._wall_file.write_bytes(_SHIFT.pack(0))

    def step_wall(self, shift_s: int) -> None:
        """From now on the wall clock is off by this much."""
        with self._wall_file.open("r+b", buffering=0) as file:
            file.write(_SHIFT.pack(shift_s))

    def command(self) -> tuple[str, ...]:
        """What a command starts with to be told the time so."""
        if not self.boot_shift_s:
            return ()
        shift = str(self.boot_shift_s)
        return ("unshare", "--time", "--boottime", shift, "--monotonic", shift, "--")

    def environment(self) -> dict[str, str]:
        """What a command's environment must hold to be told the time so."""
        return {"LD_PRELOAD": str(self._library), "TANDEM_WALL": str(self._wall_file)}
