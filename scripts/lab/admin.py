"""A node's admin socket: JSON over HTTP over a Unix socket."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any


class AdminError(Exception):
    """The node did not answer, or said no."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(path: Path, resource: str, method: str = "GET", timeout_s: float = 2.0) -> Any:
    """Ask the node at socket `path` for `resource` and return the decoded answer.

    Raises AdminError when the node is not there, does not answer in time, or refuses.
    """
    body = text(path, resource, method, timeout_s)
    try:
        return json.loads(body) if body else None
    except ValueError as error:
        raise AdminError(f"{path.name}: {error}") from error


def text(path: Path, resource: str, method: str = "GET", timeout_s: float = 2.0) -> str:
    """As `call`, but the answer as it came."""
    connection = _UnixConnection(path, timeout_s)
    try:
        connection.request(method, resource)
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise AdminError(f"{resource}: {response.status} {body.strip()}")
        return body
    except (OSError, http.client.HTTPException) as error:
        raise AdminError(f"{path.name}: {error}") from error
    finally:
        connection.close()
