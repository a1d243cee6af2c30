"""The client of a node's admin API: JSON over HTTP on a Unix socket.

One question a connection, by HTTP/1.0, needs a request of two lines and an answer that ends where the stream does; the
standard library's client would take longer to load than the node takes to answer.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.cli.failures import EXIT_NODE, CliError
from node.cli.views.text import clean

ANSWER_SIZE_MAX = 64 << 20
HEAD_SIZE_MAX = 64 << 10
TIMEOUT_S = 5.0
BAD_REQUEST = 400
"""This status and those above are refusals."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the node answered: the text as it came, and what it means."""

    text: str
    data: Any


class NotHttpError(Exception):
    """What answered speaks something else."""


class AdminClient:
    """Asks one node. Every failure is a CliError that names the socket and what to do."""

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.path = path
        self._timeout_s = timeout_s

    def get(self, view: str) -> Answer:
        """What the node shows under /view."""
        return self._ask("GET", f"/{view}")

    def post(self, order: str) -> Answer:
        """Give the node an order; its refusal is a CliError too."""
        return self._ask("POST", f"/{order}")

    def _ask(self, method: str, target: str) -> Answer:
        request = f"{method} {target} HTTP/1.0\r\nHost: tandem\r\nContent-Length: 0\r\n\r\n"
        try:
            status, body = _read(self._exchange(request.encode()))
        except (OSError, NotHttpError) as error:
            raise CliError(self._unreachable(error), EXIT_NODE) from None
        return self._understood(status, body)

    def _exchange(self, request: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._timeout_s)
            connection.connect(str(self.path))
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                return answer.read(HEAD_SIZE_MAX + ANSWER_SIZE_MAX)

    def _understood(self, status: int, body: bytes) -> Answer:
        text = body.decode("utf-8", "replace")
        try:
            data = json.loads(text) if len(body) <= ANSWER_SIZE_MAX else None
        except ValueError:
            data = None
        if status >= BAD_REQUEST:
            reason = data.get("error") if isinstance(data, dict) else None
            words = "\n".join(map(clean, str(reason or f"HTTP {status}").splitlines()))
            raise CliError(f"the node at {self.path} refused: {words}", EXIT_NODE)
        if data is None:
            raise CliError(f"{self.path} did not answer as a tandem node does", EXIT_NODE)
        return Answer(text, data)

    def _unreachable(self, error: Exception) -> str:
        for kind, (what, remedy) in _REASONS.items():
            if isinstance(error, kind):
                return f"no answer from the node at {self.path}: {what}\n    {remedy}"
        return f"no answer from the node at {self.path}: {error or type(error).__name__}"


_START = "start it with `tandem run CONFIG`, or name another with --config FILE or --socket PATH"
_REASONS: dict[type[Exception], tuple[str, str]] = {
    FileNotFoundError: ("there is no such socket", _START),
    ConnectionRefusedError: ("nobody listens there any more", _START),
    ConnectionError: ("it broke off", "the node may be ending or starting again: ask once more"),
    PermissionError: ("permission denied", "run as root, or as the user that the node runs as"),
    TimeoutError: ("it did not answer in time", "the node may be stopped or stuck: see its log"),
    NotHttpError: ("what answered is not a tandem node", "see --socket PATH"),
}


def _read(answer: bytes) -> tuple[int, bytes]:
    """Status and body. Raises ConnectionError for an answer that is cut short, NotHttpError for none of HTTP."""
    if not answer:
        raise ConnectionError
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    try:
        version, status, *_ = line.split(b" ", 2)
        if not version.startswith(b"HTTP/1."):
            raise NotHttpError
        length = next((int(each[15:]) for each in fields if each[:15].lower() == b"content-length:"), len(body))
        if length > len(body):
            raise ConnectionError
        return int(status), body[:length]
    except ValueError:
        raise NotHttpError from None
