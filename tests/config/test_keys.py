"""The key file: its format, and what it must be before the node trusts it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from node.keys import KEY_SIZE, KeyFileError, Rotation, fingerprint, new_key, read_keys, rotate, write_keys
from tests.requirements import needs_root

KEY = bytes(range(KEY_SIZE))
LINE = "tandem-key-v1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def put(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "cluster.key"
    write_keys(path, (KEY,))
    assert path.read_text() == LINE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_keys(path) == (KEY,)
    assert list(tmp_path.iterdir()) == [path], "no draft is left behind"


def test_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "cluster.key"
    old = os.umask(0)
    try:
        write_keys(path, (KEY,))
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_new_keys_differ() -> None:
    assert len(new_key()) == KEY_SIZE
    assert new_key() != new_key()


def test_an_existing_key_is_replaced_only_when_told(tmp_path: Path) -> None:
    path = put(tmp_path / "cluster.key", LINE)
    with pytest.raises(KeyFileError, match="exists already"):
        write_keys(path, (new_key(),))
    assert read_keys(path) == (KEY,)
    fresh = new_key()
    write_keys(path, (fresh,), replace=True)
    assert read_keys(path) == (fresh,)
    assert list(tmp_path.iterdir()) == [path]


def test_read_only_for_its_owner_is_fine_too(tmp_path: Path) -> None:
    assert read_keys(put(tmp_path / "k", LINE, 0o400)) == (KEY,)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610])
def test_open_to_others(tmp_path: Path, mode: int) -> None:
    path = put(tmp_path / "k", LINE, mode)
    with pytest.raises(KeyFileError) as caught:
        read_keys(path)
    assert caught.value.what == f"{path} is open to others (mode {mode:04o})"
    assert caught.value.remedy == f"chmod 600 {path}"


@needs_root
def test_what_root_replaces_keeps_its_owner(tmp_path: Path) -> None:
    path = put(tmp_path / "k", LINE)
    os.chown(path, 12345, 23456)
    rotate(path, Rotation.ADD)
    assert (path.stat().st_uid, path.stat().st_gid, len(read_keys(path))) == (12345, 23456, 2)


@needs_root
def test_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "k", LINE)
    os.chown(path, 12345, 0)
    assert read_keys(path) == (KEY,), "root may look on behalf of the node's user"
    monkeypatch.setattr(os, "geteuid", lambda: 999)
    with pytest.raises(KeyFileError, match="belongs to user 12345"):
        read_keys(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a tandem key file"),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "is not a tandem key file"),
        (LINE.replace("v1", "v2"), "is not a tandem key file"),
        (LINE + LINE, "holds the same key twice"),
        (LINE + LINE + LINE, "is not a tandem key file"),
        (b"\xff\x00\xfe", "is not a tandem key file"),
        ("tandem-key-v1 !!!!\n", "the key is not base64"),
        ("tandem-key-v1 AAEC\n", "the key has 3 bytes, not 32"),
        (LINE + " " * 256, "is too large for a key file"),
    ],
)
def test_damaged(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(KeyFileError, match=message) as caught:
        read_keys(put(tmp_path / "k", content))
    told = str(caught.value).replace(str(tmp_path), "")
    assert "AAEC" not in told, "an error says nothing of the key"


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError) as caught:
        read_keys(tmp_path / "none")
    assert "tandem keygen" in caught.value.remedy


def test_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="is not a regular file"):
        read_keys(tmp_path)
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(KeyFileError, match="is not a regular file"):
        read_keys(tmp_path / "fifo")  # and does not wait for a writer


def test_nowhere_to_write(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be written: No such file"):
        write_keys(tmp_path / "none" / "k", (KEY,))


def test_a_rotation_comes_from_one_key_to_another_by_steps(tmp_path: Path) -> None:
    path = put(tmp_path / "k", LINE)
    old, new = rotate(path, Rotation.ADD)
    assert (old, read_keys(path)) == (KEY, (old, new))
    assert rotate(path, Rotation.USE) == read_keys(path) == (new, old)
    assert rotate(path, Rotation.DROP) == read_keys(path) == (new,)
    assert path.stat().st_mode & 0o777 == 0o600
    assert fingerprint(old) != fingerprint(new) and len(fingerprint(new)) == 8


@pytest.mark.parametrize(("content", "step"), [(LINE, Rotation.USE), (LINE, Rotation.DROP)])
def test_a_step_out_of_turn_changes_nothing(tmp_path: Path, content: str, step: Rotation) -> None:
    path = put(tmp_path / "k", content)
    with pytest.raises(KeyFileError, match=f"not the time to {step} one"):
        rotate(path, step)
    assert read_keys(path) == (KEY,)
