"""A host that cannot run the node as configured: one clear message that says what to do, and exit code 2."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.lab import topology
from scripts.lab.lab import Lab
from scripts.lab.layout import ICCP_PORT
from scripts.lab.namespaces import command, inside, run
from scripts.lab.programs import REPOSITORY
from tests.requirements import needs_root, needs_tool

pytestmark = needs_root
SECONDS_MAX = 30.0


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(prefix="tref-") as lab:
        yield lab


def start(lab: Lab, *wrapper: str) -> tuple[int, str]:
    """Run node a, in a wrapper, until it gives up; its exit code and what it said."""
    node = (sys.executable, "-m", "node.cli", "run", str(lab.layout.config("a")))
    line = command(lab.topology.namespace("a"), *wrapper, *node)
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    said = "\n".join(text for text in done.stderr.splitlines() if not text.startswith('{"ts"'))
    return done.returncode, said


def refused(outcome: tuple[int, str], *words: str) -> None:
    code, said = outcome
    assert code == 2, said
    assert "Traceback" not in said
    for word in words:
        assert word in said


def test_an_address_that_somebody_else_has(lab: Lab) -> None:
    client = lab.topology.namespace("client")
    run("ip", "-n", client, "addr", "add", f"{topology.CLIENT_VIRTUAL}/24", "dev", "eth0")
    mac = topology.plug("client", "client").mac
    refused(start(lab), f"virtual address {topology.CLIENT_VIRTUAL}", mac, "free the address")


def test_a_listening_port_that_is_taken(lab: Lab) -> None:
    namespace = lab.topology.namespace("a")
    taken = inside(namespace, lambda: socket.create_server(("", ICCP_PORT)))
    with taken:
        refused(start(lab), f"{topology.CLIENT_VIRTUAL}:{ICCP_PORT}", "free the port")


@pytest.mark.parametrize(("kind", "name"), [(socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")])
def test_a_links_port_that_is_taken(lab: Lab, kind: socket.SocketKind, name: str) -> None:
    def take() -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        sock.bind(("10.78.0.1", 7410))
        if kind is socket.SOCK_STREAM:
            sock.listen()
        return sock

    with inside(lab.topology.namespace("a"), take):
        refused(start(lab), "link hb0", f"10.78.0.1:7410 ({name})", "port that nothing else uses")


@needs_tool("setpriv")
def test_a_missing_capability(lab: Lab) -> None:
    refused(start(lab, "setpriv", "--bounding-set=-net_admin", "--"), "NET_ADMIN", "tandem doctor")


@needs_tool("unshare")
def test_libbpf_that_is_not_there(lab: Lab) -> None:
    library = next(Path("/usr/lib").rglob("libbpf.so.1")).resolve()
    hide = f'mount --bind /dev/null {library} && exec "$@"'
    refused(start(lab, "unshare", "--mount", "sh", "-c", hide, "sh"), "libbpf", "tandem doctor")


def test_a_bad_configuration(lab: Lab) -> None:
    config = lab.layout.config("a")
    config.write_text(
        config.read_text().replace("lease_ms: 150", "lease_ms: 400").replace("priority: 200", "prio: 200")
    )
    refused(start(lab), "lease_ms", "prio", "a.yaml")


def test_a_node_that_runs_already(lab: Lab) -> None:
    first = lab.pair.node("a")
    first.start()
    first.wait("up", bool, SECONDS_MAX)
    began_s = time.monotonic()
    refused(start(lab), "running already", "stop it first")
    assert time.monotonic() - began_s < SECONDS_MAX
