from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from storage import keys
from storage.clock import now
from storage.errors import KeyExpiredError, KeyRevokedError, KeyUnknownError, PepperError
from storage.tables import keys as keys_table

if TYPE_CHECKING:
    from pathlib import Path

    from storage.database import Database

PEPPER = b"a pepper for tests only"


def make(
    database: Database, *scopes: str, expires_at: datetime | None = None, name: str = "ris"
) -> keys.NewKey:
    with database.begin() as conn:
        return keys.create(conn, PEPPER, name=name, scopes=scopes, expires_at=expires_at)


def verify(database: Database, token: str, pepper: bytes = PEPPER) -> keys.Key:
    with database.read() as conn:
        return keys.verify(conn, pepper, token)


def test_a_key_opens_what_its_scopes_say(database: Database) -> None:
    made = make(database, "reports:write", "extract")
    assert made.token.startswith(f"marrow_{made.key.id}_")
    verified = verify(database, made.token)
    assert verified == made.key
    assert verified.scopes == {"reports:write", "extract"}


def test_the_secret_is_neither_stored_nor_shown(database: Database) -> None:
    made = make(database, "extract")
    secret = made.token.split("_")[2]
    with database.read() as conn:
        [row] = conn.execute(select(keys_table)).all()
    assert secret not in repr(row)
    assert secret[:43] not in repr(row)
    assert made.token not in repr(made)


@pytest.mark.parametrize("change", [0, 7, 10, 20, -1])
def test_a_key_with_one_wrong_character_is_unknown(database: Database, change: int) -> None:
    token = list(make(database, "extract").token)
    token[change] = "x" if token[change] != "x" else "y"
    with pytest.raises(KeyUnknownError):
        verify(database, "".join(token))


@pytest.mark.parametrize("token", ["", "marrow_", "secret", "marrow_aaaaaaaa_" + "b" * 49])
def test_what_is_no_key_is_unknown(database: Database, token: str) -> None:
    with pytest.raises(KeyUnknownError):
        verify(database, token)


def test_another_pepper_opens_nothing(database: Database) -> None:
    with pytest.raises(KeyUnknownError):
        verify(database, make(database, "extract").token, b"another pepper, as long")


def test_a_key_expires(database: Database) -> None:
    moment = datetime.now(UTC)
    fresh = make(database, "extract", expires_at=moment + timedelta(hours=1))
    stale = make(database, "extract", expires_at=moment - timedelta(seconds=1))
    assert verify(database, fresh.token).expires_at is not None
    with pytest.raises(KeyExpiredError):
        verify(database, stale.token)


def test_a_revoked_key_opens_nothing_and_stays_listed(database: Database) -> None:
    made = make(database, "extract")
    with database.begin() as conn:
        assert keys.revoke(conn, made.key.id)
        assert not keys.revoke(conn, made.key.id)
    with pytest.raises(KeyRevokedError):
        verify(database, made.token)
    with database.read() as conn:
        [listed] = keys.list_all(conn)
        assert keys.count(conn) == 1
    assert listed.revoked_at is not None


def test_last_use_is_written_now_and_then(database: Database) -> None:
    made = make(database, "extract")
    assert keys.needs_touch(made.key)
    with database.begin() as conn:
        keys.touch(conn, made.key.id)
    first = verify(database, made.token)
    assert first.last_used_at is not None
    assert not keys.needs_touch(first)
    with database.begin() as conn:
        keys.touch(conn, made.key.id)
    assert verify(database, made.token).last_used_at == first.last_used_at
    with database.begin() as conn:
        conn.execute(update(keys_table).values(last_used_at=now(offset_s=-3600)))
    assert keys.needs_touch(verify(database, made.token))


def test_a_scope_has_a_form(database: Database) -> None:
    with pytest.raises(ValueError, match="not a scope"):
        make(database, "Everything!")


def test_the_pepper_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key-pepper"
    made = keys.load_pepper(path, create=True)
    assert keys.load_pepper(path, create=True) == keys.load_pepper(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_pepper_that_is_missing_short_or_open_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key-pepper"
    with pytest.raises(PepperError, match="cannot read"):
        keys.load_pepper(path)
    path.write_text("short")
    path.chmod(0o600)
    with pytest.raises(PepperError, match="too short"):
        keys.load_pepper(path)
    path.write_text("x" * 32)
    path.chmod(0o644)
    with pytest.raises(PepperError, match="open to everybody"):
        keys.load_pepper(path)
    with pytest.raises(PepperError, match="cannot write"):
        keys.load_pepper(tmp_path / "nowhere" / "key-pepper", create=True)
