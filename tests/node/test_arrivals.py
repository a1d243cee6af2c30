"""Sockets with something to read, by the real kernel."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from node.arrivals import Arrivals


class Listening:
    """A reader that takes what has come, or lets another one go instead."""

    waiting = False

    def __init__(self, sock: socket.socket, before: Callable[[], None] = lambda: None) -> None:
        self.heard: list[bytes] = []
        self._sock, self._before = sock, before

    def read(self) -> None:
        self._before()
        self.heard.append(self._sock.recv(1))


async def test_arrivals_are_told_until_they_are_read_and_not_after_the_end() -> None:
    arrivals = Arrivals(asyncio.get_running_loop(), lambda reader: reader.read())
    pairs = [socket.socketpair() for _ in range(2)]
    left, right = (Listening(ours) for _, ours in pairs)
    for (_, ours), reader in zip(pairs, (left, right), strict=True):
        arrivals.watch(ours.fileno(), reader)
    pairs[0][0].send(b"ab")
    for _ in range(4):
        await asyncio.sleep(0)
    assert (left.heard, right.heard) == ([b"a", b"b"], []), "the second octet is told of as well"
    arrivals.unwatch(pairs[1][1].fileno())
    pairs[1][0].send(b"x")
    await asyncio.sleep(0.01)
    assert right.heard == []


async def test_a_reader_that_another_one_has_ended_hears_nothing_more() -> None:
    arrivals = Arrivals(asyncio.get_running_loop(), lambda reader: reader.read())
    pairs = [socket.socketpair() for _ in range(2)]
    readers: list[Listening] = []

    def end_the_other(number: int) -> Callable[[], None]:
        return lambda: arrivals.unwatch(pairs[1 - number][1].fileno())

    for number, (_, ours) in enumerate(pairs):
        readers.append(Listening(ours, end_the_other(number)))
        arrivals.watch(ours.fileno(), readers[number])
    for peer, _ in pairs:
        peer.send(b"x")
    await asyncio.sleep(0.01)
    assert sorted(reader.heard for reader in readers) == [[], [b"x"]]
