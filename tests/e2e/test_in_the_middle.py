"""The primary dies in the middle of things; what is stated for each must be seen on the very connections.

| killed in the middle of                | what the peers see                                                      |
|----------------------------------------|-------------------------------------------------------------------------|
| a TPKT header, a TPDU, a segmented PDU | the rest arrives once, the PDU is named by the new primary              |
| five outstanding requests              | five answers, matched to their requests by the new primary's decoder    |
| a half-closed connection               | the other direction goes on to its end, then FIN                        |
| bytes forwarded, not yet told of      | they are not sent twice, and both directions go on at once              |
| a connection not yet open to the server| the client's connection lives; the new primary connects to the server   |

Client and server are sockets of this process, each in its host's namespace.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from scripts.lab import topology
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED
from tests.e2e.lines import Line, accept, cached, listen, receive, row, take_over, until
from tests.inspector import vectors
from tests.requirements import needs_root

pytestmark = needs_root

MEMBERS = ("ICC1/Transfer_Set_Name", "ICC1/DSConditions_Detected", *(f"ICC1/PT_{number}" for number in range(8)))
VALUES = (vectors.scoped("ICC1", "TS_1"), vectors.tlv(0x84, b"\x03\x20"), *[vectors.real()] * 8)
TRANSFER_REPORT = vectors.osi(vectors.report(vectors.variables(*MEMBERS), *VALUES))
REPORT = vectors.data(TRANSFER_REPORT)
SEGMENTED = vectors.data(TRANSFER_REPORT, segment=60)
KINDS = ("worker", "node", "planned")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(prefix="tmid-", timing=RELAXED) as lab:
        lab.pair.start()
        lab.pair.wait_ready()
        yield lab


@pytest.fixture
def listener(lab: Lab) -> Iterator[socket.socket]:
    sock = listen(lab)
    yield sock
    sock.close()


@pytest.fixture
def line(lab: Lab, listener: socket.socket) -> Iterator[Line]:
    line = Line(lab, listener)
    yield line
    line.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("pdu", "cut"),
    [(REPORT, 2), (REPORT, len(REPORT) // 2), (SEGMENTED, 100)],
    ids=["tpkt-header", "tpdu", "segmented-pdu"],
)
def test_in_the_middle_of_a_pdu(lab: Lab, line: Line, kind: str, pdu: bytes, cut: int) -> None:
    assert line.server is not None
    _, passive = lab.pair.wait_ready()
    line.client.sendall(pdu[:cut])
    line.server.sendall(pdu[:cut])
    before = cached(passive, line, [cut, cut])
    assert before["buffer_len"] == [cut, cut], "nothing of an undecided PDU is forwarded, all of it is held"
    now_active = take_over(lab, kind)
    line.client.sendall(pdu[cut:])
    line.server.sendall(pdu[cut:])
    assert receive(line.server, len(pdu)) == pdu
    assert receive(line.client, len(pdu)) == pdu
    after = until(
        "both PDUs named", lambda: (found := row(now_active, "/sessions", line)) and found["pdus"] == [1, 1] and found
    )
    assert (after["id"], after["serial"], after["bytes"]) == (before["id"], before["serial"], [len(pdu)] * 2)
    assert (after["app"], after["uninspected_pdus"]) == ("ICCP_Transfer.Reporting", 0)


@pytest.mark.parametrize("kind", KINDS)
def test_in_the_middle_of_five_outstanding_requests(lab: Lab, line: Line, kind: str) -> None:
    assert line.server is not None
    _, passive = lab.pair.wait_ready()
    service = vectors.read(vectors.variables("ICC1/PT_1"))
    requests = b"".join(vectors.data(vectors.osi(vectors.request(service, number))) for number in range(1, 6))
    answer = vectors.read_result(vectors.real())
    answers = b"".join(vectors.data(vectors.osi(vectors.response(answer, number))) for number in range(1, 6))
    line.client.sendall(requests)
    assert receive(line.server, len(requests)) == requests
    cached(passive, line, [len(requests), 0])
    now_active = take_over(lab, kind)
    line.server.sendall(answers)
    assert receive(line.client, len(answers)) == answers
    after = until(
        "five answers", lambda: (found := row(now_active, "/sessions", line)) and found["pdus"] == [5, 5] and found
    )
    assert after["uninspected_pdus"] == 0
    assert now_active.status()["counters"].get("findings", 0) == 0, "every answer was expected"


@pytest.mark.parametrize("kind", KINDS)
def test_in_the_middle_of_a_half_closed_connection(lab: Lab, line: Line, kind: str) -> None:
    assert line.server is not None
    _, passive = lab.pair.wait_ready()
    line.client.sendall(REPORT)
    line.client.shutdown(socket.SHUT_WR)
    assert receive(line.server, len(REPORT) + 1) == REPORT, "and then the end of file"
    cached(passive, line, [len(REPORT), 0])
    now_active = take_over(lab, kind)
    line.server.sendall(SEGMENTED + REPORT)
    assert receive(line.client, len(SEGMENTED) + len(REPORT)) == SEGMENTED + REPORT
    line.server.shutdown(socket.SHUT_WR)
    assert line.client.recv(1) == b"", "the server's FIN has come through"
    until("the session is over", lambda: row(now_active, "/sessions", line) is None)


@pytest.mark.parametrize("kind", ("worker", "node"))
def test_with_both_peers_ahead_of_what_the_passive_was_told(lab: Lab, line: Line, kind: str) -> None:
    """The stream's cable is pulled, and before it moves to the other link the primary dies too."""
    assert line.server is not None
    active, passive = lab.pair.wait_ready()
    line.client.sendall(REPORT)
    assert receive(line.server, len(REPORT)) == REPORT
    cached(passive, line, [len(REPORT), 0])
    burst = REPORT * (60_000 // len(REPORT))
    FAILURES["heartbeat-link"].strike(lab.topology, active)
    try:
        line.client.sendall(burst)
        line.server.sendall(burst)
        assert receive(line.server, len(burst)) == burst
        assert receive(line.client, len(burst)) == burst
        FAILURES[kind].strike(lab.topology, active)
        status = lab.pair.wait_active(passive)
        assert status["last_takeover"]["sessions"] == 1
    finally:
        FAILURES["heartbeat-link"].mend(lab.topology, active)
    began_s = time.monotonic()
    line.client.sendall(SEGMENTED)
    line.server.sendall(SEGMENTED)
    assert receive(line.server, len(SEGMENTED)) == SEGMENTED, "the burst is not sent again"
    assert receive(line.client, len(SEGMENTED)) == SEGMENTED
    assert time.monotonic() - began_s < 5, "the peers' retransmission timers do not pile up"
    total = len(REPORT) + len(burst) + len(SEGMENTED)
    after = until("all bytes seen", lambda: row(passive, "/sessions", line))
    assert after["bytes"] == [total, total - len(REPORT)]
    FAILURES[kind].mend(lab.topology, active)


@pytest.mark.parametrize("kind", ("worker", "node"))
def test_in_the_middle_of_a_connection_that_is_not_open_yet(lab: Lab, listener: socket.socket, kind: str) -> None:
    active, passive = lab.pair.wait_ready()
    cable = topology.plug("server", "server").port
    lab.topology.unplug([cable])
    line = Line(lab, None)
    try:
        line.client.sendall(REPORT)
        before = until("half a session in the cache", lambda: row(passive, "/cache", line))
        assert (before["complete"], before["bytes"]) == (False, [0, 0]), "no byte is taken before both legs stand"
        lab.topology.plug_in([cable])
        now_active = take_over(lab, kind)
        line.server = accept(listener)
        assert receive(line.server, len(REPORT)) == REPORT
        after = until("the session", lambda: row(now_active, "/sessions", line))
        assert after["serial"] == before["serial"]
    finally:
        lab.topology.plug_in([cable])
        line.close()
    assert active is not now_active
