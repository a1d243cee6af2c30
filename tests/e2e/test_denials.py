"""A bilateral table in front of a real server: what it does not list is denied, and the associations live on.

The clients are the two independent stacks. In the middle of its reports each asks for a foreign set-point, an operate,
the names of a foreign domain and a data set of its own making, and must get the MMS error object-access-denied each
time. The server would have said something else; it counts what it is asked, and must never hear of any.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from itertools import count

import pytest

from scripts.lab.lab import Lab
from scripts.lab.layout import LOAD_PORT, RELAXED
from scripts.lab.nodes import Node
from scripts.lab.programs import Program
from tests.e2e.detections.live import perform
from tests.e2e.detections.words import opened
from tests.e2e.lines import PATIENCE_S, Line, listen, receive, take_over, until
from tests.inspector import vectors
from tests.inspector.vectors import variables
from tests.requirements import needs_root

pytestmark = needs_root

POLICY = """
policies:
  - id: 1
    name: east
    default: deny
    unknown_peer: reset
    peers:
      - name: east
        addresses: [10.1.100.10/32]
        client: {ap_title: ["1.1.999.1"], ae_qualifier: [12]}
        server: {tsap: ["0001"]}
        client_may:
          - {domain: null, names: ["*"], rights: [read]}
          - {domain: ICC1, names: ["*"], rights: [read, report]}
          - {domain: ICC1, names: ["DS_*", "TS_*"], rights: [write]}
          - {domain: ICC1, names: [BRK1], rights: [select, operate, tag]}
          - {domain: "@", names: [IM_Transfer_Set], rights: [write]}
"""
DENIED = {
    "write": "Write ICC2/SP_1",
    "operate": "Write ICC1/BRK2",
    "names": "GetNameList ICC2/",
    "data set": "DefineNamedVariableList ICC1/SECRET",
}
"""What the clients must not have, by their names for it and as the server would count it."""
ASSOCIATIONS = 2
ROUNDS = 5
LINES, BATCH = 3, 4
FORBIDDEN = vectors.write(variables("ICC1/SP_1"), vectors.integer(1, 0x85))
ALLOWED = vectors.read(variables("ICC1/PT_1"))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab("eden-", timing=RELAXED, policy=POLICY) as lab:
        lab.pair.start()
        lab.pair.wait_ready()
        yield lab


@pytest.mark.parametrize("kind", ["worker", "planned"])
def test_denied_the_clients_go_on_and_the_server_never_hears_of_it(lab: Lab, kind: str) -> None:
    server = lab.start_tase2_server()
    clients = [lab.start_trespassers(ASSOCIATIONS), lab.start_second_stack("--trespass")]
    for client in clients:
        until_denied(client, ROUNDS)
    before = denials_told(lab.pair.active())
    reports = [client.latest["reports"] for client in clients]
    now_active = take_over(lab, kind)
    for client in clients:
        until_denied(client, ROUNDS)
    until("denials on every session", lambda: all(each["denied"] for each in now_active.ask("/sessions")))
    told, found = denials_told(now_active), denials_told(now_active, "finding")
    summaries = [client.stop() for client in clients]
    served = server.stop()
    assert set(DENIED.values()).isdisjoint(served["requests"])
    assert {"Write ICC1/BRK1", "Read ICC1/Bilateral_Table_ID"} <= set(served["requests"])
    assert before == {"Set Data Value", "Get Data Value Names", "Create Data Set"}
    assert told == before
    assert found == {"Set Data Value", "Create Data Set"}, "of names, the primary before has told within the minute"
    for summary, earlier in zip(summaries, reports, strict=True):
        assert (summary["errors"], summary["survived"]) == ([], summary["associations"])
        assert set(summary["denied"]) == set(DENIED)
        assert (summary["missed"], summary["repeated"], summary["reordered"]) == (0, 0, 0)
        assert summary["reports"] > earlier > 0


def until_denied(client: Program, rounds: int, patience_s: float = PATIENCE_S) -> None:
    """Wait until each kind was denied so many times more."""
    goal = {kind: denials(client).get(kind, 0) + rounds for kind in DENIED}

    def look() -> bool:
        assert client.running, client.latest
        return all(denials(client).get(kind, 0) >= wanted for kind, wanted in goal.items())

    until(f"{rounds} denials of each kind at {client.name}", look, patience_s)


def denials(client: Program) -> dict[str, int]:
    found: dict[str, int] = client.latest.get("denied", {})
    return found


def denials_told(node: Node, *kinds: str) -> set[str]:
    """The operations that the active node says it has denied since it took over; in events of these kinds, or any."""
    epoch = node.ask("/status")["epoch"]
    denied = [each for each in node.ask("/events") if each.get("verdict") == "deny" and each["epoch"] == epoch]
    return {each["operation"] for each in denied if not kinds or each["type"] in kinds}


class Answering(threading.Thread):
    """A server that answers each read with its invoke ID, and notes them in the order in which they come."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(daemon=True)
        self._sock = sock
        self.asked: list[int] = []
        self.strange: list[bytes] = []

    def run(self) -> None:
        while frame := take_frame(self._sock):
            number = self._next()
            if frame == request(ALLOWED, number):
                self.asked.append(number)
                self._sock.sendall(answer(number))
            else:
                self.strange.append(frame)

    def _next(self) -> int:
        """The invoke ID that must come: of each batch, the even ones are forbidden."""
        return self.asked[-1] + 2 if self.asked else 1


