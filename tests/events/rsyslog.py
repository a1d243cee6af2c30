"""A real rsyslogd, as Debian ships it: reads a file of EVE JSON, and listens for syslog by UDP, TCP and TLS."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

NAME = "siem.test"
WAIT_S = 30.0
T = TypeVar("T")

CONFIG = """\
global(workDirectory="{root}" net.enableDNS="off" maxMessageSize="32k"
  defaultNetstreamDriverCAFile="{root}/cert.pem"
  defaultNetstreamDriverCertFile="{root}/cert.pem" defaultNetstreamDriverKeyFile="{root}/key.pem")
module(load="imfile" mode="inotify")
module(load="mmjsonparse")
module(load="imudp")
module(load="imptcp")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="parsed" type="list") {{ property(name="$!all-json") constant(value="\\n") }}
template(name="message" type="list") {{
  constant(value="{{") property(name="pri" format="jsonf") constant(value=",") property(name="hostname" format="jsonf")
  constant(value=",") property(name="app-name" format="jsonf") constant(value=",") property(name="msgid" format="jsonf")
  constant(value=",") property(name="timereported" dateFormat="rfc3339" format="jsonf")
  constant(value=",") property(name="protocol-version" format="jsonf")
  constant(value=",") property(name="msg" format="jsonf") constant(value="}}\\n") }}
input(type="imfile" file="{root}/eve.json" tag="suricata" addMetadata="off" ruleset="eve")
input(type="imudp" address="127.0.0.1" port="{port}" ruleset="syslog")
input(type="imptcp" address="127.0.0.1" port="{port}" ruleset="syslog")
input(type="imtcp" address="127.0.0.1" port="{tls_port}" ruleset="syslog")
ruleset(name="eve") {{
  action(type="mmjsonparse" cookie="")
  if $parsesuccess == "OK" then {{ action(type="omfile" file="{root}/parsed" template="parsed") }}
}}
ruleset(name="syslog") {{ action(type="omfile" file="{root}/messages" template="message") }}
"""


@dataclass(frozen=True)
class Rsyslog:
    """What it is told by, and what it has written."""

    root: Path
    port: int
    tls_port: int

    @property
    def eve(self) -> Path:
        """The file of EVE JSON that it reads."""
        return self.root / "eve.json"

    @property
    def certificate(self) -> Path:
        """Its own, which a client must trust."""
        return self.root / "cert.pem"

    def parsed(self) -> list[dict[str, Any]]:
        """What mmjsonparse understood of the EVE file."""
        return _lines(self.root / "parsed")

    def messages(self) -> list[dict[str, Any]]:
        """The syslog messages taken apart."""
        return _lines(self.root / "messages")


@contextmanager
def rsyslog(root: Path) -> Iterator[Rsyslog]:
    """One that runs, in a directory of its own."""
    _certificate(root)
    server = Rsyslog(root, _free_port(), _free_port())
    with running(server):
        yield server


@contextmanager
def running(server: Rsyslog) -> Iterator[None]:
    """The same one started again, on the same ports."""
    config = server.root / "rsyslog.conf"
    config.write_text(CONFIG.format(root=server.root, port=server.port, tls_port=server.tls_port))
    program = ("rsyslogd", "-n", "-f", str(config), "-i", str(server.root / "pid"))
    with (server.root / "log").open("ab") as log, subprocess.Popen(program, stdout=log, stderr=log) as process:
        try:
            for port in (server.port, server.tls_port):
                until(f"port {port}", lambda port=port: _listens(port))
            yield
        finally:
            process.terminate()


def until(what: str, look: Callable[[], T]) -> T:
    """What `look` returns, once it is something."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


def _lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _certificate(root: Path) -> None:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(root / "key.pem"))
    names = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}")
    out = ("-out", str(root / "cert.pem"), "-days", "2")
    subprocess.run(("openssl", "req", "-x509", *key, *out, *names), check=True, capture_output=True)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
