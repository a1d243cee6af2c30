"""A plain TCP forwarder, honest or not: what a pair must not be, to show that the lab would notice."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Mangle = Callable[[int, bytes], bytes]
"""Given the position in the stream toward the server and the bytes there: what to forward."""


def honest(_: int, data: bytes) -> bytes:
    return data


def flips_a_bit_at(position: int) -> Mangle:
    def mangle(start: int, data: bytes) -> bytes:
        if not start <= position < start + len(data):
            return data
        place = position - start
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    return mangle


def swallows_from(position: int, count: int) -> Mangle:
    """Loses `count` bytes, unnoticed by TCP."""

    def mangle(start: int, data: bytes) -> bytes:
        kept = [byte for offset, byte in enumerate(data, start) if not position <= offset < position + count]
        return bytes(kept)

    return mangle


@contextmanager
def forwarding(server_port: int, mangle: Mangle) -> Iterator[int]:
    """Forward connections to a port of this host; yields the port to connect to."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, server_port, mangle), daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def _accept(listener: socket.socket, server_port: int, mangle: Mangle) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", server_port))
            for source, sink, how in ((client, server, mangle), (server, client, honest)):
                threading.Thread(target=_pump, args=(source, sink, how), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, mangle: Mangle) -> None:
    position = 0
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(mangle(position, data))
            position += len(data)
        sink.shutdown(socket.SHUT_WR)
