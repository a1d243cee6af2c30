"""Reads a running node's files anew in a process of its own: a large policy takes long, and holds up whoever reads it
for longer than a lease lasts.

    python -m node.reading        pickled: the file's path and the running Config in, what was Read or the problems out
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from node.config import Config, ConfigErrors, load
from node.documents import Problem
from node.policy import Rulebook, load_all

NICENESS = 0
"""Ordinary: the worker, which comes first, started it."""
LIMIT_S = 300.0
TAKEN_UP = ("policy_file", "signature_files")
"""Keys of the configuration that a running node takes up; of each service its policy too."""


class Read(NamedTuple):
    """What the files say."""

    written: Config
    rulebook: Rulebook


def read(path: Path, running: Config) -> Read:
    """What a node that runs with `running` is to go by. Raises ConfigErrors."""
    written = load(path)
    return Read(written, load_all(taken_up(running, written)))


def read_apart(path: Path, running: Config) -> Read:
    """As `read`, elsewhere. Raises ConfigErrors, or subprocess.SubprocessError if that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "node.reading"],
        input=pickle.dumps((path, running)),
        stdout=subprocess.PIPE,
        timeout=LIMIT_S,
        check=True,
    )
    answer: Read | list[Problem] = pickle.loads(done.stdout)
    if isinstance(answer, Read):
        return answer
    raise ConfigErrors(answer)


def taken_up(running: Config, written: Config) -> Config:
    """The running configuration with those keys of the written one that need no restart."""
    policies = {service.name: service.policy for service in written.services}
    services = tuple(
        service.model_copy(update={"policy": policies.get(service.name, service.policy)})
        for service in running.services
    )
    return running.model_copy(update={"services": services, **{name: getattr(written, name) for name in TAKEN_UP}})


def main() -> None:
    """Answer the node that started this."""
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    answer: Read | list[Problem]
    try:
        answer = read(*pickle.load(sys.stdin.buffer))
    except ConfigErrors as errors:
        answer = errors.problems
    sys.stdout.buffer.write(pickle.dumps(answer))


if __name__ == "__main__":
    from node.reading import main as imported  # what is pickled must not be of __main__

    imported()
