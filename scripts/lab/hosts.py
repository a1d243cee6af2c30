"""A host with the Debian package installed: this machine's files with a layer of its own over them.

The layer is an overlay, so dpkg installs for real and nothing of it stays; the source tree is hidden beneath.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from scripts.lab import namespaces
from scripts.lab.namespaces import LabError, run
from scripts.lab.programs import REPOSITORY

_CONFINE: Final = "/usr/local/lib/tandem-lab-confine.py"

# $1 is the host's root. `ip netns exec` gave this shell a mount namespace of its own.
_ENTER: Final = """
root=$1; shift
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""

# $1 is the root, $2 the directories that may be written: ProtectSystem=strict and its like.
_ENTER_CONFINED: Final = """
root=$1; writable=$2; shift 2
mount --bind "$root" "$root"
mount -t proc -o hidepid=invisible proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -o remount,bind,ro "$root"
for path in $writable; do
    mount --bind "$root$path" "$root$path"
    mount -o remount,bind,rw "$root$path"
done
mount -t tmpfs tmpfs "$root/tmp"
exec chroot "$root" "$@"
"""


class Host:
    """One host of the lab; `below` is what lies under its own layer."""

    def __init__(self, name: str, namespace: str, where: Path, below: str = "/") -> None:
        self.name = name
        self.namespace = namespace
        self.layer = where / name / "layer"
        self._root = where / name / "root"
        self._work = where / name / "work"
        self._below = below

    def create(self) -> None:
        """Lay it over what is below."""
        for directory in (self.layer, self._root, self._work):
            directory.mkdir(parents=True)
        options = f"lowerdir={self._below},upperdir={self.layer},workdir={self._work}"
        run("mount", "-t", "overlay", "overlay", "-o", options, str(self._root))
        run("mount", "-t", "tmpfs", "tmpfs", str(self.path(_first(REPOSITORY))))
        for needed in ("/run", "/usr/local/lib"):
            self.path(needed).mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__).with_name("confine.py"), self.path(_CONFINE))

    def remove(self) -> None:
        """Take it away again."""
        for mounted in (self.path(_first(REPOSITORY)), self._root):
            run("umount", "--lazy", str(mounted), check=False)

    def path(self, inside: str | Path) -> Path:
        """A path of the host, as seen from here."""
        return self._root / str(inside).lstrip("/")

    def run(self, line: str, timeout_s: float = 120.0) -> str:
        """Run a shell line there as root and return what it printed. Raises LabError with its words."""
        words = self._command(_ENTER, str(self._root), "sh", "-c", line)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            words, env=environment, cwd="/", capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if done.returncode != 0:
            raise LabError(f"{self.name}# {line}\n{done.stdout}{done.stderr}exit code {done.returncode}")
        return done.stdout

    def confined(self, writable: list[str], *command: str) -> list[str]:
        """The command line that runs `command` there under /run/rules.json."""
        confine = ("/usr/bin/python3", "-I", _CONFINE, "/run/rules.json")
        return self._command(_ENTER_CONFINED, str(self._root), " ".join(writable), *confine, *command)

    def _command(self, script: str, *arguments: str) -> list[str]:
        return namespaces.command(self.namespace, "sh", "-e", "-c", script, "enter", *arguments)


def _first(path: Path) -> str:
    """The top directory above a path."""
    return "/" + path.parts[1]
