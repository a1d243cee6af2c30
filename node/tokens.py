"""The admin token: one line of a file that only its owner may read. Whoever shows it may see and change the node."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from node.keys import KeyFileError, Secret, read_secret, write_secret

LENGTH_MIN = 32
RANDOM_SIZE = 32
TOKEN = Secret("token", "make it with `tandem keygen --token {path}`", "make one with `tandem keygen --token {path}`")


class Token:
    """Knows the right one without keeping it: only its digest, which also is what cookies are signed with."""

    def __init__(self, text: str) -> None:
        self._digest = hashlib.sha256(text.encode()).digest()

    def is_right(self, text: str) -> bool:
        """Whether `text` is the token; takes the same time whatever is wrong about it."""
        return hmac.compare_digest(self._digest, hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest())

    def signing_key(self, purpose: str) -> bytes:
        """A key that only holders of the token could make."""
        return hmac.digest(self._digest, purpose.encode(), "sha256")


def read_token(path: Path) -> Token:
    """The token in `path`. Raises KeyFileError, which never says a word of it."""
    return Token(_parse(path, read_secret(path, TOKEN)))


def write_token(path: Path, *, replace: bool = False) -> None:
    """Write a fresh one; raises KeyFileError."""
    line = f"{secrets.token_urlsafe(RANDOM_SIZE)}\n".encode()
    write_secret(
        path, line, "use --force to replace it; pages that are open must be given the new one", replace=replace
    )


def _parse(path: Path, data: bytes) -> str:
    remedy = TOKEN.make.format(path=path)
    words = data.split()
    if len(words) != 1 or not words[0].isascii() or not words[0].decode("ascii").isprintable():
        raise KeyFileError(f"{path} is not one line without spaces", remedy)
    if len(words[0]) < LENGTH_MIN:
        raise KeyFileError(f"the token in {path} has fewer than {LENGTH_MIN} characters", remedy)
    return words[0].decode()
