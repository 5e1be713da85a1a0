"""The file of keys: for its owner alone, never lost by being written, never shown."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from storage import text_keys
from storage.errors import TextKeyFileError
from storage.text_keys import KeyringFile

if TYPE_CHECKING:
    from pathlib import Path

KEY = "A" * 43 + "="


def test_a_new_file_is_for_its_owner_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    made = text_keys.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(text_keys.load(path).keys) == list(made.keys)
    with pytest.raises(TextKeyFileError, match="there already"):
        text_keys.create(path)


def test_a_file_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    text_keys.create(path)
    path.chmod(0o604)
    with pytest.raises(TextKeyFileError, match="chmod"):
        text_keys.load(path)


def test_the_last_line_counts_and_those_above_still_open(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    [first] = text_keys.create(path).keys
    path.write_text(path.read_text().rstrip("\n"))  # as some editors leave it
    inode = path.stat().st_ino
    both = text_keys.add(path)
    assert (next(iter(both.keys)), len(both.keys)) == (first, 2)
    assert both.current is not None
    assert both.current.id != first
    with path.open("a") as file:
        file.write("plain\n")
    off = text_keys.load(path)
    assert (list(off.keys), off.current) == (list(both.keys), None)
    on = text_keys.add(path)
    assert on.current is not None
    # A file that is mounted by itself would not be seen anew as another inode.
    assert path.stat().st_ino == inode


def test_a_key_is_called_after_itself(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    text_keys.create(one)
    text_keys.create(other)
    assert list(text_keys.load(one).keys) != list(text_keys.load(other).keys)
    other.write_text(one.read_text())
    assert list(text_keys.load(one).keys) == list(text_keys.load(other).keys)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "holds no key"),
        ("plain", "holds no key"),
        ("QUJD", "line 1 is no key"),
        (f"# x\n{KEY}\nnonsense", "line 3 is no key"),
        (f"{KEY} {KEY}", "line 1 is no key"),
    ],
)
def test_a_malformed_file_is_refused_without_showing_it(
    tmp_path: Path, content: str, says: str
) -> None:
    path = tmp_path / "keys"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(TextKeyFileError, match=says) as caught:
        text_keys.load(path)
    assert "AAAA" not in str(caught.value)


def test_keys_are_not_shown_by_repr(tmp_path: Path) -> None:
    keyring = text_keys.create(tmp_path / "keys")
    [key] = keyring.keys.values()
    assert repr(key) == f"TextKey(id='{key.id}')"
    assert repr(key.digest_secret) not in repr(keyring)


def test_keys_that_were_read_hold_while_the_file_is_away_or_being_written(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    text_keys.create(path)
    file = KeyringFile(path)
    keyring = file.read()
    whole = path.read_text()
    path.write_text(f"{whole}QUJ")
    assert file.read() is keyring
    path.unlink()
    assert file.read() is keyring
    with pytest.raises(TextKeyFileError, match="cannot read"):
        KeyringFile(path).read()
    path.write_text(f"{whole}{KEY}\n")
    path.chmod(0o600)
    assert len(file.read().keys) == 2
