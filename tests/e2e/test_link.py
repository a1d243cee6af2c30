"""What stands between the nodes and whoever can read, record, alter and send on the network between them.

The pair's own traffic is captured while ICCP peers are served, searched for anything readable, and played back at both
nodes, as it was and altered: nothing of it is taken, and nothing comes of it. A host in the middle of the cable can end
the replication stream, and no more. Then the cluster key is changed.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from node.keys import Rotation, rotate
from protocol import messages
from protocol.frames import FrameWriter
from protocol.seal import KEY_BYTES, Sealer
from scripts.lab.lab import Lab
from scripts.lab.layout import LOAD_PORT, Timing
from scripts.lab.namespaces import inside
from scripts.lab.nodes import Node
from scripts.lab.programs import Program
from tests.e2e.lines import Line, cached, listen, receive, row, take_over, until
from tests.e2e.middle import Forgery, Middle, in_the_middle
from tests.e2e.sniffer import PORT, Injector, Sniffer, altered, contents, datagrams, opened, segments
from tests.inspector import vectors
from tests.requirements import needs_root, needs_tool

pytestmark = [needs_root, needs_tool("tcpdump")]

TIMING = Timing(interval_ms=200, lost_threshold=6, lease_ms=900)
PATIENCE_S = 60.0
UNAUTHENTICATED = "stream_refused_unauthenticated"
ADDRESSES = {"a": "10.78.0.1", "b": "10.78.0.2"}
VALUE = bytes.fromhex("0842f6e97955aa33cc")
"""The octets of a value that a report carries; they go through the pair ten times over."""
REPORT = vectors.data(vectors.osi(vectors.report(vectors.variables("ICC1/PT_1"), vectors.tlv(0x89, VALUE * 10))))
NAMES = (b"ICC1", b"BRK1", b"PT_0", b"PT_1", b"Transfer", b"Bilateral", b"TASE2", b"10.1.100.10")
"""Of objects and peers; a session's record says the addresses in text."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab("elnk-", timing=TIMING) as built:
        built.pair.start()
        built.pair.wait_ready()
        yield built


@pytest.fixture(scope="module")
def clients(lab: Lab) -> Program:
    lab.start_tase2_server()
    clients = lab.start_clients(2)
    until("reports", lambda: clients.latest.get("reports"), PATIENCE_S)
    return clients


@pytest.fixture
def line(lab: Lab) -> Iterator[Line]:
    listener = listen(lab, LOAD_PORT)
    line = Line(lab, listener)
    yield line
    line.close()
    listener.close()


def speak(line: Line) -> None:
    """Known octets go through the pair both ways."""
    assert line.server is not None
    for sender, receiver in ((line.client, line.server), (line.server, line.client)):
        sender.sendall(REPORT)
        assert receive(receiver, len(REPORT)) == REPORT


@pytest.fixture(scope="module")
def capture(lab: Lab, clients: Program) -> list[Any]:
    """Heartbeats, a stream from its opening on, sessions as they are and as they change."""
    _, passive = lab.pair.wait_ready()
    sniffer = Sniffer(lab, lab.layout.root / "link.pcap")
    take_over(lab, "planned")
    lab.pair.wait_ready()
    listener = listen(lab, LOAD_PORT)
    line = Line(lab, listener)
    speak(line)
    line.close()
    listener.close()
    beats = {node: received(node) for node in lab.pair.nodes}
    until("heartbeats", lambda: all(heard(node, earlier, 12) for node, earlier in beats.items()), PATIENCE_S)
    assert passive is lab.pair.active()
    return sniffer.stop()


def refused(node: Node, kind: str = "") -> dict[str, int]:
    counters = node.status()["counters"]
    return {name: count for name, count in counters.items() if f"{kind}_refused" in name}


def standing(lab: Lab) -> list[tuple[str, int]]:
    """Each node's role and epoch."""
    return [(status["role"], status["epoch"]) for status in (node.status() for node in lab.pair.nodes)]


