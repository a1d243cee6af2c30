"""Death notices: what a guard says in its dead worker's place, on every link.

A notice lets the peer take over at once: the guard has closed the fence before it says a word.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from node.config import Config
from node.tether import Beat
from protocol import heartbeat
from protocol.datagrams import DatagramSealer
from protocol.heartbeat import DeathNotice

COPIES = 3
"""Datagrams get lost; each copy is sealed anew, so the receiver takes the first and drops the others."""


class Notices:
    """Sends death notices; its sockets are opened beforehand, so that nothing can be lacking when it matters."""

    def __init__(self, config: Config, secret: bytes, incarnation: int) -> None:
        self._node = config.node.name
        self._sealer = DatagramSealer(secret, config.cluster.group, f"{config.node.name}/guard", incarnation)
        self._paths: list[tuple[socket.socket, tuple[str, int]]] = []
        for link in config.links:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.bind((str(link.local.host), 0))
            self._paths.append((sock, link.peer.sockaddr))

    def rekey(self, secret: bytes) -> None:
        """Seal with another cluster key from now on."""
        self._sealer.rekey(secret)

    def send(self, beat: Beat) -> None:
        """Say that the worker of this last beat is dead and its node fenced."""
        notice = heartbeat.pack(DeathNotice(self._node, beat.epoch, beat.incarnation, beat.peer_incarnation))
        for _ in range(COPIES):
            for sock, peer in self._paths:
                with suppress(OSError):  # this link is down; the others carry it
                    sock.sendto(self._sealer.seal(notice), peer)
