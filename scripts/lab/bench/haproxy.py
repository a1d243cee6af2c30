"""HAProxy in TCP mode, between the lab's two networks: what a relay costs that does not look inside."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from scripts.lab import topology
from scripts.lab.bench import places
from scripts.lab.lab import Lab
from scripts.lab.layout import ICCP_PORT
from scripts.lab.namespaces import LabError
from scripts.lab.programs import spawn

_PROGRAM: Final = "haproxy"
_CONFIG: Final = f"""\
global
    maxconn 100
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen iccp
    bind {places.HAPROXY_ADDRESS}:{ICCP_PORT}
    server server {topology.SERVER_ADDRESS}:{ICCP_PORT}
"""


def version() -> str:
    """What it calls itself. Raises LabError when it is not installed."""
    if shutil.which(_PROGRAM) is None:
        raise LabError("haproxy is not installed: scripts/setup.sh --bench does it")
    done = subprocess.run([_PROGRAM, "-v"], capture_output=True, text=True, check=False)
    return f"HAProxy {done.stdout.split()[2]}"


@contextmanager
def running(lab: Lab) -> Iterator[None]:
    """HAProxy in its namespace, in the foreground, with its defaults but for the time-outs."""
    config = lab.layout.root / "haproxy.cfg"
    config.write_text(_CONFIG)
    namespace = lab.topology.namespace(places.HAPROXY)
    process = spawn(namespace, lab.layout.log(_PROGRAM), _PROGRAM, "-db", "-f", str(config))
    try:
        yield
    finally:
        process.kill()
        process.wait()
