"""The client of a node's admin API: JSON over HTTP on a Unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.cli.failures import EXIT_NODE, CliError
from node.cli.views.text import clean

ANSWER_SIZE_MAX = 64 << 20
TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the node answered: the text as it came, and what it means."""

    text: str
    data: Any


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
        connection = _UnixConnection(self.path, self._timeout_s)
        try:
            connection.request(method, target)
            response = connection.getresponse()
            body = response.read(ANSWER_SIZE_MAX + 1)
        except (OSError, http.client.HTTPException) as error:
            raise CliError(self._unreachable(error), EXIT_NODE) from None
        finally:
            connection.close()
        return self._understood(response.status, body)

    def _understood(self, status: int, body: bytes) -> Answer:
        text = body.decode("utf-8", "replace")
        try:
            data = json.loads(text) if len(body) <= ANSWER_SIZE_MAX else None
        except ValueError:
            data = None
        if status >= http.HTTPStatus.BAD_REQUEST:
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
    http.client.HTTPException: ("what answered is not a tandem node", "see --socket PATH"),
}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("tandem", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
