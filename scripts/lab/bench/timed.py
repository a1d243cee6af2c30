"""Other programs run to their end, and what processor time they took.

Processor time is the time on a core of one's own: on a busy machine it does not count the waiting for others. The
programs measured here work on one thread and never sleep, so on an idle machine it is the time that passes.
"""

import resource
import subprocess
from typing import Final

from scripts.lab.namespaces import LabError
from scripts.lab.programs import REPOSITORY

_WORDS_MAX: Final = 500


def seconds(*command: str) -> float:
    """What a program takes; what it prints goes nowhere. Raises LabError when it fails."""
    before_s = _children_s()
    done = subprocess.run(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    taken_s = _children_s() - before_s
    if done.returncode != 0:
        raise LabError(f"{' '.join(command[:4])} …: {done.stderr.strip()[-_WORDS_MAX:] or done.returncode}")
    return taken_s


def output(*command: str) -> str:
    """What a program prints. Raises LabError when it fails."""
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command[:4])} …: {done.stderr.strip()[-_WORDS_MAX:] or done.returncode}")
    return done.stdout


def _children_s() -> float:
    """Processor time of all children that have ended; there is only one of ours at a time."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