def warnings(lab: Lab, node: Node, event: str, **fields: str) -> int:
    """How often the node's log says this, its fields beginning so."""
    records = (json.loads(line) for line in lab.layout.log(node.name).read_text().splitlines() if line.startswith("{"))
    told = (record for record in records if record.get("event") == event)
    return sum(all(record[name].startswith(words) for name, words in fields.items()) for record in told)


def test_nothing_is_readable(lab: Lab, capture: list[Any]) -> None:
    for destination in ADDRESSES.values():
        assert len(datagrams(capture, destination)) > 10
        assert segments(capture, destination)
    said = contents(capture)
    assert len(said) > 20 * len(VALUE)
    key = base64.b64decode((lab.layout.root / "cluster.key").read_bytes().split()[1])
    assert len(key) == 32
    assert [secret for secret in (*NAMES, VALUE) if secret in said] == []
    assert [at for at in range(27) if key[at : at + 6] in said] == []


@pytest.mark.parametrize("name", ADDRESSES)
def test_heartbeats_played_back_and_altered_are_refused(lab: Lab, capture: list[Any], name: str) -> None:
    node, before = lab.pair.node(name), standing(lab)
    told, counted = warnings(lab, node, "datagram refused"), sum(refused(node, "datagram").values())
    heartbeats = datagrams(capture, ADDRESSES[name])
    injector = Injector(lab, name)
    sent = 0
    for frame in heartbeats:
        payload = bytes(frame.data.data.data)
        for octets in (payload, *altered(payload)):
            injector.send(frame, octets)
            sent += 1
    injector.close()
    until("all refused", lambda: sum(refused(node, "datagram").values()) - counted >= sent * 0.9, PATIENCE_S)
    kinds = refused(node, "datagram")
    assert kinds["datagram_refused_unauthenticated"] and kinds["datagram_refused_replayed"]
    assert warnings(lab, node, "datagram refused") - told <= len(kinds), "a flood of them does not flood the log"
    assert standing(lab) == before
    lab.pair.wait_ready()


@pytest.mark.parametrize("role", ("active", "passive"))
def test_a_recorded_stream_does_not_open_another(lab: Lab, capture: list[Any], role: str) -> None:
    active, passive = lab.pair.wait_ready()
    node, other = (active, passive) if role == "active" else (passive, active)
    before, undisturbed = standing(lab), losses(lab)
    counted, told = sum(refused(node, "stream").values()), warnings(lab, node, "stream refused")
    recorded = opened(capture, ADDRESSES[node.name])[:16_384]
    attempts = [recorded, *(octets + recorded[200:] for octets in altered(recorded[:200]))]
    for octets in attempts:
        play(lab, octets, other, node)
    until("all refused", lambda: sum(refused(node, "stream").values()) == counted + len(attempts))
    kinds = refused(node, "stream")
    assert kinds["stream_refused_unauthenticated"]
    until("told", lambda: warnings(lab, node, "stream refused") > told)
    assert warnings(lab, node, "stream refused") - told <= len(kinds), "and no flood"
    assert (standing(lab), losses(lab)) == (before, undisturbed), "nor does it disturb the stream there is"
    assert active.status()["sync"] == passive.status()["sync"] == "in-sync"


def play(lab: Lab, octets: bytes, source: Node, destination: Node) -> None:
    """On a new connection, from the other node's own address. Nothing but a hello comes, and then the end."""

    def dial() -> socket.socket:
        return socket.create_connection((ADDRESSES[destination.name], PORT), 5, (ADDRESSES[source.name], 0))

    answer = b""
    with inside(lab.topology.namespace(source.name), dial) as sock, suppress(ConnectionError):
        sock.sendall(octets)
        while piece := sock.recv(4096):
            answer += piece
    assert len(answer) < 1200


@pytest.fixture(scope="module")
def middle(lab: Lab, capture: list[Any]) -> Iterator[Middle]:
    lab.pair.wait_ready()
    with in_the_middle(lab) as middle:
        yield middle


def turned(payload: bytes) -> bytes:
    """With its last bit turned."""
    return payload[:-1] + bytes([payload[-1] ^ 1])


