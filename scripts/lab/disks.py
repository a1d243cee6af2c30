"""A disk of its own for a node's state, small enough to be filled."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from scripts.lab.namespaces import run

_FILLING: Final = "filling"
_PIECE: Final = bytes(4096)


class SmallDisk:
    """A small tmpfs on a directory. Mount it before the node starts, for that has its own view of mounts."""

    def __init__(self, path: Path, size_kib: int) -> None:
        self._path = path
        self._size_kib = size_kib

    def mount(self) -> None:
        """Put it on its directory. Raises LabError."""
        run("mount", "-t", "tmpfs", "-o", f"size={self._size_kib}k,mode=700", "tandem-lab", str(self._path))

    def fill(self) -> None:
        """Leave not an octet free."""
        with suppress(OSError), (self._path / _FILLING).open("ab", buffering=0) as file:
            while file.write(_PIECE):
                pass

    def free(self) -> None:
        """Give back what `fill` took."""
        (self._path / _FILLING).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take it away, if it is there."""
        run("umount", "--lazy", str(self._path), check=False)
