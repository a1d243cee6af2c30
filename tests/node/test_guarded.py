"""A guarded session between two real connections: nothing leaves before the passive holds what it rests on."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from inspector import Direction, Pdu, Result
from inspector.results import Edit
from node import clock
from node import relay as relays
from node.arrivals import Arrivals
from node.decoder import LiveDecoder
from node.end import End
from node.kernel import tcp
from node.relay import Relay, Surroundings
from node.replicator import Replicator, Standing
from node.turns import Turns
from protocol import messages
from protocol.cache import SessionCache
from protocol.session import Leg, Session
from tests.node.fakes import Clock, FakeChannel
from tests.node.test_relay import BUFFER_BYTES, connection
from tests.protocol.test_session import Decoder

LOST_S, AFTER_S = 0.2, 1.0
SOON_S = 0.03
"""What would leave at once has left by then."""


class LineStack:
    """Its PDUs are lines. `!` is denied with an error, `?` replaced, `#` makes the policy reset the session."""

    ignored = False

    def __init__(self) -> None:
        self._held = [b"", b""]

    def seen_all(self, yes: bool) -> None:
        """It has no findings."""

    def feed(self, direction: int, data: bytes, now_ms: int = 0) -> Result:
        held = self._held[direction] + data
        edits, at, reset = [], 0, False
        for line in held.splitlines(keepends=True):
            if not line.endswith(b"\n") or reset:
                break
            stop, reset = at + len(line), line.startswith(b"#")
            if line.startswith(b"!"):
                edits.append(Edit(at, stop, b"", b"<no>\n"))
            elif line.startswith(b"?"):
                edits.append(Edit(at, stop, b"<gone>\n", b""))
            at = stop
        self._held[direction] = held[at:]
        pdus = (Pdu(Direction(direction), (), 0, "DT", verdict="reset"),) if reset else ()
        return Result(at, pdus, (), reset, tuple(edits))

    def take_delta(self) -> None:
        return None

    def checkpoint(self) -> bytes:
        return b""


class Pair:
    """Two peers, the primary between them, and what its passive holds: it commits when told to."""

    def __init__(self, *, guarded: bool = True, policy: str = "degrade", passive: bool = True) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = Clock()
        self.closed: list[str] = []
        self.cache = SessionCache(Decoder, 10)
        self.channel: Any = None
        self.relays: dict[int, Any] = {}
        cluster = SimpleNamespace(
            standby_loss=SimpleNamespace(policy=policy, after_s=AFTER_S),
            heartbeat=SimpleNamespace(lost_s=LOST_S, gone_s=2 * LOST_S),
            max_lag_bytes=1 << 24,
        )
        config: Any = SimpleNamespace(cluster=cluster)
        self.replicator = Replicator(config, self.relays, Counter(), self.clock, self.loop.call_soon)
        turns = Turns(self.loop)
        self.around = Surroundings(
            loop=self.loop,
            turns=turns,
            arrivals=Arrivals(self.loop, turns.ready),
            publisher=self.replicator,
            acks=None,
            buffer_bytes=BUFFER_BYTES,
            clock_s=clock.boottime_s,
            on_result=lambda *_: None,
            on_closed=lambda _, reason: self.closed.append(reason),
            on_fault=self._on_fault,
        )
        legs: list[Leg | None] = [Leg([], 0, 0), Leg([], 0, 0)]
        session = Session(1, "iccp", "client", "server", 0.0, legs, Decoder(b""), guarded=guarded)
        self.client, self.server, self.relay = self.attach(session)
        self.relay.start()
        if passive:
            self.join()

    def attach(self, session: Session) -> tuple[socket.socket, socket.socket, Relay]:
        """A relay for the session, on new connections."""
        stack: Any = LineStack()
        session.decoder = LiveDecoder(stack)
        relay = self.relays[1] = Relay(session, stack, self.around, 60.0)
        peers = []
        for number in (0, 1):
            peer, sock = connection()
            relay.attach(End(relay, number, sock, session.leg(number), None))
            peers.append(peer)
        return peers[0], peers[1], relay

    def _on_fault(self, _relay: Relay, error: Exception) -> None:
        raise error

    def end(self, number: int) -> End:
        end = self.relay.ends[number]
        assert end is not None
        return end

    def join(self) -> None:
        """A passive joins, is told everything, and has committed it."""
        channel: Any = FakeChannel(self.replicator)
        self.channel = channel
        self.replicator.joined(channel)
        self.commit()
        assert self.replicator.standing is Standing.IN_SYNC

    def commit(self) -> None:
        """The passive applies and commits all that was sent to it."""
        self.cache.apply(message for frame in self.channel.sent for message in frame)
        self.channel.sent = [[] for _ in self.channel.sent]
        self.replicator.frames(self.channel, [messages.pack([messages.Commit(len(self.channel.sent))])], 1)

    async def keep_committing(self) -> None:
        while True:
            self.commit()
            await asyncio.sleep(0.001)

    async def say(self, sock: socket.socket, data: bytes) -> None:
        await self.loop.sock_sendall(sock, data)
        await asyncio.sleep(SOON_S)

    async def heard(self, sock: socket.socket, count: int) -> bytes:
        data = b""
        async with asyncio.timeout(5):
            while len(data) < count and (piece := await self.loop.sock_recv(sock, count - len(data))):
                data += piece
        return data

    def silent(self, *socks: socket.socket) -> bool:
        """Whether nothing lies there to be read."""
        for sock in socks:
            try:
                sock.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                continue
            return False
        return True

    async def until(self, look: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not look():
                await asyncio.sleep(0.005)


async def test_a_session_that_is_not_guarded_forwards_at_once() -> None:
    pair = Pair(guarded=False)
    await pair.say(pair.client, b"one\n")
    assert await pair.heard(pair.server, 4) == b"one\n"


async def test_nothing_leaves_before_the_commit_then_all_of_it_in_order() -> None:
    pair = Pair()
    await pair.say(pair.client, b"one\n!two\n?three\nfour\n!five")
    await pair.say(pair.server, b"answer\n")
    assert pair.silent(pair.client, pair.server)
    pair.commit()
    assert await pair.heard(pair.server, 16) == b"one\n<gone>\nfour\n"
    assert await pair.heard(pair.client, 12) == b"<no>\nanswer\n"
    await asyncio.sleep(SOON_S)
    assert pair.silent(pair.client, pair.server)
    await pair.say(pair.client, b"!\n")
    pair.commit()
    assert await pair.heard(pair.client, 5) == b"<no>\n"
    for kept, live in zip(pair.cache.sessions[1].legs, pair.relay.session.legs, strict=True):
        assert kept is not None and live is not None
        live.acknowledged, live.tail = kept.acknowledged, live.tail[kept.acknowledged - live.acknowledged :]
        assert kept.to_wire() == live.to_wire()


async def test_a_commit_releases_what_its_frame_carried_and_no_more() -> None:
    pair = Pair()
    await pair.say(pair.client, b"one\n")
    frames = len(pair.channel.sent)
    await pair.say(pair.client, b"two\n")
    assert len(pair.channel.sent) == frames + 1
    pair.replicator.frames(pair.channel, [messages.pack([messages.Commit(frames)])], 1)
    assert await pair.heard(pair.server, 4) == b"one\n"
    await asyncio.sleep(SOON_S)
    assert pair.silent(pair.server)


async def test_the_frame_goes_out_in_the_same_turn_of_the_loop() -> None:
    pair = Pair()
    before = len(pair.channel.sent)
    pair.relay.taken(pair.end(0), b"one\n")
    await asyncio.sleep(0)
    assert len(pair.channel.sent) == before + 1


async def test_solo_nothing_waits() -> None:
    pair = Pair(passive=False)
    await pair.say(pair.client, b"!one\ntwo\n")
    assert await pair.heard(pair.server, 4) == b"two\n"
    assert await pair.heard(pair.client, 5) == b"<no>\n"
    pair.client.shutdown(socket.SHUT_WR)
    assert await pair.heard(pair.server, 1) == b""


async def test_a_lost_stream_holds_the_bytes_until_the_node_is_solo() -> None:
    pair = Pair()
    await pair.say(pair.client, b"one\n")
    pair.channel.close("cut")
    await pair.say(pair.client, b"two\n")
    pair.clock.now_s += AFTER_S
    pair.replicator.tick(False, pair.clock.now_s)
    assert pair.silent(pair.server), "the passive may not know yet that it is stale"
    pair.replicator.tick(True, pair.clock.now_s)
    assert pair.replicator.standing is Standing.SOLO
    assert await pair.heard(pair.server, 8) == b"one\ntwo\n"


async def test_or_until_the_session_is_dumped_anew_and_held() -> None:
    pair = Pair(policy="hold")
    pair.channel.close("cut")
    await pair.say(pair.client, b"one\n!two\n")
    pair.channel = channel = FakeChannel(pair.replicator)
    pair.replicator.joined(channel)  # type: ignore[arg-type]
    await pair.say(pair.client, b"three\n")
    assert pair.silent(pair.client, pair.server)
    pair.commit()
    assert await pair.heard(pair.server, 10) == b"one\nthree\n"
    assert await pair.heard(pair.client, 5) == b"<no>\n"


async def test_a_takeover_sends_the_tail_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passive held it; whether the dead node released it, it could not know."""
    monkeypatch.setattr(tcp, "go_live", lambda _sock, **_: None)
    pair = Pair()
    await pair.say(pair.client, b"one\n!two\n")
    pair.client.shutdown(socket.SHUT_WR)
    await asyncio.sleep(SOON_S)
    pair.cache.apply(message for frame in pair.channel.sent for message in frame)
    pair.relay.vanish()
    pair.channel.close("dead")
    pair.replicator.peer_gone()
    kept = pair.cache.sessions[1]
    assert (kept.guarded, kept.leg(0).ended) == (True, True)
    client, server, relay = pair.attach(kept)
    relay.revive()
    assert await pair.heard(server, 5) == b"one\n", "and the FIN"
    assert await pair.heard(client, 5) == b"<no>\n"
    await pair.say(server, b"answer\n")
    assert await pair.heard(client, 7) == b"answer\n"
    relay.abort("the test is over")


