"""An admin server on a Unix socket that answers as a node would, and notes what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

from tests.cli import answers


class FakeNode(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path) -> None:
        self.asked: list[str] = []
        self.replies: dict[str, tuple[int, bytes]] = {
            f"GET /{name}": (200, json.dumps(view).encode()) for name, view in answers.VIEWS.items()
        }
        self.replies["POST /switchover"] = (200, b'{"ok": true}')
        super().__init__(str(path), Handler)

    def refuse_switchover(self, reason: str) -> None:
        self.replies["POST /switchover"] = (409, json.dumps({"ok": False, "error": reason}).encode())


class Handler(BaseHTTPRequestHandler):
    server: FakeNode

    def reply(self) -> None:
        asked = f"{self.command} {self.path}"
        self.server.asked.append(asked)
        status, body = self.server.replies.get(asked, (404, b"404: Not Found"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = reply

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def fake_node(path: Path) -> Iterator[FakeNode]:
    with FakeNode(path) as node:
        thread = threading.Thread(target=node.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield node
        finally:
            node.shutdown()
            thread.join()
