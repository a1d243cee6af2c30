"""Other programs run to their end, against the clock."""

import subprocess
import time
from typing import Final

from scripts.lab.namespaces import LabError
from scripts.lab.programs import REPOSITORY

_WORDS_MAX: Final = 500


def seconds(*command: str) -> float:
    """How long a program takes; what it prints goes nowhere. Raises LabError when it fails."""
    started_s = time.perf_counter()
    done = subprocess.run(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    taken_s = time.perf_counter() - started_s
    if done.returncode != 0:
        raise LabError(f"{' '.join(command[:4])} …: {done.stderr.strip()[-_WORDS_MAX:] or done.returncode}")
    return taken_s


def output(*command: str) -> str:
    """What a program prints. Raises LabError when it fails."""
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command[:4])} …: {done.stderr.strip()[-_WORDS_MAX:] or done.returncode}")
    return done.stdout