async def test_a_fin_waits_for_the_bytes_before_it_and_for_its_own_commit() -> None:
    pair = Pair()
    await pair.say(pair.client, b"one\n")
    pair.client.shutdown(socket.SHUT_WR)
    await asyncio.sleep(SOON_S)
    frames = len(pair.channel.sent)
    assert pair.silent(pair.server)
    pair.replicator.frames(pair.channel, [messages.pack([messages.Commit(frames - 1)])], 1)
    assert await pair.heard(pair.server, 4) == b"one\n"
    await asyncio.sleep(SOON_S)
    assert pair.silent(pair.server), "the FIN's frame is not committed"
    pair.commit()
    assert await pair.heard(pair.server, 1) == b""
    await pair.say(pair.server, b"!denied, and no error can follow the FIN\n")
    pair.server.shutdown(socket.SHUT_WR)
    await asyncio.sleep(SOON_S)
    pair.commit()
    assert await pair.heard(pair.client, 1) == b""
    await pair.until(lambda: pair.closed == ["finished"])


async def test_an_end_that_waits_for_the_passive_is_not_held_against_the_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "SETTLE_LIMIT_S", 0.05)
    pair = Pair(policy="hold")
    pair.channel.close("cut")
    for sock in (pair.client, pair.server):
        sock.shutdown(socket.SHUT_WR)
    await asyncio.sleep(0.15)
    assert pair.closed == []
    pair.join()
    await pair.until(lambda: pair.closed == ["finished"])


