"""Streams and datagrams over real sockets: what is not from the other node, and fresh, is refused and counted."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from node import channel
from node.channel import Channel, Credentials, Owner
from node.config import Endpoint, Link
from node.keys import Keys
from node.links import QUEUE_DATAGRAMS_MAX, BoundedProtocol, Links
from node.refusals import Refusals
from protocol import heartbeat
from protocol.datagrams import DatagramOpener, DatagramSealer
from protocol.handshake import Identity
from protocol.heartbeat import DeathNotice, Heartbeat

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def link(local: str, local_port: int, peer: str, peer_port: int) -> Link:
    return Link(
        name="hb0",
        priority=100,
        local=Endpoint(IPv4Address(local), local_port),
        peer=Endpoint(IPv4Address(peer), peer_port),
    )


def credentials(name: str, key: bytes, counters: Counter[str], group: str = "g") -> Credentials:
    def identity() -> Identity:
        return Identity(name, group, 7, 1, {"messages": (1,)}, "test")

    return Credentials((key,), identity, Refusals(counters, lambda: 0.0))


class Listener:
    """An owner that keeps what it is told."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.reasons: list[str] = []
        self.channels: list[Channel] = []

    def attach(self, stream: Channel) -> Owner:
        self.channels.append(stream)
        return self

    def frames(self, _channel: Channel, payloads: list[bytes], _last: int) -> None:
        self.payloads += payloads

    def lost(self, _channel: Channel, reason: str) -> None:
        self.reasons.append(reason)


class StreamServer:
    """Node a's end: a listening stream port."""

    def __init__(self, keys: Keys = (KEY,)) -> None:
        self.counters: Counter[str] = Counter()
        self.credentials = credentials("a", KEY, self.counters)
        self.credentials.keys = keys
        self.owner = Listener()
        self.port = free_port(socket.SOCK_STREAM)
        self.link = link("127.0.0.1", self.port, "127.0.0.1", self.port + 1)
        self.to_it = link("127.0.0.1", self.port + 1, "127.0.0.1", self.port)

    async def __aenter__(self) -> StreamServer:
        self._server = await channel.serve(self.credentials, self.link, self.owner.attach)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def raw(self, data: bytes) -> bytes:
        """Send `data` as a stranger; what the node said until it hung up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        said = b""
        with suppress(ConnectionResetError):
            said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return said


async def wait_for(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_two_nodes_with_one_key_understand_each_other() -> None:
    async with StreamServer() as node:
        mine, counters = Listener(), Counter[str]()
        stream = await channel.connect(credentials("b", KEY, counters), node.to_it, mine.attach)
        assert stream.send(b"hello") == 1
        await wait_for(lambda: node.owner.payloads == [b"hello"])
        assert node.owner.channels[0].peer is not None
        assert node.owner.channels[0].peer.name == "b"
        stream.close("done")
        await wait_for(lambda: node.owner.reasons)


@pytest.mark.parametrize(
    ("name", "key", "group", "code"),
    [
        ("b", OTHER_KEY, "g", "unauthenticated"),
        ("b", KEY, "other", "group"),
        ("a", KEY, "g", "same_name"),
    ],
)
async def test_a_stream_of_the_wrong_node_is_refused(name: str, key: bytes, group: str, code: str) -> None:
    async with StreamServer() as node:
        counters = Counter[str]()
        with pytest.raises(OSError):
            await channel.connect(credentials(name, key, counters, group), node.to_it, Listener().attach)
        await wait_for(lambda: sum(node.counters.values()) + sum(counters.values()) > 0)
        assert f"stream_refused_{code}" in node.counters | counters
        assert not node.owner.payloads


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", "magic"),
        (b"TNDM\x00\x63" + bytes(64), "version"),
        (b"TNDM\x00\x01" + bytes(64), "public_key"),
        (b"TNDM\x00\x01" + bytes(range(64)) + b"\xff\xff\xff\xff", "oversized"),
        (b"TNDM\x00\x01" + bytes(range(64)) + b"\x00\x00\x00\x20" + bytes(32), "unauthenticated"),
    ],
    ids=["http", "version", "low-order-key", "oversized", "no-key"],
)
async def test_a_strangers_bytes_are_refused_and_counted(data: bytes, code: str) -> None:
    async with StreamServer() as node:
        await node.raw(data)
        await wait_for(lambda: node.counters)
        assert set(node.counters) == {f"stream_refused_{code}"}


async def test_who_does_not_prove_himself_must_go_when_others_come() -> None:
    """The cost of strangers is bounded, and they do not keep the other node out."""
    async with StreamServer() as node:
        strangers = [await asyncio.open_connection("127.0.0.1", node.port) for _ in range(channel.UNPROVEN_MAX + 3)]
        await wait_for(lambda: node.counters["stream_refused_crowded"] == 3)
        mine = Listener()
        stream = await channel.connect(credentials("b", KEY, Counter()), node.to_it, mine.attach)
        stream.send(b"hello")
        await wait_for(lambda: node.owner.payloads == [b"hello"])
        assert node.counters["stream_refused_crowded"] == 4
        for _, writer in strangers:
            writer.close()
        stream.close("done")


async def test_who_says_nothing_is_sent_away_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "HANDSHAKE_TIMEOUT_S", 0.05)
    async with StreamServer() as node:
        assert (await node.raw(b"TNDM"))[:4] == b"TNDM"
        assert node.counters == {"stream_refused_timeout": 1}


async def test_a_stream_from_another_host_is_refused_before_a_word() -> None:
    async with StreamServer() as node:
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port, local_addr=("127.0.0.2", 0))
        with suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert node.counters == {"stream_refused_wrong_host": 1}
        writer.close()


async def test_while_the_key_is_changed_either_one_opens_a_stream() -> None:
    """Old first here, new first there, and what each sends opens at the other."""
    async with StreamServer((KEY, OTHER_KEY)) as node:
        counters, mine = Counter[str](), Listener()
        theirs = credentials("b", OTHER_KEY, counters)
        theirs.keys = (OTHER_KEY, KEY)
        stream = await channel.connect(theirs, node.to_it, mine.attach)
        stream.send(b"hello")
        await wait_for(lambda: node.owner.payloads == [b"hello"])
        node.owner.channels[0].send(b"answer")
        await wait_for(lambda: mine.payloads == [b"answer"])
        stream.close("done")


async def test_a_damaged_frame_ends_an_established_stream() -> None:
    async with StreamServer() as node:
        mine = Listener()
        stream = await channel.connect(credentials("b", KEY, Counter()), node.to_it, mine.attach)
        assert stream._transport is not None
        stream._transport.write(b"\x00\x00\x00\x20" + bytes(32))
        await wait_for(lambda: node.owner.reasons)
        assert node.owner.reasons == ["unauthenticated: message 1 of the stream"]
        assert node.counters["stream_refused_unauthenticated"] == 1


class DatagramNode:
    """Node a's end of a link, listening for node b on 127.0.0.2."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.heard: list[Heartbeat | DeathNotice] = []
        self.port = free_port(socket.SOCK_DGRAM)
        here = link("127.0.0.1", self.port, "127.0.0.2", self.port)
        beat = SimpleNamespace(interval_s=0.05, lost_s=0.2)
        config: Any = SimpleNamespace(links_by_priority=(here,), cluster=SimpleNamespace(heartbeat=beat))
        self.links = Links(
            config,
            DatagramSealer(KEY, "g", "a", 5),
            DatagramOpener(KEY, "g"),
            lambda _link, _sender, _incarnation, message: self.heard.append(message),
            Refusals(self.counters, lambda: 0.0),
            self.counters,
            lambda: 0.0,
        )
        self.sealer = DatagramSealer(KEY, "g", "b", 9)

    def send(self, datagram: bytes, source: str = "127.0.0.2") -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            sender.sendto(datagram, ("127.0.0.1", self.port))

    def notice(self) -> bytes:
        return heartbeat.pack(DeathNotice("b", 1, 9, 5))


