"""An etcd of the tests' own on loopback, in the clear or by TLS."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UP_TIMEOUT_S = 30.0


@contextmanager
def running(where: Path, *, tls: bool = False) -> Iterator[str]:
    """Yields the endpoint of a single member that keeps its data under `where`."""
    client, peer = free_port(), free_port()
    url = f"{'https' if tls else 'http'}://127.0.0.1:{client}"
    command = ["etcd", "--data-dir", str(where / "etcd"), "--logger", "zap", "--log-level", "error"]
    command += ["--listen-client-urls", url, "--advertise-client-urls", url]
    command += ["--listen-peer-urls", f"http://127.0.0.1:{peer}"]
    if tls:
        make_certificate(where)
        command += ["--cert-file", str(where / "cert.pem"), "--key-file", str(where / "key.pem")]
    with (where / "etcd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(client)
        yield url
    finally:
        process.kill()
        process.wait()


def make_certificate(where: Path) -> None:
    """For 127.0.0.1, signed by itself, in cert.pem and key.pem."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(where / "key.pem"))
    names = ("-subj", "/CN=etcd", "-addext", "subjectAltName=IP:127.0.0.1")
    out = ("-out", str(where / "cert.pem"), "-days", "2")
    subprocess.run(("openssl", "req", "-x509", *key, *names, *out), check=True, capture_output=True)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + UP_TIMEOUT_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on {port}")
