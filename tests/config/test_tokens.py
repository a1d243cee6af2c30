"""The token's file: what it must be before the node trusts it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from node.keys import KeyFileError
from node.tokens import LENGTH_MIN, Token, read_token, write_token

TEXT = "Zz" * (LENGTH_MIN // 2)


def put(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "page.token"
    write_token(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text().strip()
    assert len(text) >= LENGTH_MIN
    token = read_token(path)
    assert token.is_right(text)
    assert not token.is_right(text[:-1])
    assert not token.is_right("")
    assert text not in repr(vars(token)), "it is not kept"


def test_each_is_another(tmp_path: Path) -> None:
    write_token(tmp_path / "1")
    write_token(tmp_path / "2")
    assert (tmp_path / "1").read_text() != (tmp_path / "2").read_text()


def test_one_that_is_there_is_replaced_only_when_told(tmp_path: Path) -> None:
    path = put(tmp_path / "page.token", TEXT)
    with pytest.raises(KeyFileError, match="exists already: use --force"):
        write_token(path)
    assert path.read_text() == TEXT
    write_token(path, replace=True)
    assert not read_token(path).is_right(TEXT)


@pytest.mark.parametrize("text", [TEXT, f"{TEXT}\n", f"  {TEXT}\r\n"])
def test_space_around_it_does_not_count(tmp_path: Path, text: str) -> None:
    assert read_token(put(tmp_path / "t", text)).is_right(TEXT)


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (TEXT, 0o640, "is open to others"),
        (TEXT[1:], 0o600, "has fewer than 32 characters"),
        ("", 0o600, "is not one line without spaces"),
        (f"{TEXT} {TEXT}", 0o600, "is not one line without spaces"),
        (b"\xff" * 40, 0o600, "is not one line without spaces"),
        (b"\x00" * 40, 0o600, "is not one line without spaces"),
        (TEXT * 10, 0o600, "is too large for a token file"),
    ],
)
def test_not_a_token(tmp_path: Path, content: str | bytes, mode: int, message: str) -> None:
    with pytest.raises(KeyFileError, match=message) as caught:
        read_token(put(tmp_path / "t", content, mode))
    assert "zZz" not in str(caught.value).replace(str(tmp_path), ""), "an error says nothing of the token"


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="tandem keygen --token"):
        read_token(tmp_path / "none")


def test_keys_made_of_it_differ_by_purpose_and_token() -> None:
    assert len({Token(text).signing_key(purpose) for text in ("1", "2") for purpose in ("a", "b")}) == 4
