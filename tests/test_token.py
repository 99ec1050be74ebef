"""The token's file: made once, private, and never one that others may know."""

import base64
from pathlib import Path

import pytest

from daemon.api.token import BYTES, load_token


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    """32 random bytes, in a file of the user's alone."""
    path = tmp_path / "token"
    token = load_token(path)
    assert load_token(path) == token
    assert len(base64.urlsafe_b64decode(token + "=")) == BYTES
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert load_token(tmp_path / "other") != token


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_one_that_others_could_reach_is_replaced(tmp_path: Path, mode: int) -> None:
    """It is no secret any more, or not ours."""
    path = tmp_path / "token"
    token = load_token(path)
    path.chmod(mode)
    assert load_token(path) != token
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 42, b"\xff" * 43, b"x" * 44, b"a b" * 15])
def test_what_is_no_token_is_replaced(tmp_path: Path, content: bytes) -> None:
    """An empty one above all, which everybody could show."""
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)
    assert len(load_token(path)) == 43


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Where it leads is not ours to read, nor to write."""
    there = tmp_path / "there"
    there.write_text("x" * 43)
    there.chmod(0o600)
    (tmp_path / "token").symlink_to(there)
    assert load_token(tmp_path / "token") != "x" * 43
    assert there.read_text() == "x" * 43
