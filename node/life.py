"""One life of a node as a process of its own.

python -m node.life ORDERS          started by the guard only; ORDERS is JSON (node/child.py)
"""

from __future__ import annotations

import gc
import json
import resource
import socket
import sys
from pathlib import Path

import uvloop

from node import exits, log
from node.child import Orders
from node.config import Config, ConfigErrors, load
from node.errors import StartupError
from node.kernel.errors import KernelError
from node.keys import KeyFileError
from node.worker import Worker

FILES_BESIDES = 256


def _allow_sockets(sessions: int) -> None:
    """Two sockets a session and some; raises StartupError when the host's hard limit is lower."""
    wanted = 2 * sessions + FILES_BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise StartupError(
            f"limits.sessions: {sessions} sessions need {wanted} open files, and this process may have {hard}",
            "raise the limit (LimitNOFILE= of the service, ulimit -Hn), or lower limits.sessions",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, soft), hard))


def _settle_memory() -> None:
    """What is loaded now stays: the collector need not look at it, nor often at the rest (a pause is a stutter)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _live(orders: Orders, config: Config, guard: socket.socket) -> int:
    worker = Worker(orders, config, guard)
    _settle_memory()
    return await worker.run()


def main() -> int:
    """Run one life with the orders given."""
    orders = Orders(**json.loads(sys.argv[1]))
    try:
        config = load(Path(orders.config))
    except ConfigErrors as errors:
        print(f"tandem: a new life cannot begin with these files\n{errors}", file=sys.stderr, flush=True)
        return exits.BAD_FILES
    log.configure(config.log, node=config.node.name)
    guard = socket.socket(fileno=orders.tether)
    guard.setblocking(False)
    try:
        _allow_sockets(config.limits.sessions)
        return uvloop.run(_live(orders, config, guard))
    except (StartupError, KernelError, KeyFileError) as error:
        print(f"tandem: {error}", file=sys.stderr, flush=True)
        return exits.BAD_HOST


if __name__ == "__main__":
    sys.exit(main())
