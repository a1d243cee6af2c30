"""Builds gate.bpf.o from gate.bpf.c, byte for byte the same on every machine with the same compiler.

    python -m node.kernel.build [OUTPUT]

Needs clang, llvm-strip and the headers of libbpf-dev and linux-libc-dev, which a node that only runs does
not.
"""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from node.kernel.errors import KernelError

SOURCE = Path(__file__).with_name("gate.bpf.c")
OBJECT = Path(__file__).with_name("gate.bpf.o")
CLANG_MAJOR = 14  # the committed object's compiler; another one may well choose other instructions

REMEDY = "apt install clang llvm libbpf-dev linux-libc-dev"


def clang_major() -> int | None:
    """The major version of the clang on PATH, None when there is none."""
    if shutil.which("clang") is None:
        return None
    version = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+)\.", version)
    return int(found.group(1)) if found else None


def build(output: Path) -> None:
    """Compile into `output`: BTF (types and lines) is kept, DWARF is not. Raises KernelError."""
    headers = f"/usr/include/{platform.machine()}-linux-gnu"
    compile_it = [
        *("clang", "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3"),
        *("-I", headers, f"-ffile-prefix-map={headers}=/usr/include", f"-ffile-prefix-map={SOURCE.parent}=."),
        *("-fdebug-compilation-dir=.", "-c", SOURCE.name, "-o", str(output.absolute())),
    ]
    for command in (compile_it, [_strip(), "-g", str(output.absolute())]):
        try:
            subprocess.run(command, cwd=SOURCE.parent, capture_output=True, text=True, check=True)
        except FileNotFoundError as error:
            raise KernelError(f"{command[0]} is not on this host", REMEDY) from error
        except subprocess.CalledProcessError as error:
            raise KernelError(f"{command[0]} failed:\n{error.stderr}", REMEDY) from error


def _strip() -> str:
    """llvm-strip under the name that this distribution gives it."""
    names = ("llvm-strip", f"llvm-strip-{clang_major()}")
    return next((name for name in names if shutil.which(name)), names[0])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else OBJECT
    build(target)
    print(f"{target}: {target.stat().st_size} octets")
