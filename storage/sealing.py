"""Sealing: what reports say, and results, which quote them, encrypted in the database.

AES-256-GCM with a random nonce for each value. A value is bound to its column and its row: copied
to another place it does not open. Each row names the key that it is sealed with, none for a plain
one, so both stand side by side while sealing is turned on or off, or a key is changed.

What a report is recognised by holds a digest of its text. Beside a sealed text it is an HMAC.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import text as sql

from storage.errors import SealBrokenError, TextKeyMissingError
from storage.tables import reports, results, sample_items
from storage.text_keys import NO_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from storage.text_keys import Keyring, KeyringFile, TextKey

OPTION = "marrow_text_keys"
"""The execution option of an engine that holds its :class:`KeyringFile`."""
SEALED_TABLES = (reports.name, results.name, sample_items.name)
_NONCE_BYTES = 12


class Sealer:
    """Seals and opens with the keys of a keyring."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring

    @property
    def key_id(self) -> str | None:
        """The id of the key that seals; ``None`` where nothing is sealed."""
        return None if self.keyring.current is None else self.keyring.current.id

    def seal_text(self, id_: str, data: bytes) -> dict[str, Any]:
        """Return the columns of a report that hold its text."""
        digest = hashlib.sha256(data).hexdigest()
        key = self.keyring.current
        if key is None:
            return {"text": data, "text_sha256": digest, "text_key": None}
        sealed = _seal(key, data, f"reports.text {id_}")
        return {"text": sealed, "text_sha256": _keyed(key, digest), "text_key": key.id}

    def open_text(self, id_: str, stored: bytes, key_id: str | None) -> bytes:
        """Return the text of a report. Raises TextKeyMissingError, SealBrokenError."""
        return stored if key_id is None else self._open(stored, key_id, f"reports.text {id_}")

    def seal_json(self, report: str, json: str) -> dict[str, Any]:
        """Return the columns of a result that hold its JSON."""
        digest = hashlib.sha256(json.encode()).hexdigest()
        key = self.keyring.current
        if key is None:
            return {"json": json, "digest": digest, "text_key": None}
        sealed = base64.b64encode(_seal(key, json.encode(), f"results.json {report}")).decode()
        return {"json": sealed, "digest": _keyed(key, digest), "text_key": key.id}

    def open_json(self, report: str, stored: str, key_id: str | None) -> str:
        """Return the JSON of a result. Raises TextKeyMissingError, SealBrokenError."""
        if key_id is None:
            return stored
        place = f"results.json {report}"
        try:
            sealed = base64.b64decode(stored, validate=True)
        except ValueError:
            raise SealBrokenError(place) from None
        return self._open(sealed, key_id, place).decode()

    def seal_item(self, id_: str, text: bytes | None) -> dict[str, Any]:
        """Return the columns of an item of a sample that hold its text."""
        key = self.keyring.current
        if key is None or text is None:
            return {"text": text, "text_key": None}
        return {"text": _seal(key, text, f"sample_items.text {id_}"), "text_key": key.id}

    def open_item(self, id_: str, stored: bytes, key_id: str | None) -> bytes:
        """Return the text of an item. Raises TextKeyMissingError, SealBrokenError."""
        return stored if key_id is None else self._open(stored, key_id, f"sample_items.text {id_}")

    def digests(self, text_sha256: str) -> list[str]:
        """Return all that may stand for the digest of a text, by whichever key it is sealed."""
        return [text_sha256, *(_keyed(key, text_sha256) for key in self.keyring.keys.values())]

    def check_keys(self, conn: Connection, tables: Sequence[str] = SEALED_TABLES) -> None:
        """Raise TextKeyMissingError where something is sealed with a key that we have not."""
        for table in tables:
            for key_id in used_keys(conn, table):
                self._key(key_id)

    def _open(self, sealed: bytes, key_id: str, place: str) -> bytes:
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._key(key_id).cipher.decrypt(nonce, rest, place.encode())
        except (InvalidTag, ValueError):  # ValueError: shorter than a nonce
            raise SealBrokenError(place) from None

    def _key(self, key_id: str) -> TextKey:
        if key_id not in self.keyring.keys:
            raise TextKeyMissingError(key_id)
        return self.keyring.keys[key_id]


def sealer_of(conn: Connection) -> Sealer:
    """Return what seals and opens on this connection, with the keys as they are now."""
    file: KeyringFile | None = conn.get_execution_options().get(OPTION)
    return _PLAIN if file is None else Sealer(file.read())


def used_keys(conn: Connection, table: str) -> list[str]:
    """Return the ids of the keys that something in a table is sealed with.

    Leaps through the index from one key to the next: as fast for a million rows as for none.
    """
    query = (  # the names are those of our own tables
        "WITH RECURSIVE used(id) AS ("  # noqa: S608
        f"SELECT min(text_key) FROM {table} WHERE text_key > '' "
        f"UNION ALL SELECT (SELECT min(text_key) FROM {table} WHERE text_key > used.id) "
        "FROM used WHERE used.id IS NOT NULL) "
        "SELECT id FROM used WHERE id IS NOT NULL"
    )
    return list(conn.execute(sql(query)).scalars())


def _seal(key: TextKey, data: bytes, place: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.cipher.encrypt(nonce, data, place.encode())


def _keyed(key: TextKey, digest: str) -> str:
    return hmac.digest(key.digest_secret, digest.encode(), "sha256").hex()


_PLAIN = Sealer(NO_KEYS)
