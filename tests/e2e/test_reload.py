"""New rules for running sessions: from the next PDU on, breaking nothing; a bad file changes nothing.

Both stacks' clients and load run through the pair while its policy is shut and opened again. Beside them, lines whose
two ends are this process ask in turn for what is forbidden when it is shut and for what never is: each request must be
answered once and in order, and whoever answers must have been asked.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from scripts.lab.evidence import Peers
from scripts.lab.lab import Lab
from scripts.lab.layout import PolicedSite, Timing
from scripts.lab.namespaces import kill
from scripts.lab.nodes import Node
from scripts.lab.programs import Program
from tests.e2e.detections.live import perform
from tests.e2e.detections.words import WRITTEN, opened
from tests.e2e.lines import Line, listen, take_over, until
from tests.e2e.test_denials import ALLOWED, FORBIDDEN, answer, request, take_frame
from tests.inspector import vectors
from tests.requirements import needs_root

pytestmark = needs_root

PATIENCE_S = 60.0
TIMING = Timing(interval_ms=200, lost_threshold=6, lease_ms=900)
PORT, LINES, ROUNDS = 2102, 3, 4
OPEN = """
policies:
  - {id: 1, name: open, default: pass}
  - {id: 2, name: load, default: pass}
"""
SHUT = """
policies:
  - id: 1
    name: shut
    default: deny
    peers:
      - name: lab
        addresses: [10.1.100.10/32]
        client_may:
          - {domain: null, names: ["*"], rights: [read]}
          - {domain: ICC1, names: ["*"], rights: [read, report]}
          - {domain: ICC1, names: ["DS_*", "TS_*"], rights: [write]}
  - {id: 2, name: load, default: pass}
"""
BAD = SHUT.replace("default: deny", "default: perhaps")
SIGNATURES = """
detections:
  - id: 1000001
    name: Set-point written
    when: {operation: Set Data Value}
    severity: low
    sets: [written]
"""
SERVED, DENIED = "served", "denied"


class Serving(threading.Thread):
    """A server that does what it is asked, and notes it."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(daemon=True)
        self._sock = sock
        self.asked: list[int] = []

    def run(self) -> None:
        while frame := take_frame(self._sock):
            number = self.asked[-1] + 1 if self.asked else 1
            while frame not in (request(ALLOWED, number), request(FORBIDDEN, number)):
                number += 1  # the ones between were denied
                assert number < 1 << 16
            self.asked.append(number)
            self._sock.sendall(answer(number) if number % 2 else written(number))