@pytest.mark.parametrize("line", [b"one\n", b"!two\n"], ids=["forwarded", "sent back"])
async def test_what_waits_is_bounded_and_reading_goes_on_when_it_has_left(line: bytes) -> None:
    pair = Pair(policy="hold")
    pair.channel.close("cut")
    stream = line * 40_000
    sending = pair.loop.create_task(pair.loop.sock_sendall(pair.client, stream))
    sink, crowded = (pair.server, pair.end(1)) if line == b"one\n" else (pair.client, pair.end(0))
    await pair.until(lambda: not pair.end(0).reading)
    await asyncio.sleep(SOON_S)
    assert BUFFER_BYTES < crowded.unsent <= BUFFER_BYTES + 2 * 16 * 1024
    assert pair.silent(sink)
    pair.join()
    committing = pair.loop.create_task(pair.keep_committing())
    total = len(stream) if line == b"one\n" else 40_000 * len(b"<no>\n")
    assert await pair.heard(sink, total) == (line if line == b"one\n" else b"<no>\n") * 40_000
    await sending
    committing.cancel()
    assert pair.end(0).reading and pair.end(1).reading


async def test_the_policys_reset_is_told_from_what_cannot_be_decoded() -> None:
    pair = Pair()
    await pair.say(pair.client, b"#\n")
    assert pair.closed == ["policy"]
    with pytest.raises(ConnectionResetError):
        await pair.heard(pair.client, 1)


