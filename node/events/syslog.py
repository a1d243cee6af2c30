"""Syslog: messages as RFC 5424 has them, over UDP (RFC 5426), TCP with octet counting (RFC 6587), or TLS (RFC 5425).

Syslog acknowledges nothing: what the kernel has taken when a server dies is gone, and nobody can say that it is.
"""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress
from datetime import datetime

from node.config.models import Syslog
from node.events.event import Event, Severity

APP_NAME = "tandem"
TIMEOUT_S = 5.0
DATAGRAM_BYTES_MAX = 8192
MESSAGE_BYTES_MAX = 16384
FACILITIES = {f"local{number}": 16 + number for number in range(8)} | {"user": 1, "daemon": 3, "auth": 4}
LEVELS = {Severity.INFO: 6, Severity.LOW: 5, Severity.MEDIUM: 4, Severity.HIGH: 1}


def message(event: Event, body: str, facility: str) -> bytes:
    """One message, with the event's kind as its MSGID."""
    priority = 8 * FACILITIES[facility] + LEVELS[event.severity]
    head = f"<{priority}>1 {_timestamp(event.at)} {event.node} {APP_NAME} - {event.kind} - "
    return _cut((head + body).encode(), MESSAGE_BYTES_MAX)


def _timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _cut(data: bytes, limit: int) -> bytes:
    """No longer than `limit`, and no character torn."""
    return data if len(data) <= limit else data[:limit].decode(errors="ignore").encode()


class Datagrams:
    """One message a datagram. A port that is closed is noticed one message late."""

    def __init__(self, settings: Syslog) -> None:
        self._server = settings.server.sockaddr
        self._sock: socket.socket | None = None

    def write(self, data: bytes) -> None:
        """Send a message; raises OSError."""
        if self._sock is None:
            self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sock.settimeout(TIMEOUT_S)
            self._sock.connect(self._server)
        self._sock.send(_cut(data, DATAGRAM_BYTES_MAX))

    def close(self) -> None:
        """Close the socket."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


class Stream:
    """Messages over one connection, which is opened when it is needed and again when it has gone."""

    def __init__(self, settings: Syslog) -> None:
        self._settings = settings
        self._sock: socket.socket | None = None

    def write(self, data: bytes) -> None:
        """Send a message; raises OSError, and the connection is then closed."""
        try:
            if self._sock is not None and _gone(self._sock):
                self.close()
            if self._sock is None:
                self._sock = self._connect()
            self._sock.sendall(b"%d %b" % (len(data), data))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._sock is not None:
            with suppress(OSError):
                self._sock.close()
            self._sock = None

    def _connect(self) -> socket.socket:
        settings = self._settings
        sock = socket.create_connection(settings.server.sockaddr, TIMEOUT_S)
        if settings.transport != "tls":
            return sock
        try:
            return _context(settings).wrap_socket(sock, server_hostname=settings.expected_name)
        except OSError:
            sock.close()
            raise


def _context(settings: Syslog) -> ssl.SSLContext:
    """Made anew for each connection, so that renewed certificates are taken up; raises OSError."""
    context = ssl.create_default_context(cafile=settings.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.cert_file is not None:
        context.load_cert_chain(settings.cert_file, settings.key_file, password=_no_password)
    return context


def _no_password() -> str:
    raise OSError("the key file is encrypted: a node has nobody to ask for its password")


def _gone(sock: socket.socket) -> bool:
    """Whether the server has closed the connection; it never says anything else."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    if not poll.poll(0):
        return False
    sock.settimeout(0)
    try:
        return sock.recv(1024) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        sock.settimeout(TIMEOUT_S)


def place(settings: Syslog) -> Datagrams | Stream:
    """The way to a server."""
    return Datagrams(settings) if settings.transport == "udp" else Stream(settings)
