"""A relay between two real TCP connections on loopback, without a gate: what passes, what is told, how it ends."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from inspector import Action, Direction, Result, Stack
from inspector.judge import Policing
from node import clock
from node.arrivals import Arrivals
from node.decoder import LiveDecoder
from node.end import End
from node.kernel import tcp
from node.relay import Mark, Relay, Surroundings
from node.turns import Turns
from protocol import messages
from protocol.cache import SessionCache
from protocol.messages import Message
from protocol.session import Leg, Session
from tests.inspector import vectors
from tests.inspector.checking import ICCP, Recorder, answer
from tests.protocol.test_session import Decoder

PDU = vectors.data(vectors.osi(vectors.report(vectors.variable_list("ICC1/DS_1"), vectors.real())))
BUFFER_BYTES = 64 * 1024


def connection() -> tuple[socket.socket, socket.socket]:
    """A peer's socket and the relay's, connected."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    for sock in (peer, ours):
        sock.setblocking(False)
    return peer, ours


class Bench:
    """Two peers with a relay between them; what it tells goes into a passive's cache."""

    def __init__(self, on_undecodable: Any = "reset") -> None:
        self.loop = asyncio.get_running_loop()
        self.told: list[Message] = []
        self.results: list[Result] = []
        self.closed: str | None = None
        self.withholding = False
        self.cache = SessionCache(Decoder, 10)
        self.client, client_side = connection()
        self.server, server_side = connection()
        stack = Stack(on_undecodable=on_undecodable)
        legs: list[Leg | None] = [Leg(tcp.describe(sock).to_wire(), 0, 0) for sock in (client_side, server_side)]
        session = Session(1, "iccp", "client", "server", 0.0, legs, LiveDecoder(stack))
        turns = Turns(self.loop)
        around = Surroundings(
            loop=self.loop,
            turns=turns,
            arrivals=Arrivals(self.loop, turns.ready),
            publisher=self,
            acks=None,
            buffer_bytes=BUFFER_BYTES,
            clock_s=clock.boottime_s,
            on_result=lambda _, result: self.results.append(result),
            on_closed=self._on_closed,
            on_fault=self._on_fault,
        )
        self.relay = Relay(session, stack, around, 60.0)
        for number, sock in enumerate((client_side, server_side)):
            leg = legs[number]
            assert leg is not None
            self.relay.attach(End(self.relay, number, sock, leg, None))
        self.relay.announce()
        self.relay.start()

    def publish(self, relay: Relay, message: Message, marks: Sequence[Mark]) -> None:
        self.told.append(message)
        if not isinstance(message, messages.Data):
            self.cache.apply([message])
        else:
            self.cache.apply([message._replace(delta=None)])
        for waiter, position in () if self.withholding else marks:
            waiter(position)

    def _on_closed(self, _relay: Relay, reason: str) -> None:
        self.closed = reason

    def _on_fault(self, _relay: Relay, error: Exception) -> None:
        raise error

    async def received(self, sock: socket.socket, count: int) -> bytes:
        data = b""
        async with asyncio.timeout(5):
            while len(data) < count and (piece := await self.loop.sock_recv(sock, count - len(data))):
                data += piece
        return data

    async def say(self, direction: int, octets: bytes) -> None:
        """One peer's words, and the other one hears them."""
        speaker, hearer = (self.client, self.server)[:: -1 if direction else 1]
        await self.loop.sock_sendall(speaker, octets)
        assert await self.received(hearer, len(octets)) == octets

    async def over(self) -> str:
        async with asyncio.timeout(5):
            while self.closed is None:
                await asyncio.sleep(0.005)
        return self.closed


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.relay.abort("the test is over")
    bench.client.close()
    bench.server.close()


async def test_whole_pdus_pass_both_ways_and_the_passive_holds_the_same(bench: Bench) -> None:
    await bench.loop.sock_sendall(bench.client, PDU * 3)
    assert await bench.received(bench.server, 3 * len(PDU)) == PDU * 3
    await bench.loop.sock_sendall(bench.server, PDU)
    assert await bench.received(bench.client, len(PDU)) == PDU
    assert [leg.to_wire()[3:] for leg in bench.cache.sessions[1].legs if leg] == [
        leg.to_wire()[3:] for leg in bench.relay.session.legs if leg
    ]


async def test_no_byte_of_an_undecided_pdu_passes(bench: Bench) -> None:
    await bench.loop.sock_sendall(bench.client, PDU + PDU[:-1])
    assert await bench.received(bench.server, len(PDU)) == PDU
    await asyncio.sleep(0.05)
    with pytest.raises(BlockingIOError):
        bench.server.recv(1)
    assert bytes(bench.cache.sessions[1].leg(0).held) == PDU[:-1]
    await bench.loop.sock_sendall(bench.client, PDU[-1:])
    assert await bench.received(bench.server, len(PDU)) == PDU


