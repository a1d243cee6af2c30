"""What went over the lab's wires on both sides of the pair: taken down by tcpdump, told by `tandem inspect`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.lab.lab import Lab
from scripts.lab.namespaces import command
from scripts.lab.programs import REPOSITORY

_BEGIN_S = 10.0
_SETTLE_S = 0.5


@contextmanager
def captured(lab: Lab, port: int, file: Path) -> Iterator[None]:
    """Every octet to and from a server's port, on both networks, each packet once: as it comes in at the switch."""
    arguments = ("-i", "any", "-Q", "in", "-n", "-U", "-s", "0", "-Z", "root", "-w", str(file), f"tcp port {port}")
    line = command(lab.topology.namespace("switch"), "tcpdump", *arguments)
    with subprocess.Popen(line, stderr=subprocess.DEVNULL, start_new_session=True) as tcpdump:
        try:
            give_up_s = time.monotonic() + _BEGIN_S
            while not file.exists() or not file.stat().st_size:
                assert time.monotonic() < give_up_s, "tcpdump does not begin"
                time.sleep(0.02)
            yield
            time.sleep(_SETTLE_S)
        finally:
            tcpdump.terminate()


def inspected(file: Path) -> list[dict[str, Any]]:
    """Each PDU of a capture, and the summary last."""
    line = (sys.executable, "-m", "node.cli", "inspect", str(file), "--json")
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(each) for each in done.stdout.splitlines()]
