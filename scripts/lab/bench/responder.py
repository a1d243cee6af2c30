"""The server of the round trip: answers the recorded read, the same on every path.

python -m scripts.lab.bench.responder --host 172.16.200.177 --port 102 [--port 2102]     (until SIGTERM)
"""

import argparse
import signal
import socket
import threading
from contextlib import suppress
from typing import Final

from scripts.lab import association
from scripts.lab.bench import recorded
from scripts.lab.programs import conclude, report

_PATIENCE_S: Final = 10.0


def serve(host: str, ports: list[int]) -> None:
    """Answer until SIGTERM; a thread a connection, since only one of them has anything to do at a time."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    for port in ports:
        listener = socket.create_server((host, port))
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
    report(listening=[f"{host}:{port}" for port in ports])
    stopping.wait()
    conclude(stopped=True)


def _accept(listener: socket.socket) -> None:
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_answer, args=(sock,), daemon=True).start()


def _answer(sock: socket.socket) -> None:
    with sock, suppress(OSError, association.AssociationError, KeyError):
        sock.settimeout(_PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        association.open_as_called(sock)
        sock.settimeout(None)
        while request := receive(sock, recorded.REQUEST_BYTES):
            sock.sendall(recorded.RESPONSES[recorded.invoke_id(request)])


def receive(sock: socket.socket, count: int) -> bytes:
    """`count` octets, or none when the peer has closed."""
    octets = sock.recv(count)
    while octets and len(octets) < count:
        more = sock.recv(count - len(octets))
        if not more:
            return b""
        octets += more
    return octets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, action="append", required=True)
    options = parser.parse_args()
    serve(options.host, options.port)


if __name__ == "__main__":
    main()
