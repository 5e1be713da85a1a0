"""The file with the keys that report texts are sealed with.

A line for each key: 32 random bytes in base 64. The last line counts: its key seals, those above
open what they sealed before. The word ``plain`` in the last line: nothing is sealed any more, and
what is can still be opened. New lines are added at the end, so a key that is there is never at
risk, and a file that is mounted by itself (a secret of Docker) stays the same file.
"""

from __future__ import annotations

import base64
import os
import secrets
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from storage.errors import TextKeyFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PLAIN = "plain"
_KEY_BYTES = 32
_ID_BYTES = 4
_HEAD = (
    "# Keys of Marrow's report texts. Who has this file and the database can read them; without\n"
    "# it nobody can. Keep a copy where the backups are not. The last key seals, the others open.\n"
)


@dataclass(frozen=True, slots=True)
class TextKey:
    """A key of the file, with what is made of it: no two uses share their bytes."""

    id: str
    """Made of the key itself, so that another key never goes by its name."""
    cipher: AESGCM = field(repr=False)
    digest_secret: bytes = field(repr=False)
    """For digests of what is sealed: a plain one would tell whether a guess is right."""

    @classmethod
    def of(cls, secret: bytes) -> TextKey:
        """Return the key of a line of the file."""
        return cls(
            id=_derive(secret, b"id")[:_ID_BYTES].hex(),
            cipher=AESGCM(_derive(secret, b"seal")),
            digest_secret=_derive(secret, b"digest"),
        )


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of a file."""

    keys: Mapping[str, TextKey]
    """By id, in the order of the file."""
    current: TextKey | None
    """The key that seals; ``None`` where nothing is sealed."""


NO_KEYS = Keyring(keys={}, current=None)


class KeyringFile:
    """A file of keys, read again whenever it has changed: no process has to be restarted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, ...] | None = None
        self._keyring: Keyring | None = None

    def read(self) -> Keyring:
        """Return the keys. Raises TextKeyFileError, but not once they were read.

        A file that is away, or being written, must not stop a service that has its keys.
        """
        try:
            stamp = _stamp(self.path)
            if self._keyring is None or stamp != self._stamp:
                self._keyring, self._stamp = load(self.path), stamp
        except TextKeyFileError:
            if self._keyring is None:
                raise
        return self._keyring


def load(path: Path) -> Keyring:
    """Read a file of keys. Raises TextKeyFileError; no message holds a key."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            lines = file.read().decode().splitlines()
    except (OSError, UnicodeDecodeError):
        raise TextKeyFileError(f"cannot read the text keys {path}") from None
    if mode & 0o007:
        raise TextKeyFileError(f"{path} is open to everybody; run: chmod o= {path}")
    return _parse(path, lines)


def create(path: Path) -> Keyring:
    """Write a new file with a first key, for this user alone. Raises TextKeyFileError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise TextKeyFileError(
            f"{path} is there already; `marrow text-keys rotate` adds a key to it"
        ) from None
    except OSError:
        raise TextKeyFileError(f"cannot write the text keys {path}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(_HEAD)
    return add(path)


def add(path: Path) -> Keyring:
    """Add a new key, which seals from now on, and return them all. Raises TextKeyFileError."""
    line = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    try:
        with path.open("rb+") as file:
            # Somebody's editor may have left the last line open.
            start = "" if file.read().endswith(b"\n") else "\n"
            file.write(f"{start}{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        raise TextKeyFileError(f"cannot write the text keys {path}") from None
    return load(path)


def _parse(path: Path, lines: list[str]) -> Keyring:
    keys: dict[str, TextKey] = {}
    current: TextKey | None = None
    for number, line in enumerate(lines, 1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        current = None if word == PLAIN else _key(path, number, word)
        if current is not None:
            keys[current.id] = current
    if not keys:
        raise TextKeyFileError(f"{path} holds no key; `marrow text-keys rotate` adds one")
    return Keyring(keys=keys, current=current)


def _key(path: Path, number: int, word: str) -> TextKey:
    try:
        secret = base64.b64decode(word, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != _KEY_BYTES:
        raise TextKeyFileError(
            f"{path}: line {number} is no key; `openssl rand -base64 {_KEY_BYTES}` makes one"
        )
    return TextKey.of(secret)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        raise TextKeyFileError(f"cannot read the text keys {path}") from None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _derive(secret: bytes, use: bytes) -> bytes:
    expand = HKDFExpand(algorithm=SHA256(), length=_KEY_BYTES, info=b"marrow text key " + use)
    return expand.derive(secret)
