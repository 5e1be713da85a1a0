"""The tables go up and down with rows in them, one revision at a time, in both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import inspect, text

from storage import reports, work
from storage.database import HEAD, Database
from storage.errors import DatabaseNewerError, DatabaseOutdatedError, UnknownRevisionError
from storage.model import ReportState

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT = "rep_00000000000000000000000001"
QUEUED = "rep_00000000000000000000000002"
AUDIT = "aud_00000000000000000000000001"
ODD_TEXT = "Odd\0text \U0001f9b4".encode()
TO_0001: list[tuple[str, dict[str, Any]]] = [
    (
        (
            "INSERT INTO work (id, kind, lane, state, attempts, created_at, finished_at) "
            "VALUES (1, 'reports', 'bulk', 'done', 1, 1, 2), (2, 'reports', 'bulk', 'pending', 0, 1, NULL)"
        ),
        {},
    ),
    *(
        (
            (
                "INSERT INTO reports (id, source, series, text_sha256, text, text_chars, version, "
                "patient_id, state, work_id, accepted_at, finished_at, study_date) VALUES (:id, 'ris', "
                ":series, '00', :text, 9, 1, 'P1', :state, :work, 1, :finished, '2026-01-02')"
            ),
            {
                "id": id_,
                "series": f"accession:{id_}",
                "text": ODD_TEXT,
                "state": state,
                "work": unit,
                "finished": finished,
            },
        )
        for id_, state, unit, finished in ((REPORT, "done", 1, 2), (QUEUED, "queued", 2, None))
    ),
    (
        (
            "INSERT INTO results (report, level, side, in_scope, engine_version, patterns_version, "
            "patterns_digest, json, digest) VALUES (:id, 'probable', 'left', :yes, '0', '1', 'd', "
            """'{"report_id": null}', '00')"""
        ),
        {"id": REPORT, "yes": True},
    ),
    (
        (
            "INSERT INTO mentions (report, mention, finding, status, laterality, experiencer, sites) "
            "VALUES (:id, 1, 'effusion', 'affirmed', 'left', 'patient', '|hip_joint|')"
        ),
        {"id": REPORT},
    ),
    (
        (
            "INSERT INTO keys (id, name, scopes, secret_hmac, created_at) "
            "VALUES ('k1', 'ris', 'reports:read', 'hmac', 1)"
        ),
        {},
    ),
    (
        (
            "INSERT INTO idempotency (principal, route, key, body_sha256, status, response, created_at)"
            " VALUES ('k1', 'POST /v1/reports', 'w', '00', 202, '{}', 1)"
        ),
        {},
    ),
]
TO_0002: list[tuple[str, dict[str, Any]]] = [
    (
        (
            "INSERT INTO audits (id, name, upload, arguments, state, rows_read, created_at, is_swept) "
            "VALUES (:id, 'a.csv', 'audits/x/input', '{}', 'extracting', 9, 1, :no)"
        ),
        {"id": AUDIT, "no": False},
    ),
    (
        (
            "INSERT INTO work (id, kind, lane, state, attempts, created_at, audit) "
            "VALUES (3, 'shard', 'bulk', 'pending', 0, 1, :id)"
        ),
        {"id": AUDIT},
    ),
    (
        "INSERT INTO audit_shards (audit, number, reports, work_id, deaths) VALUES (:id, 0, 9, 3, '{}')",
        {"id": AUDIT},
    ),
]
TO_0003: list[tuple[str, dict[str, Any]]] = [
    (
        (
            "INSERT INTO tombstones (report, accepted_at, deleted_at, reason, deleted_by) "
            "VALUES ('rep_00000000000000000000000003', 1, 2, 'request', 'key:k1')"
        ),
        {},
    ),
]
TO_0004: list[tuple[str, dict[str, Any]]] = [
    ("INSERT INTO sums VALUES (1, 3, 1, 0, 0, 1, 1, 1)", {}),
]
TO_0005: list[tuple[str, dict[str, Any]]] = [
    (
        (
            "INSERT INTO access_log (seq, at, action, outcome, times, hash) "
            "VALUES (1, 1, 'read', 'done', 1, '00')"
        ),
        {},
    ),
]
TO_0007: list[tuple[str, dict[str, Any]]] = [
    (
        (
            "INSERT INTO uploads (id, owner, name, bytes, received, audit, created_at, expires_at) "
            "VALUES ('upl_1', 'k1', 'a.csv', 9, 4, NULL, 1, 2), ('upl_2', 'k1', 'a.csv', 9, 9, :id, 1, 2)"
        ),
        {"id": AUDIT},
    ),
    ("INSERT INTO upload_pieces (upload, at, bytes, file) VALUES ('upl_1', 0, 4, 'uploads/x')", {}),
]
TO_0008: list[tuple[str, dict[str, Any]]] = [
    (
        (
            "INSERT INTO sessions (id, token_hmac, caller, name, scopes, created_at, last_used_at, "
            "expires_at) VALUES ('s1', '00', 'oidc:anna', 'Anna', 'extract', 1, 1, 2)"
        ),
        {},
    ),
]
TO_0009: list[tuple[str, dict[str, Any]]] = [
    (
        (
            "INSERT INTO samples (id, audit, patterns_digest, seed, totals, items, has_texts, drawn_by, "
            "created_at) VALUES ('smp_1', :id, 'd', 1, '{}', 1, :yes, 'key:k1', 1)"
        ),
        {"id": AUDIT, "yes": True},
    ),
    (
        (
            "INSERT INTO sample_items (id, sample, item, number, stratum, row, path, line, text) "
            "VALUES ('smp_1 V0001', 'smp_1', 'V0001', 1, 'cases', 7, 'a.csv', 8, :text)"
        ),
        {"text": ODD_TEXT},
    ),
    ("INSERT INTO sample_reviewers VALUES ('smp_1', 'key:k1', 1)", {}),
    ("INSERT INTO sample_decisions VALUES ('smp_1 V0001', 'key:k1', 'case', 2)", {}),
]
ROWS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "0001": TO_0001,
    "0002": TO_0002,
    "0003": TO_0003,
    "0004": TO_0004,
    "0005": TO_0005,
    # Columns that may stay empty; what is sealed does not go down, see test_sealing.py.
    "0006": [],
    "0007": TO_0007,
    "0008": TO_0008,
    "0009": TO_0009,
    # Indexes only.
    "0010": [],
}
"""Rows of our own for each revision, as its version wrote them."""


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


def fill(database: Database, revision: str) -> None:
    with database.begin() as conn:
        for query, values in ROWS.get(revision, []):
            conn.execute(text(query), values)


def revisions() -> list[str]:
    return [f"{number:04d}" for number in range(1, int(HEAD) + 1) if has_revision(f"{number:04d}")]


def has_revision(revision: str) -> bool:
    from alembic.script import ScriptDirectory

    from storage import database

    scripts = ScriptDirectory.from_config(database._alembic_config())
    return revision in {script.revision for script in scripts.walk_revisions()}


def kept(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows that every revision must keep."""
    queries = {
        "reports": "SELECT id, source, series, text_sha256, text, text_chars, version, patient_id, "
        "state, work_id, accepted_at, finished_at, study_date FROM reports ORDER BY id",
        "results": "SELECT report, level, json, digest FROM results",
        "mentions": "SELECT report, mention, finding, sites FROM mentions",
        "keys": "SELECT id, name, scopes, secret_hmac FROM keys",
        "idempotency": "SELECT principal, route, key, body_sha256 FROM idempotency",
        "work": "SELECT id, kind, state FROM work WHERE kind = 'reports' ORDER BY id",
    }
    with database.read() as conn:
        return {
            name: [tuple(row) for row in conn.execute(text(query))]
            for name, query in queries.items()
        }