class Asking(threading.Thread):
    """A client that asks for what is allowed, odd numbers, and for what may not be, in turn."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self._sock = sock
        self._stopping = stopping
        self.outcomes: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        for number in count(1):
            if self._stopping.is_set() or self.wrong:
                return
            try:
                self.outcomes.append(self._ask(number))
            except (OSError, ValueError) as error:
                self.wrong.append(f"{number}: {error!r}")

    def _ask(self, number: int) -> str:
        self._sock.sendall(request(ALLOWED if number % 2 else FORBIDDEN, number))
        frame = take_frame(self._sock)
        fitting = {answer(number): SERVED} if number % 2 else {written(number): SERVED, vectors.denied(number): DENIED}
        if frame not in fitting:
            raise ValueError(frame.hex())
        return fitting[frame]

    def next_ones(self) -> list[str]:
        """What becomes of the next requests for what may not be, the one under way left out."""
        start = (len(self.outcomes) + 2) // 2 * 2 + 1
        until("answers", lambda: self.wrong or len(self.outcomes) >= start + 2 * ROUNDS, PATIENCE_S)
        assert not self.wrong, self.wrong
        return self.outcomes[start : start + 2 * ROUNDS : 2]


def written(number: int) -> bytes:
    return vectors.data(vectors.osi(vectors.response(WRITTEN, number)))


class Lines:
    """The lines, and the listener that their servers came by."""

    def __init__(self, lab: Lab) -> None:
        self._stopping = threading.Event()
        self._listener = listen(lab, PORT)
        self._lines = [Line(lab, self._listener, port=PORT) for _ in range(LINES)]
        for line in self._lines:
            perform(line, opened().messages)
            line.client.settimeout(PATIENCE_S)
            assert line.server is not None
            line.server.settimeout(None)
        self.servers = [Serving(line.server) for line in self._lines if line.server is not None]
        self.clients = [Asking(line.client, self._stopping) for line in self._lines]
        for thread in (*self.servers, *self.clients):
            thread.start()

    def outcomes(self) -> set[str]:
        """Of what may not be, asked from now on."""
        return {outcome for client in self.clients for outcome in client.next_ones()}

    def end(self) -> None:
        self._stopping.set()
        for client, server, line in zip(self.clients, self.servers, self._lines, strict=True):
            client.join(PATIENCE_S)
            line.client.shutdown(socket.SHUT_WR)
            server.join(PATIENCE_S)
            line.close()
            served = [number for number, outcome in enumerate(client.outcomes, 1) if outcome == SERVED]
            assert (client.wrong, server.asked) == ([], served)
        self._listener.close()


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab("erld-", timing=TIMING, site=PolicedSite(OPEN, (1, 2, 1), SIGNATURES)) as built:
        built.pair.start()
        built.pair.wait_ready()
        yield built


def start_peers(lab: Lab) -> tuple[list[Program], Program]:
    lab.start_servers(load_rate_kib=100.0)
    clients = [lab.start_clients(2), lab.start_second_stack()]
    for client in clients:
        until("reports", lambda client=client: client.latest.get("reports"), PATIENCE_S)
    return clients, lab.start_load(3, 600.0, 100.0)


def reload(lab: Lab, policy: str) -> list[str]:
    """Both nodes take the policy up, or not: what they say."""
    lab.layout.policy.write_text(policy)
    return [lab.tandem(node, "reload") for node in lab.pair.nodes]


def guarded(node: Node) -> set[bool]:
    return {row["guarded"] for row in node.ask("/sessions") if row["service"] != "load"}


def told(node: Node, message: str) -> list[dict[str, Any]]:
    return [event for event in node.ask("/events") if event["type"] == "config" and message in event["message"]]


def by_signal(lab: Lab, node: Node, policy: str) -> None:
    """SIGHUP to the guard, as a service manager sends it."""
    lab.layout.policy.write_text(policy)
    before = len(told(node, "reloaded"))
    kill(node.pids().guard, signal.SIGHUP)
    until("reloaded", lambda: len(told(node, "reloaded")) > before, PATIENCE_S)


def test_rules_change_under_running_sessions(lab: Lab) -> None:
    clients, load = start_peers(lab)
    lines = Lines(lab)
    active, passive = lab.pair.wait_ready()
    assert (lines.outcomes(), guarded(active)) == ({SERVED}, {False})

    reload(lab, SHUT)
    assert (lines.outcomes(), guarded(active)) == ({DENIED}, {True})
    for words in reload(lab, BAD):
        assert f"{lab.layout.policy}:5:14: policies[0].default" in words, words
    assert told(active, "refused") and told(passive, "refused")
    assert (lines.outcomes(), guarded(active)) == ({DENIED}, {True})
    lab.layout.policy.write_text(SHUT)
    assert take_over(lab, "planned") is passive
    active, passive = passive, active
    assert lines.outcomes() == {DENIED}, "by the rules that the new active node took up as passive"

    assert lab.pair.wait_ready() == (active, passive)  # and the passive has read its files
    by_signal(lab, active, OPEN)
    assert lines.outcomes() == {SERVED}
    until("unguarded", lambda: guarded(active) == {False}, PATIENCE_S)
    until("told that the nodes differ", lambda: active.status()["rules"]["differing"] == ["policies"], PATIENCE_S)
    assert told(passive, "different rules")
    by_signal(lab, passive, OPEN)
    until("alike again", lambda: active.status()["rules"]["differing"] == [], PATIENCE_S)
    lines.end()
    expect_unharmed(clients, load)


def expect_unharmed(clients: list[Program], load: Program) -> None:
    peers = Peers()
    for client in clients:
        peers.add_clients(client.stop())
    peers.add_load(load.stop(30.0))
    assert (peers.connections - peers.survived, peers.bytes_wrong, peers.complaints) == (0, 0, [])
    assert (peers.reports_missed, peers.reports_repeated) == (0, 0)


def test_tags_that_one_node_does_not_know_come_back_to_the_other(lab: Lab) -> None:
    first, second = lab.pair.wait_ready()
    config = lab.layout.config(second.name)
    config.write_text(without_signatures(config.read_text()))
    assert "custom tags" in lab.tandem(second, "reload")
    lines = Lines(lab)
    assert lines.outcomes() == {SERVED}
    until("unlike tags", lambda: "custom tags" in first.status()["rules"]["differing"], PATIENCE_S)
    assert tags(first) == {("written",)}
    for now_active in (second, first):
        assert take_over(lab, "planned") is now_active
        lines.outcomes()
        assert tags(now_active) == {("written",)}
    lines.end()


def tags(node: Node) -> set[tuple[str, ...]]:
    return {tuple(row["tags"]) for row in node.ask("/sessions")}


def without_signatures(text: str) -> str:
    head, _, tail = text.partition("signature_files:\n")
    assert tail
    return head + "\n".join(line for line in tail.splitlines() if not line.startswith(("- /", "  - /"))) + "\n"
