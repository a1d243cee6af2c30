"""Plays talks through a pair: clients and servers are sockets of this process, each message is waited for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from inspector import Direction
from scripts.lab.lab import Lab
from scripts.lab.layout import ICCP_PORT, RELAXED, PolicedSite
from scripts.lab.namespaces import run
from tests.e2e.detections.peers import OUTSIDE
from tests.e2e.detections.policy import POLICIES, POLICY
from tests.e2e.detections.talks import Fate, Message, Talk
from tests.e2e.lines import Line, listen, receive, until

_NETWORK = "10.1.100"
_FIRST, _LAST = 11, 254


class Stage:
    """A lab whose services stand under policies 1, 2, 3 and so on; every play has clients of its own.

    So what is counted for a peer in one play counts for none of the others.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._ports = [ICCP_PORT + 1000 * place for place in range(len(POLICIES))]
        self._listeners = [listen(lab, port) for port in self._ports]
        self._known, self._others = count(_FIRST), count(OUTSIDE)
        lines = (f"addr add {_NETWORK}.{host}/24 dev eth0\n" for host in range(_FIRST, _LAST + 1))
        run("ip", "-n", lab.topology.namespace("client"), "-batch", "-", stdin="".join(lines))

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()

    def client(self, peer: int = 0) -> str:
        """The address of a client that nobody has seen yet; from OUTSIDE on, beyond what the strict policy names."""
        host = next(self._others if peer >= OUTSIDE else self._known)
        assert host < (_LAST if peer >= OUTSIDE else OUTSIDE), "no more addresses"
        return f"{_NETWORK}.{host}"

    def dial(self, policy: int, client: str) -> Line:
        """A connection to the service under a policy."""
        return Line(self.lab, self._listeners[policy - 1], port=self._ports[policy - 1], source=client)

    def refuses(self, policy: int, client: str) -> bool:
        """Whether a connection of this client ends before the server hears of it."""
        try:
            line = Line(self.lab, None, port=self._ports[policy - 1], source=client)
        except ConnectionError:
            return True
        try:
            return ended(line.client)
        finally:
            line.close()

    def play(self, talks: list[Talk], policy: int) -> Line:
        """All talks, one after the other; their connections end together. Returns the last one's."""
        clients = {peer: self.client(peer) for peer in dict.fromkeys(talk.peer for talk in talks)}
        lines = []
        try:
            for talk in talks:
                lines.append(self.dial(policy, clients[talk.peer]))
                perform(lines[-1], talk.messages)
            for line, talk in zip(lines, talks, strict=True):
                if talk.messages[-1].fate is not Fate.ENDS:
                    hang_up(line)
        finally:
            for line in lines:
                line.close()
        return lines[-1]

    def sids(self, line: Line) -> set[int]:
        """The signatures that have fired on a connection."""
        return {each["sid"] for each in self.events(line)}

    def events(self, line: Line, kind: str = "finding") -> list[dict[str, Any]]:
        """What the active node has told of a connection."""
        told = self.lab.pair.active().ask("/events")
        return [each for each in told if each["type"] == kind and each["client"] == line.name]

    def finding(self, line: Line, sid: int) -> dict[str, Any]:
        """The finding by a signature on a connection."""

        def look() -> dict[str, Any] | None:
            return next((each for each in self.events(line) if each["sid"] == sid), None)

        found: dict[str, Any] = until(f"a finding by {sid}", look)
        return found


@contextmanager
def staged(prefix: str) -> Iterator[Stage]:
    """A running pair under the policies, in a lab of its own."""
    with Lab(prefix, timing=RELAXED, site=PolicedSite(POLICY, POLICIES)) as lab:
        lab.pair.start()
        lab.pair.wait_ready()
        stage = Stage(lab)
        try:
            yield stage
        finally:
            stage.close()


def perform(line: Line, messages: list[Message]) -> None:
    """Send each message and see what becomes of it."""
    assert line.server is not None
    ends = (line.client, line.server)
    for message in messages:
        sender = ends[message.direction]
        receiver = ends[Direction(1 - message.direction)]
        sender.sendall(message.octets)
        if message.fate is Fate.ENDS:
            assert ended(receiver), "it must not arrive"
            assert ended(sender)
        elif message.fate is Fate.DENIED:
            assert receive(sender, len(message.back)) == message.back
        else:
            expected = message.back if message.fate is Fate.REPLACED else message.octets
            assert receive(receiver, len(expected)) == expected


def hang_up(line: Line) -> None:
    """End both directions; nothing more may be under way in either."""
    assert line.server is not None
    for sender, receiver in ((line.client, line.server), (line.server, line.client)):
        sender.shutdown(socket.SHUT_WR)
        assert receiver.recv(1) == b""


def ended(sock: socket.socket) -> bool:
    """Whether a connection ends without one octet more."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