def test_what_is_stored_survives_every_step_up_and_down(empty: Database) -> None:
    empty._migrate("0001")
    fill(empty, "0001")
    first = kept(empty)
    assert all(first.values())
    for revision in revisions()[1:]:
        empty._migrate(revision)
        fill(empty, revision)
        assert kept(empty) == first
    empty.check_current()
    with empty.read() as conn:
        stored = reports.get(conn, REPORT, include_text=True)
        assert stored is not None
        assert (stored.text, stored.state) == (ODD_TEXT.decode(), ReportState.DONE)
        assert work.reconcile(conn).balanced
    for revision in reversed(revisions()[:-1]):
        empty.downgrade(revision)
        assert kept(empty) == first
    with empty.read() as conn:
        # What the oldest version does not know is gone, not half there.
        assert not inspect(conn).has_table("audits")
        assert conn.execute(text("SELECT count(*) FROM work")).scalar() == 2
    empty.upgrade()
    assert kept(empty) == first
    with empty.begin() as conn:
        held = work.claim(conn, 2, lease_s=60)
        assert held is not None
        assert [one.id for one in reports.load_texts(conn, 2)] == [QUEUED]
    empty.downgrade("base")
    with empty.read() as conn:
        assert set(inspect(conn).get_table_names()) == {"alembic_version"}


def test_every_revision_has_rows_of_its_own_to_go_up_and_down_with() -> None:
    assert set(revisions()) == set(ROWS)


def test_a_newer_database_is_left_alone_and_says_what_to_do(empty: Database) -> None:
    empty.upgrade()
    with empty.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refused in (empty.check_current, empty.upgrade, lambda: empty.downgrade("0001")):
        with pytest.raises(DatabaseNewerError, match=f"`marrow db downgrade {HEAD}`"):
            refused()


def test_an_older_database_says_what_to_do(empty: Database) -> None:
    empty.upgrade()
    empty.downgrade("0001")
    with pytest.raises(DatabaseOutdatedError, match="`marrow db upgrade`"):
        empty.check_current()


@pytest.mark.parametrize("revision", ["9998", HEAD, "nonsense", "-1"])
def test_only_an_older_revision_can_be_gone_back_to(empty: Database, revision: str) -> None:
    empty.upgrade()
    with pytest.raises(UnknownRevisionError):
        empty.downgrade(revision)
    empty.check_current()
