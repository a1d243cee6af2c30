"""The certificate that the admin API is served under over TCP."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

from node.config.models import Tls

OTHERS = stat.S_IRWXO


class TlsError(Exception):
    """Files that cannot be used: the configuration's key, what is wrong, and what to do."""

    def __init__(self, key: str, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.key = key
        self.what = what
        self.remedy = remedy


def server_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or later under `tls.certificate`. Raises TlsError."""
    for key, path in (("certificate", tls.certificate), ("key", tls.key)):
        _check(key, path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).lower().replace("_", " ")
        raise TlsError(
            "certificate",
            f"{tls.certificate} and {tls.key} do not serve: {reason}",
            "give a PEM certificate and its key",
        ) from None
    except (OSError, ValueError):
        raise TlsError("key", f"{tls.key} cannot be used", "give the private key as PEM, without a password") from None
    return context


def _check(key: str, path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise TlsError(key, f"{path} cannot be read: {error.strerror}", "see the path, and who may read it") from None
    if key == "key" and mode & OTHERS:
        raise TlsError(key, f"{path} is open to others (mode {stat.S_IMODE(mode):04o})", f"chmod o= {path}")


def _no_password() -> str:
    """Called for a key under a password: there is nobody to ask, and an empty one is refused."""
    return ""
