"""Several clients, one after the other, from the same port: the server sees both come from the pair's one address."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from scripts.lab.lab import Lab
from scripts.lab.namespaces import run
from tests.e2e.lines import Line, listen, receive
from tests.inspector.vectors import IDENTIFY
from tests.requirements import needs_root

pytestmark = needs_root

CLIENTS = ("10.1.100.61", "10.1.100.62", "10.1.100.63")
PORT = 40_404
ENDS: dict[str, Callable[[Line], None]] = {
    "client first": lambda line: _close(line.client, line.server),
    "server first": lambda line: _close(line.server, line.client),
}


def _close(first: socket.socket | None, second: socket.socket | None) -> None:
    assert first is not None and second is not None
    first.shutdown(socket.SHUT_WR)
    assert second.recv(1) == b""
    second.close()
    first.close()


def start(lab: Lab) -> None:
    """A running pair, and a client host of several addresses."""
    for client in CLIENTS:
        run("ip", "-n", lab.topology.namespace("client"), "addr", "add", f"{client}/24", "dev", "eth0")
    lab.pair.start()
    lab.pair.wait_ready()


@pytest.mark.parametrize("how", list(ENDS))
def test_a_port_that_was_just_used(lab: Lab, how: str) -> None:
    start(lab)
    with listen(lab) as listener:
        for client in CLIENTS:
            line = Line(lab, listener, source=client, source_port=PORT)
            line.client.sendall(IDENTIFY)
            assert line.server is not None
            assert receive(line.server, len(IDENTIFY)) == IDENTIFY
            ENDS[how](line)


def test_a_port_that_is_in_use(lab: Lab) -> None:
    start(lab)
    with listen(lab) as listener:
        lines = [Line(lab, listener, source=client, source_port=PORT) for client in CLIENTS]
        for line in lines:
            line.client.sendall(IDENTIFY)
            assert line.server is not None
            assert receive(line.server, len(IDENTIFY)) == IDENTIFY
        for line in lines:
            line.close()
