"""A new user with the Debian package and the README alone: two hosts, each node as its systemd unit runs it.

The hosts are overlays with the package installed by dpkg and the source tree hidden; the service manager is a small
one of the lab's (scripts/lab/unit.py), which runs the unit's own command as the unit's user, with exactly the unit's
capabilities, system calls and writable directories. Heartbeats are slower than in the examples: machines stutter.
"""

import os
import re
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.lab import installed, namespaces
from scripts.lab.installed import InstalledLab
from scripts.lab.programs import REPOSITORY
from scripts.lab.unit import wait_until
from tests.requirements import needs_root, needs_tool

pytestmark = [needs_root, needs_tool("dpkg-deb"), needs_tool("systemd-analyze")]

CODE = ("inspector", "protocol", "node")
ASSOCIATIONS = 3
SETTLE_S = 1.0
IMPATIENT_S = 4.0
READY_S = 90.0
EDITS = {
    "interval_ms: 50": "interval_ms: 100",
    "lost_threshold: 4": "lost_threshold: 5",
    "lease_ms: 150": "lease_ms: 350",
    "fifo: null": "fifo: /run/tandem/states",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package, built from this tree."""
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(["scripts/package", str(out)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wheel, package = (Path(line) for line in done.stdout.split())
    tracked = subprocess.run(["git", "ls-files", *CODE], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= set(zipfile.ZipFile(wheel).namelist()), "all of it is in the wheel"
    return package


@pytest.fixture(scope="module")
def lab(package: Path) -> Iterator[InstalledLab]:
    with InstalledLab("e2e-pkg-", package) as built:
        configure(built)
        yield built


def configure(lab: InstalledLab) -> None:
    """The README's lines for a real pair, on both hosts, as they stand there."""
    for host in lab.hosts:
        for line in readme_lines():
            if line.startswith(("apt install", "systemctl", "editor")):
                continue  # the lab has installed it; the lab starts it; the addresses of the examples are the lab's
            if "keygen" in line and host.name == "b":
                installed.copy("/etc/tandem/cluster.key", lab.hosts[0], host)
                continue
            host.run(line.replace("node-a", f"node-{host.name}"))
            if line.startswith("cp "):
                config = host.path("/etc/tandem/node.yaml")
                text = config.read_text()
                for old, new in EDITS.items():
                    text = text.replace(old, new)
                config.write_text(text)


def readme_lines() -> list[str]:
    text = (REPOSITORY / "README.md").read_text()
    section = text.split("\n## A real pair\n")[1].split("\n## ")[0]
    lines = [re.split(r"\s+#", line)[0].strip() for line in section.splitlines() if line.startswith("    ")]
    return [line for line in lines if line]


def test_a_pair_from_the_readme_takes_over_as_a_unit(lab: InstalledLab) -> None:
    lab.pair.start()
    active, passive = lab.pair.wait_ready(READY_S)
    a, b = lab.node("a").service, lab.node("b").service
    assert a is not None and b is not None
    assert (active.name, active.status()["takeover"], active.status()["missing"]) == ("a", "hitless", [])
    wait_until("in words", lambda: a.status == "active, epoch 1, the standby is ready")
    confinement(active.pids().worker)
    lab.start_tase2_server()
    clients = lab.start_clients(ASSOCIATIONS)
    clients.wait_for_progress(30.0)

    # the files are read by a process of its own, under the same filter
    assert f"{ASSOCIATIONS} running ones" in lab.hosts[0].run("tandem reload /etc/tandem/node.yaml")
    confinement(waiting_reader(active.pids().worker))

    # the worker stalls: its guard ends it, the other node takes over, the service never was down
    namespaces.kill(active.pids().worker, signal.SIGSTOP)
    status = lab.pair.wait_active(passive)
    assert (status["last_takeover"]["sessions"], status["last_takeover"]["reset"]) == (ASSOCIATIONS, 0)
    lab.pair.wait_ready(READY_S)
    assert a.ready.is_set() and a.ends == [] and b.ends == []
    assert states(lab.node("a").host.path("/run/tandem/states"))[:4] == ["BACKUP", "MASTER", "FAULT", "BACKUP"]
    assert "the worker died: starting another" in [message.get("STATUS") for _, message in a.messages]

    # the guard stalls: the watchdog starves, the service is ended and started again, connections live on
    fed = b.count("WATCHDOG")
    wait_until("fed", lambda: b.count("WATCHDOG") > fed)
    b.watchdog_s = IMPATIENT_S
    namespaces.kill(passive.pids().guard, signal.SIGSTOP)
    wait_until("starved", lambda: b.ends == ["watchdog", str(-signal.SIGABRT)])
    b.watchdog_s = a.watchdog_s
    wait_until("started again", b.ready.is_set)
    lab.pair.wait_ready(READY_S)
    time.sleep(SETTLE_S)

    # SIGTERM: it hands over, and says that it stops
    active = lab.pair.active()
    assert active.name == "a"
    lab.node("a").stop()
    assert a.count("STOPPING") == 1 and a.ends == ["0"]
    assert lab.pair.wait_active(lab.node("b"))["last_takeover"]["reset"] == 0
    time.sleep(SETTLE_S)
    seen = clients.stop()
    assert (seen["survived"], seen["missed"]) == (ASSOCIATIONS, 0), seen


def states(fifo: Path) -> list[str]:
    """What a node has told at its FIFO."""
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    told = os.read(descriptor, 4096).decode().splitlines()
    os.close(descriptor)
    return [line.split()[2] for line in told]


def confinement(pid: int) -> None:
    """A process of the node is the unit's user with the unit's capabilities and filter."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert "0" not in status["Uid"].split()
    assert (status["CapEff"], status["CapBnd"]) == ("000000c000803400",) * 2
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def waiting_reader(worker: int) -> int:
    """The process that waits to read the files for a worker."""

    def found() -> list[int]:
        threads = Path(f"/proc/{worker}/task").glob("*/children")
        children = [pid for each in threads for pid in each.read_text().split()]
        return [int(pid) for pid in children if b"node.reading" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    wait_until("waits to read", found)
    return found()[0]


def test_the_unit_is_exposed_little() -> None:
    words = namespaces.run("systemd-analyze", "security", "--offline=true", "configs/tandem.service", check=False)
    assert float(re.findall(r"Overall exposure level for tandem.service: ([\d.]+)", words)[0]) <= 2.5
