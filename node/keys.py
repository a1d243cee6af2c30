"""The cluster's key file: a line `tandem-key-v1 <base64 of 32 bytes>`, readable by its owner alone.

Both nodes hold the same file. All that they say to each other is sealed with keys derived from it. While the key is
changed there are two lines: the first key seals, both are accepted.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

KEY_SIZE = 32
FORMAT = "tandem-key-v1"
FILE_SIZE_MAX = 256
KEYS_MAX = 2

Keys = tuple[bytes, ...]
"""The first one seals; all are accepted."""


class KeyFileError(Exception):
    """A key file that cannot be used: what is wrong, and what to do. Never says a word of the key."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy


def new_key() -> bytes:
    """A fresh key from the system's randomness."""
    return os.urandom(KEY_SIZE)


class Secret(NamedTuple):
    """A kind of file that only its owner may read: what it is called, and how to come by one."""

    name: str
    missing: str
    """The remedy when there is none; `{path}` is its path."""
    make: str
    """The remedy when something else is in its place."""


KEY = Secret(
    "key", "make it with `tandem keygen {path}` and copy it to the other node", "make one with `tandem keygen {path}`"
)


def fingerprint(key: bytes) -> str:
    """What tells one key from another and nothing about it."""
    from hashlib import sha256  # noqa: PLC0415 - whoever only reads a key does without

    return sha256(b"tandem key fingerprint " + key).hexdigest()[:8]


def read_keys(path: Path) -> Keys:
    """The key in `path`, or both. Raises KeyFileError."""
    return _parse(path, read_secret(path, KEY))


def read_secret(path: Path, kind: Secret) -> bytes:
    """The content of a small file that is its owner's alone. Raises KeyFileError."""
    try:
        # Not blocking, so that a FIFO put in the file's place cannot hang the node.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFileError(f"{path} does not exist", kind.missing.format(path=path)) from None
    except OSError as error:
        raise KeyFileError(
            f"{path} cannot be opened: {error.strerror}", f"run as the {kind.name} file's owner"
        ) from None
    try:
        _check_status(path, os.fstat(descriptor), kind)
        return os.read(descriptor, FILE_SIZE_MAX + 1)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}", "see that the disk is sound") from None
    finally:
        os.close(descriptor)


def write_keys(path: Path, keys: Keys, *, replace: bool = False) -> None:
    """Write the keys to `path`, as `write_secret`."""
    assert 1 <= len(keys) <= KEYS_MAX and all(len(key) == KEY_SIZE for key in keys)
    lines = b"".join(f"{FORMAT} {base64.b64encode(key).decode()}\n".encode() for key in keys)
    write_secret(path, lines, "use --force to replace it; both nodes need the new key then", replace=replace)


class Rotation(StrEnum):
    """The steps by which a running pair comes to another key; after each, both nodes take the file up (reload)."""

    ADD = "add"
    """A new key, accepted and not used yet."""
    USE = "use"
    """The new key seals; the old one is accepted still."""
    DROP = "drop"
    """The old key is accepted no more."""


_NEEDS = {Rotation.ADD: 1, Rotation.USE: 2, Rotation.DROP: 2}
_ROTATED: dict[Rotation, Callable[[Keys], Keys]] = {
    Rotation.ADD: lambda keys: (*keys, new_key()),
    Rotation.USE: lambda keys: keys[::-1],
    Rotation.DROP: lambda keys: keys[:1],
}


def rotate(path: Path, step: Rotation) -> Keys:
    """Take a step with the file at `path`; the keys that it holds now. Raises KeyFileError."""
    keys = read_keys(path)
    if len(keys) != _NEEDS[step]:
        remedy = "add, use and drop follow each other, with a reload of both nodes after each"
        raise KeyFileError(f"{path} holds {len(keys)} of {KEYS_MAX} keys: this is not the time to {step} one", remedy)
    rotated = _ROTATED[step](keys)
    write_keys(path, rotated, replace=True)
    return rotated


def write_secret(path: Path, content: bytes, instead: str, *, replace: bool = False) -> None:
    """Write `content` to `path` with mode 0600, whole or not at all.

    Raises KeyFileError, also when the file exists and `replace` is not set: with the remedy `instead`.
    """
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        _write_new(draft, content)
        try:
            if replace:
                _keep_owner(path, draft)
                draft.replace(path)
            else:
                path.hardlink_to(draft)  # unlike a rename, this refuses to replace
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        raise KeyFileError(f"{path} exists already", instead) from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}", "see its directory") from None


def _keep_owner(path: Path, draft: Path) -> None:
    """What root replaces stays the node's own user's."""
    if path.exists() and os.geteuid() == 0:
        owner = path.stat()
        os.chown(draft, owner.st_uid, owner.st_gid)


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_status(path: Path, status: os.stat_result, kind: Secret) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path} is not a regular file", kind.make.format(path=path))
    if status.st_size > FILE_SIZE_MAX:
        raise KeyFileError(f"{path} is too large for a {kind.name} file", kind.make.format(path=path))
    if os.geteuid() not in (status.st_uid, 0) and status.st_uid != 0:  # root looks on behalf of the node's user
        raise KeyFileError(f"{path} belongs to user {status.st_uid}", "it must be the node's own user's, or root's")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileError(f"{path} is open to others (mode {mode:04o})", f"chmod 600 {path}")


def _parse(path: Path, data: bytes) -> Keys:
    remedy = f"each line is `{FORMAT} <base64 of {KEY_SIZE} bytes>`: copy the file again from the other node"
    lines = [line.split() for line in data.splitlines() if line.strip()]
    if not 1 <= len(lines) <= KEYS_MAX or any(len(words) != 2 or words[0] != FORMAT.encode() for words in lines):
        raise KeyFileError(f"{path} is not a tandem key file", remedy)
    keys = tuple(_decoded(path, words[1], remedy) for words in lines)
    if len(set(keys)) != len(keys):
        raise KeyFileError(f"{path} holds the same key twice", "remove one of the lines")
    return keys


def _decoded(path: Path, text: bytes, remedy: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise KeyFileError(f"{path} is damaged: the key is not base64", remedy) from None
    if len(key) != KEY_SIZE:
        raise KeyFileError(f"{path} is damaged: the key has {len(key)} bytes, not {KEY_SIZE}", remedy)
    return key
