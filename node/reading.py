"""Reads a running node's files anew in a process of its own: a large policy takes long, and holds up whoever reads it
for longer than a lease lasts.

    python -m node.reading        pickled: the file's path and the running Config in, what was Read or the problems out

To start that process takes longer than to read most files. So one is kept that has loaded what it needs and waits at
its standard input. It is used once, so that nothing of one reading is left to the next. Where there is none, or it has
died, one is started anew.

It ends with the node: its input ends then, whatever the node dies of. It is in a session of its own, or it would have
the worker's precedence over other processes, and in the last place while it loads. It is confined as the node is, and
takes some 30 MB. It is not forked from the worker: a copy of that would hold the sockets of all sessions.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from node.config import Config, ConfigErrors, load
from node.documents import Problem
from node.policy import Rulebook, load_all
from node.precedence import LAST, ORDINARY, set_group_niceness
from node.signatures.load import stock

LIMIT_S = 300
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


class Reader:
    """Does the same elsewhere. Its methods block, and are for any thread."""

    def __init__(self) -> None:
        self._waiting: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def make_ready(self) -> None:
        """Have a process waiting, if the host allows one."""
        with self._lock, suppress(OSError):
            if self._waiting is None or self._waiting.poll() is not None:
                self._waiting = _start()
                set_group_niceness(self._waiting.pid, LAST)

    def read(self, path: Path, running: Config) -> Read:
        """As `read`. Raises ConfigErrors, or subprocess.SubprocessError if that fails."""
        request = pickle.dumps((path, running))
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            set_group_niceness(waiting.pid, ORDINARY)  # it may not have loaded all yet, on a busy host
            with suppress(subprocess.CalledProcessError):
                return _answer(waiting, request)
        try:
            return _answer(_start(), request)
        except OSError as error:
            raise subprocess.SubprocessError(f"no process can be started to read the files: {error}") from error


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "node.reading"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)


def _answer(process: subprocess.Popen[bytes], request: bytes) -> Read:
    with process:
        try:
            told, _ = process.communicate(request, LIMIT_S)
        finally:
            process.kill()  # where that took too long
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    answer: Read | list[Problem] = pickle.loads(told)
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
    """Answer the node that started this, when it asks."""
    stock()
    request = sys.stdin.buffer.read()
    if not request:  # the node is gone
        return
    signal.alarm(LIMIT_S)
    answer: Read | list[Problem]
    try:
        answer = read(*pickle.loads(request))
    except ConfigErrors as errors:
        answer = errors.problems
    sys.stdout.buffer.write(pickle.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # whoever waits for the answer need not wait for all that was loaded to be taken apart


if __name__ == "__main__":
    from node.reading import main as imported  # what is pickled must not be of __main__

    imported()