async def test_datagrams_that_do_not_prove_themselves_are_refused_and_counted() -> None:
    node = DatagramNode()
    await node.links.open()
    good = node.sealer.seal(node.notice())
    damaged = bytearray(node.sealer.seal(node.notice()))
    damaged[-1] ^= 1
    old = DatagramSealer(KEY, "g", "b", 8).seal(node.notice())
    for datagram in (
        good,
        good,
        bytes(damaged),
        DatagramSealer(OTHER_KEY, "g", "b", 10).seal(node.notice()),
        old,
        node.notice(),
        b"TNDG\x63" + good[5:],
        bytes(1500),
        node.sealer.seal(b"no message"),
    ):
        node.send(datagram)
    node.send(node.sealer.seal(node.notice()), source="127.0.0.3")
    try:
        await wait_for(lambda: sum(node.counters.values()) == 9)
    finally:
        node.links.close()
    assert len(node.heard) == 1
    assert node.counters == {
        "datagram_refused_replayed": 1,
        "datagram_refused_unauthenticated": 2,
        "datagram_refused_stale": 1,
        "datagram_refused_malformed": 2,
        "datagram_refused_version": 1,
        "datagram_refused_oversized": 1,
        "datagram_refused_wrong_host": 1,
    }


async def test_the_receive_queue_is_bounded() -> None:
    received: asyncio.Queue[Any] = asyncio.Queue(QUEUE_DATAGRAMS_MAX)
    counters = Counter[str]()
    protocol = BoundedProtocol(received, asyncio.Queue(1), counters)
    for _ in range(QUEUE_DATAGRAMS_MAX + 44):
        protocol.datagram_received(b"x", ("127.0.0.2", 1))
    assert (received.qsize(), counters["datagrams_dropped"]) == (QUEUE_DATAGRAMS_MAX, 44)