class Hammering(threading.Thread):
    """A client that asks for what is allowed and what is not in turn, several at once, and checks every octet."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self._sock = sock
        self._stopping = stopping
        self.batches = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        numbers = count(1)
        while not self._stopping.is_set() and not self.wrong:
            batch = [next(numbers) for _ in range(BATCH)]
            try:
                self._ask(batch)
            except OSError as error:
                self.wrong.append(repr(error))
            self.batches += 1

    def _ask(self, batch: list[int]) -> None:
        """Denials overtake answers, but each kind keeps its order."""
        self._sock.sendall(b"".join(request(ALLOWED if nr % 2 else FORBIDDEN, nr) for nr in batch))
        frames = [take_frame(self._sock) for _ in batch]
        refusals = [vectors.denied(nr) for nr in batch if nr % 2 == 0]
        if [frame for frame in frames if frame in refusals] != refusals:
            self.wrong.append(f"batch {batch}: denials {frames}")
        if [frame for frame in frames if frame not in refusals] != [answer(nr) for nr in batch if nr % 2]:
            self.wrong.append(f"batch {batch}: answers {frames}")


def request(service: bytes, number: int) -> bytes:
    return vectors.data(vectors.osi(vectors.request(service, number)))


def answer(number: int) -> bytes:
    result = vectors.read_result(vectors.integer(number, 0x85))
    return vectors.data(vectors.osi(vectors.response(result, number)))


def take_frame(sock: socket.socket) -> bytes:
    """One TPKT; nothing at the end."""
    head = receive(sock, 4)
    return head + receive(sock, struct.unpack("!2xH", head)[0] - 4) if head else b""


@pytest.mark.parametrize("kind", ["worker", "node"])
def test_hammered_while_the_primary_dies_every_request_is_answered_once(lab: Lab, kind: str) -> None:
    stopping = threading.Event()
    listener = listen(lab, LOAD_PORT)
    lines = [Line(lab, listener) for _ in range(LINES)]
    for line in lines:
        perform(line, opened().messages)
    servers = [Answering(server_end(line)) for line in lines]
    clients = [Hammering(line.client, stopping) for line in lines]
    threads: list[threading.Thread] = [*servers, *clients]
    for thread in threads:
        thread.start()
    await_batches(clients)
    take_over(lab, kind)
    await_batches(clients)
    stopping.set()
    for client, server, line in zip(clients, servers, lines, strict=True):
        client.join(PATIENCE_S)
        hang_up(line, server)
    listener.close()
    assert [client.wrong for client in clients] == [[]] * LINES
    assert [server.strange for server in servers] == [[]] * LINES
    for client, server in zip(clients, servers, strict=True):
        assert server.asked == list(range(1, client.batches * BATCH, 2)), "each once, in order, and no other"


def await_batches(clients: list[Hammering]) -> None:
    """Wait until each client is some batches further, or has complained."""
    goals = [client.batches + ROUNDS for client in clients]

    def look() -> bool:
        return all(client.wrong or client.batches >= goal for client, goal in zip(clients, goals, strict=True))

    until(f"{ROUNDS} batches more", look)


def hang_up(line: Line, server: Answering) -> None:
    """The client ends, the server hears of it; nothing more is under way to the client."""
    line.client.shutdown(socket.SHUT_WR)
    server.join(PATIENCE_S)
    server_end(line).shutdown(socket.SHUT_WR)
    assert line.client.recv(1) == b""
    line.close()


def server_end(line: Line) -> socket.socket:
    assert line.server is not None
    return line.server