WORDS: dict[str, messages.Message] = {"passive": messages.Handover(99), "active": messages.Commit(1_000_000)}
"""What would do harm if it were believed."""


@pytest.mark.parametrize("how", ("altered", "played back", "made up"))
@pytest.mark.parametrize("role", WORDS)
def test_a_host_in_the_middle_can_end_the_stream_and_no_more(
    lab: Lab, clients: Program, middle: Middle, line: Line, role: str, how: str
) -> None:
    """Its segments have the right numbers. Deltas go to the passive node, commits to the active one."""
    speak(line)
    active, passive = lab.pair.wait_ready()
    before = standing(lab), cached(passive, line, [len(REPORT)] * 2)
    node = passive if role == "passive" else active
    counted, told = refused(node, "stream").get(UNAUTHENTICATED, 0), breaks(lab, node)
    past = middle.hear(node.name, PATIENCE_S)
    made_up = FrameWriter(Sealer(bytes(KEY_BYTES))).frame(messages.pack((WORDS[role],)))
    forgeries: dict[str, Forgery] = {
        "altered": lambda payload: (turned(payload),),
        "played back": lambda payload: (payload, past),
        "made up": lambda payload: (payload, made_up),
    }
    middle.forge(node.name, forgeries[how], PATIENCE_S)
    until("refused", lambda: refused(node, "stream").get(UNAUTHENTICATED, 0) > counted, PATIENCE_S)
    assert same(row(passive, "/cache", line), before[1]), "what the passive node holds is what it held"
    until("told", lambda: breaks(lab, node) == told + 1)
    assert lab.pair.wait_ready() == (active, passive)
    assert standing(lab) == before[0]
    speak(line)
    cached(passive, line, [2 * len(REPORT)] * 2)
    reports = clients.latest["reports"]
    until("reports", lambda: clients.latest["reports"] > reports, PATIENCE_S)


def breaks(lab: Lab, node: Node) -> int:
    """How often the node has said that the stream ended because of what came on it."""
    return warnings(lab, node, "replication stream lost", reason="unauthenticated")


def same(here: dict[str, Any] | None, there: dict[str, Any]) -> bool:
    return here is not None and here | {"age_s": 0} == there | {"age_s": 0}


def losses(lab: Lab) -> list[int]:
    return [node.status()["counters"].get("stream_losses", 0) for node in lab.pair.nodes]


def test_the_key_is_changed_while_both_run(lab: Lab, clients: Program) -> None:
    active, passive = lab.pair.wait_ready()
    key = lab.layout.root / "cluster.key"
    old = key.read_bytes()
    before = [loss(node) for node in (active, passive)]
    seen = []
    for number, step in enumerate(Rotation):
        rotate(key, step)
        for node in (passive, active) if number % 2 else (active, passive):
            assert "in force" in lab.tandem(node, "reload")
            beats = received(active)
            until("heartbeats", lambda beats=beats: heard(active, beats), PATIENCE_S)
        seen.append([node.status()["keys"] for node in (active, passive)])
    assert [loss(node) for node in (active, passive)] == before, "no heartbeat missed or refused, no stream broken"
    assert all(here == there for here, there in seen)
    first, second, third = (here for here, _ in seen)
    assert (len(first), second, third) == (2, first[::-1], [first[1]])
    assert old.split()[1] not in key.read_bytes()
    assert take_over(lab, "worker") is passive, "its guard says so with the new key"
    assert passive.status()["last_takeover"]["reason"] == "peer-died"
    summary = clients.stop()
    assert (summary["survived"], summary["missed"], summary["errors"]) == (2, 0, [])


def received(node: Node) -> list[int]:
    """Heartbeats by link."""
    return [link["received"] for link in node.status()["links"]]


def heard(node: Node, earlier: list[int], more: int = 3) -> bool:
    return all(now >= before + more for now, before in zip(received(node), earlier, strict=True))


def loss(node: Node) -> Any:
    """What would tell that the pair was disturbed."""
    status = node.status()
    lost = status["counters"].get("stream_losses", 0), status["counters"].get("syncs", 0)
    return lost, refused(node), status["epoch"]
