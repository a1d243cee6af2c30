"""Connections through the pair whose two ends are sockets of this process, each in its host's namespace."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from scripts.lab import topology
from scripts.lab.faults import FAILURES, boottime_ns
from scripts.lab.lab import Lab
from scripts.lab.layout import LOAD_PORT
from scripts.lab.namespaces import inside
from scripts.lab.nodes import Node

PATIENCE_S = 10.0


class Line:
    """A connection of the client through the pair, and the server's end of it."""

    def __init__(
        self,
        lab: Lab,
        listener: socket.socket | None,
        *,
        port: int = LOAD_PORT,
        source: str | None = None,
        source_port: int = 0,
    ) -> None:
        """Without a listener, whoever is the server does not belong to the test."""

        def dial() -> socket.socket:
            address = None if source is None else (source, source_port)
            return socket.create_connection((topology.CLIENT_VIRTUAL, port), PATIENCE_S, address)

        self.client = inside(lab.topology.namespace("client"), dial)
        self.client.settimeout(PATIENCE_S)
        self.server = accept(listener) if listener is not None else None
        self.name = "{}:{}".format(*self.client.getsockname())

    def close(self) -> None:
        for sock in (self.client, self.server):
            if sock is not None:
                sock.close()


def listen(lab: Lab, port: int = LOAD_PORT) -> socket.socket:
    """A socket of the server that takes connections."""

    def serve() -> socket.socket:
        return socket.create_server((topology.SERVER_ADDRESS, port), backlog=16)

    sock = inside(lab.topology.namespace("server"), serve)
    sock.settimeout(PATIENCE_S)
    return sock


def accept(listener: socket.socket) -> socket.socket:
    sock, _ = listener.accept()
    sock.settimeout(PATIENCE_S)
    return sock


def receive(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (piece := sock.recv(count - len(data))):
        data += piece
    return data


def until(what: str, look: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What `look` says as soon as it is true."""
    give_up_s = time.monotonic() + patience_s
    while time.monotonic() < give_up_s:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(f"never: {what}")


def row(node: Node, resource: str, line: Line) -> dict[str, Any] | None:
    return next((each for each in node.ask(resource) if each["client"] == line.name), None)


def cached(passive: Node, line: Line, received: list[int]) -> dict[str, Any]:
    """The session in the passive's cache, once it holds so many bytes from client and server."""

    def look() -> dict[str, Any] | None:
        found = row(passive, "/cache", line)
        return found if found is not None and found["bytes"] == received else None

    found: dict[str, Any] = until(f"{received} bytes in the cache", look)
    return found


def take_over(lab: Lab, kind: str) -> Node:
    """Strike the active node; returns the new one when it is active, both being a pair again."""
    active, passive = lab.pair.wait_ready()
    struck_ns = boottime_ns()
    FAILURES[kind].strike(lab.topology, active)
    status = lab.pair.wait_active(passive)
    assert status["last_takeover"]["announced_ns"] > struck_ns
    FAILURES[kind].mend(lab.topology, active)
    return passive
