"""Network namespaces: run a command or a function inside one, end what runs in one."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_CLONE_NEWNET = 0x40000000
_RUN = Path("/run/netns")

T = TypeVar("T")


class LabError(Exception):
    """The lab cannot do what was asked of it; the message says what failed."""


def run(*command: str, stdin: str | None = None, check: bool = True) -> str:
    """Run a command to its end and return what it printed.

    Raises LabError with the command's own words when it fails and `check` is set.
    """
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def exists(namespace: str) -> bool:
    return (_RUN / namespace).exists()


def command(namespace: str | None, *arguments: str) -> list[str]:
    """`arguments` as a command line that runs inside `namespace`; None stays where we are."""
    return list(arguments) if namespace is None else ["ip", "netns", "exec", namespace, *arguments]


def inside(namespace: str, function: Callable[[], T]) -> T:
    """Call `function` with `namespace` as its network, and return what it returns.

    The call runs in a thread of its own, since a thread is what belongs to a network namespace.
    A socket stays in the namespace where it was made, so one made here can be used anywhere.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def enter() -> None:
        try:
            with (_RUN / namespace).open("rb") as handle:
                _set_network(handle.fileno())
            outcome.append(function())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _set_network(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise LabError(f"cannot enter the network namespace: {os.strerror(number)}")


def processes(namespace: str) -> list[int]:
    """The ids of all processes whose network is `namespace`; none when it does not exist."""
    return [int(word) for word in run("ip", "netns", "pids", namespace, check=False).split()]


def end_processes(namespace: str, patience_s: float = 5.0) -> None:
    """Kill whatever runs in `namespace`, and wait until it is gone."""
    deadline = time.monotonic() + patience_s
    while (left := processes(namespace)) and time.monotonic() < deadline:
        for pid in left:
            kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def kill(pid: int, number: signal.Signals) -> bool:
    """Send a signal; False when the process is gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