async def test_a_frozen_session_reads_no_more_when_its_bytes_leave() -> None:
    pair = Pair()
    pair.relay.taken(pair.end(0), b"one\n")
    pair.relay.freeze()
    pair.replicator.hand_over(5)
    assert not pair.replicator.all_committed
    assert [type(it) for it in pair.channel.sent[-1]] == [messages.Data, messages.Handover]
    pair.commit()
    assert pair.replicator.all_committed
    assert bytes(pair.cache.sessions[1].leg(1).tail) == b"one\n"
    await pair.say(pair.client, b"two\n")
    assert not pair.end(0).reading
    assert pair.relay.session.leg(0).received == 4


async def test_a_session_can_become_guarded() -> None:
    pair = Pair(guarded=False)
    await pair.say(pair.client, b"one\n")
    pair.relay.guard()
    await pair.say(pair.client, b"two\n")
    assert await pair.heard(pair.server, 4) == b"one\n"
    assert pair.silent(pair.server)
    pair.commit()
    assert pair.cache.sessions[1].guarded
    assert await pair.heard(pair.server, 4) == b"two\n"


async def test_a_session_ceases_to_be_guarded_when_the_passive_knows_it() -> None:
    pair = Pair()
    await pair.say(pair.client, b"one\n")
    pair.relay.unguard()
    await pair.say(pair.client, b"two\n")
    assert pair.silent(pair.server)
    assert pair.relay.session.guarded, "what was made up before still needs two who hold it"
    pair.commit()
    assert await pair.heard(pair.server, 8) == b"one\ntwo\n"
    assert not pair.relay.session.guarded and not pair.cache.sessions[1].guarded
    await pair.say(pair.client, b"three\n")
    assert await pair.heard(pair.server, 6) == b"three\n"


async def test_guarded_again_before_the_passive_knew_otherwise_it_stays_so() -> None:
    pair = Pair()
    pair.relay.unguard()
    pair.relay.guard()
    pair.replicator.flush()
    pair.commit()
    await pair.say(pair.client, b"one\n")
    assert pair.silent(pair.server)
    assert pair.relay.session.guarded and pair.cache.sessions[1].guarded
    pair.commit()
    assert await pair.heard(pair.server, 4) == b"one\n"


async def test_an_older_promise_does_not_unguard_a_session() -> None:
    """The passive commits the first of two; by then it was guarded once more."""
    pair = Pair()
    pair.relay.unguard()
    pair.replicator.flush()
    first = len(pair.channel.sent)
    pair.relay.guard()
    pair.relay.unguard()
    pair.replicator.frames(pair.channel, [messages.pack([messages.Commit(first)])], 1)
    assert pair.relay.session.guarded
    pair.replicator.flush()
    pair.commit()
    assert not pair.relay.session.guarded


async def test_a_passive_that_joins_meanwhile_knows_it_from_the_start() -> None:
    pair = Pair()
    pair.relay.unguard()
    pair.channel.close("gone")
    pair.join()
    assert not pair.relay.session.guarded and not pair.cache.sessions[1].guarded


async def test_without_a_passive_a_session_is_unguarded_at_once() -> None:
    pair = Pair(passive=False)
    pair.relay.unguard()
    assert not pair.relay.session.guarded


async def test_no_bytes_are_taken_out_while_a_peer_may_have_them() -> None:
    """Of a session that was not guarded on the dead node."""
    pair = Pair(passive=False)
    pair.relay.level = False
    await pair.say(pair.client, b"!one\n")
    pair.relay.level = True
    pair.relay.session.leg(1).leap(pair.relay.session.leg(1).sent + 9)
    pair.end(1).written += 9
    await pair.say(pair.client, b"!two\n!three\n")
    assert await pair.heard(pair.server, 8) == b"!one\nee\n"
    await pair.say(pair.client, b"!four\n")
    assert await pair.heard(pair.client, 5) == b"<no>\n"


async def test_bytes_wait_until_the_passive_holds_both_legs() -> None:
    """Not for the commit of the session as it was with one."""
    pair = Pair()
    ready = pair.loop.create_task(pair.relay.replicated())
    await asyncio.sleep(0)
    pair.relay.committed(1)
    await asyncio.sleep(0)
    assert not ready.done()
    pair.commit()
    await ready
