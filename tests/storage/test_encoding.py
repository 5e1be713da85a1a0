from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from extractor.model import Patient
from storage import reports
from storage.database import Database
from storage.model import Lane, NewReport

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ascii_url(postgresql_url: str) -> Iterator[str]:
    """A database that says nothing of its encoding, as `initdb` makes it without a locale."""
    with psycopg.connect(postgresql_url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE bare TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        old = conn.info.dbname
        yield postgresql_url.replace(old, "bare")
        conn.execute("DROP DATABASE bare WITH (FORCE)")


def test_text_stays_text_in_a_database_without_encoding(ascii_url: str) -> None:
    database = Database(ascii_url)
    database.upgrade()
    posted = NewReport(text="Kein Ödem.", patient=Patient(id="Zoë-1"))
    with database.begin() as conn:
        [accepted] = reports.accept(conn, [posted], lane=Lane.BULK)
        stored = reports.get(conn, accepted.id, include_text=True)
    database.dispose()
    assert stored is not None
    assert (stored.text, stored.patient.id) == (posted.text, "Zoë-1")
