"""How a process stands beside others when they all want the processor.

No real-time class for the worker: under load that would starve the kernel's own network threads, and the throttling of
real-time tasks would stop the worker for 50 ms in every second.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

SERVING = -10
"""The worker comes before ordinary processes."""
STARTING = -5
"""So does one that is coming up, but it gives way to one that serves."""
ORDINARY = 0
"""One that has served has no hurry."""
LAST = 19
"""What only makes ready gives way to everything."""


def set_niceness(pid: int, niceness: int) -> None:
    """Give a process its niceness, and its session's group of processes too, if the kernel schedules by such groups
    (sched(7), autogroup): between sessions only the groups' count. Without the right to it, nothing happens."""
    with suppress(PermissionError, ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
    set_group_niceness(pid, niceness)


def set_group_niceness(pid: int, niceness: int) -> None:
    """That of the session's group alone, which an ordinary process, too, may lower and raise again up to 0."""
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))