async def test_who_is_ahead_may_answer_what_only_the_dead_node_saw(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(lambda _: Action.PASS)
    bench.relay.stack.hold_to("reset", Policing(rules=recorder))  # type: ignore[arg-type]
    _, unasked = answer(vectors.tlv(0xA2, vectors.tlv(0x80, "V")), 7)
    for direction, octets in ICCP:
        await bench.say(direction, octets)
    bench.relay.level = False
    monkeypatch.setattr(End, "ahead", True)
    await bench.say(Direction.SERVER_TO_CLIENT, unasked)
    assert "orphan-invoke-id" not in {event.code for event in recorder.events}
    monkeypatch.setattr(End, "ahead", False)
    await bench.say(Direction.SERVER_TO_CLIENT, unasked)
    assert recorder.events[-1].code == "orphan-invoke-id"


async def test_what_cannot_be_decoded_resets_both(bench: Bench) -> None:
    await bench.loop.sock_sendall(bench.client, b"GET / HTTP/1.1\r\n\r\n")
    assert await bench.over() == "undecodable traffic"
    for sock in (bench.client, bench.server):
        with pytest.raises(ConnectionResetError):
            await bench.received(sock, 1)
    assert bench.told[-1] == messages.Closed(1, "undecodable traffic")


async def test_or_passes_uninspected_if_so_configured_and_is_counted() -> None:
    bench = Bench(on_undecodable="pass")
    await bench.loop.sock_sendall(bench.server, PDU[:10])  # held the other way: must not be stuck for ever
    await bench.loop.sock_sendall(bench.client, b"GET / HTTP/1.1\r\n\r\n")
    assert await bench.received(bench.server, 18) == b"GET / HTTP/1.1\r\n\r\n"
    assert await bench.received(bench.client, 10) == PDU[:10]
    assert bench.relay.uninspected > 0
    bench.relay.abort("the test is over")


async def test_each_direction_ends_by_itself(bench: Bench) -> None:
    await bench.loop.sock_sendall(bench.client, PDU)
    bench.client.shutdown(socket.SHUT_WR)
    assert await bench.received(bench.server, len(PDU) + 1) == PDU
    assert messages.Ended(1, 0) in bench.told
    await bench.loop.sock_sendall(bench.server, PDU)
    assert await bench.received(bench.client, len(PDU)) == PDU
    bench.server.shutdown(socket.SHUT_WR)
    assert await bench.received(bench.client, 1) == b""
    assert await bench.over() == "finished"
    assert not bench.cache.sessions


async def test_a_farewell_to_a_peer_that_is_gone_ends_the_session(bench: Bench) -> None:
    bench.client.close()
    assert await bench.received(bench.server, 1) == b""
    await bench.loop.sock_sendall(bench.server, PDU)
    bench.server.shutdown(socket.SHUT_WR)
    assert await bench.over() == "finished", "what it resets will never be acknowledged"


async def test_a_reset_goes_through(bench: Bench) -> None:
    bench.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    bench.server.close()
    assert (await bench.over()).startswith("server connection")
    with pytest.raises(ConnectionResetError):
        await bench.received(bench.client, 1)


async def test_a_peer_that_has_gone_before_a_takeover_ends_its_session_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first words on a restored socket are answered with a reset: its other end is not to be spoken on any more."""

    def go_live(_sock: socket.socket, *, probe: bool) -> None:
        assert bench.closed is None, "of a session that lives"
        bench.relay.abort("client connection: Connection reset by peer")

    monkeypatch.setattr(tcp, "go_live", go_live)
    bench.relay.revive()
    assert bench.closed == "client connection: Connection reset by peer"


async def test_a_peer_that_does_not_read_stops_the_other(bench: Bench) -> None:
    stream = PDU * 4000
    sending = asyncio.create_task(bench.loop.sock_sendall(bench.client, stream * 64))
    async with asyncio.timeout(60):
        while bench.relay.ends[0].reading:  # type: ignore[union-attr]
            await asyncio.sleep(0.005)
    sending.cancel()
    end = bench.relay.ends[1]
    assert end is not None
    assert BUFFER_BYTES < end.unsent < BUFFER_BYTES + 64 * 1024, "bounded by the buffer and one read"
    total = bench.relay.session.leg(0).received
    got = await bench.received(bench.server, total // 2)
    assert got == (stream * (len(got) // len(stream) + 1))[: len(got)]


async def test_what_a_peer_has_is_trimmed_from_what_must_be_sent_again(bench: Bench) -> None:
    await bench.loop.sock_sendall(bench.client, PDU)
    await bench.received(bench.server, len(PDU))
    await asyncio.sleep(0.05)
    bench.relay.progress()
    assert not bench.relay.session.leg(1).tail
    assert messages.Progress(1, 1, len(PDU), 0, 0) in bench.told


async def test_a_session_is_not_over_before_the_passive_holds_its_end(bench: Bench) -> None:
    bench.withholding = True
    for sock in (bench.client, bench.server):
        sock.shutdown(socket.SHUT_WR)
    while not bench.relay.closing:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    assert bench.closed is None, "once it is over, the kernel acknowledges freely"
    bench.relay.commit_all()
    assert await bench.over() == "finished"


async def test_a_frozen_session_takes_nothing_more(bench: Bench) -> None:
    bench.client.send(b"\x03\x00")
    await asyncio.sleep(0.02)
    bench.relay.freeze()
    bench.client.send(b"late")
    await asyncio.sleep(0.02)
    assert bench.relay.session.leg(0).received == 2
