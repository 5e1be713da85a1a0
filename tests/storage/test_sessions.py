"""Sessions end: by idleness, by age, by hand, and with the key that opened them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from storage import keys, sessions
from storage.clock import now
from storage.errors import SessionOverError
from storage.tables import keys as keys_table
from storage.tables import sessions as table

if TYPE_CHECKING:
    from storage.database import Database

PEPPER = b"a pepper for tests only"
TIMES = sessions.Times(idle_s=900, whole_s=12 * 3_600)


def opened(database: Database, *, caller: str = "oidc:anna", key: str | None = None) -> Any:
    with database.begin() as conn:
        return sessions.create(
            conn,
            PEPPER,
            caller=caller,
            name="Anna",
            scopes={"reports:read"},
            times=TIMES,
            key=key,
        )


def verified(database: Database, token: str) -> sessions.Session:
    with database.read() as conn:
        return sessions.verify(conn, PEPPER, token, TIMES)


def change(database: Database, **values: Any) -> None:
    with database.begin() as conn:
        conn.execute(update(table).values(**values))


def test_a_session_is_known_by_its_token_which_is_not_stored(database: Database) -> None:
    new = opened(database)
    assert verified(database, new.token) == new.session
    assert new.session.scopes == {"reports:read"}
    with database.read() as conn:
        [row] = conn.execute(select(table)).all()
    assert new.token not in repr(row)
    assert new.token not in repr(new)
    with pytest.raises(SessionOverError):
        verified(database, new.token[:-1])
    with pytest.raises(SessionOverError), database.read() as conn:
        sessions.verify(conn, b"another pepper", new.token, TIMES)


@pytest.mark.parametrize(
    "values",
    [
        {"last_used_at": now(offset_s=-901)},
        {"expires_at": now(offset_s=-1)},
        {"ended_at": now()},
    ],
)
def test_a_session_that_is_over_opens_nothing(database: Database, values: dict[str, Any]) -> None:
    token = opened(database).token
    change(database, **values)
    with pytest.raises(SessionOverError):
        verified(database, token)
    with database.read() as conn:
        assert sessions.list_open(conn, TIMES) == []


def test_use_keeps_a_session_open_but_not_beyond_its_end(database: Database) -> None:
    new = opened(database)
    change(database, last_used_at=now(offset_s=-800))
    assert verified(database, new.token).needs_touch
    with database.begin() as conn:
        sessions.touch(conn, new.session.id)
    assert not verified(database, new.token).needs_touch
    change(database, expires_at=now(offset_s=-1))
    with pytest.raises(SessionOverError):
        verified(database, new.token)


def test_a_session_has_the_scopes_of_its_key_and_ends_with_it(database: Database) -> None:
    with database.begin() as conn:
        key = keys.create(conn, PEPPER, name="ward", scopes={"extract"}).key
    token = opened(database, caller=f"key:{key.id}", key=key.id).token
    assert verified(database, token).scopes == {"extract"}
    with database.begin() as conn:
        past = datetime.now(UTC) - timedelta(seconds=1)
        conn.execute(update(keys_table).values(expires_at=past))
    with pytest.raises(SessionOverError):
        verified(database, token)
    with database.begin() as conn:
        conn.execute(update(keys_table).values(expires_at=None))
    assert verified(database, token).key == key.id
    with database.begin() as conn:
        keys.revoke(conn, key.id)
    with pytest.raises(SessionOverError):
        verified(database, token)


def test_somebody_ends_his_own_sessions_and_no_other(database: Database) -> None:
    anna, ben = opened(database), opened(database, caller="oidc:ben")
    with database.begin() as conn:
        assert not sessions.end(conn, ben.session.id, caller="oidc:anna")
        assert sessions.list_open(conn, TIMES, caller="oidc:anna") == [anna.session]
        assert sessions.end(conn, anna.session.id, caller="oidc:anna")
        assert not sessions.end(conn, anna.session.id)
        assert sessions.list_open(conn, TIMES) == [ben.session]


def test_what_was_over_long_ago_is_forgotten(database: Database) -> None:
    opened(database)
    change(database, expires_at=now(offset_s=-8 * 24 * 3_600))
    opened(database)
    with database.read() as conn:
        assert len(conn.execute(select(table)).all()) == 1
