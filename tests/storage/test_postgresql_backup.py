"""The way of docs/how-to/backup.md for PostgreSQL: `pg_dump` while the service works."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from storage import reports, work
from storage.database import Database
from storage.model import Lane, NewReport, ReportState
from storage.outcomes import Outcome
from tests.results import make_mention, make_result

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services import Postgres

ODD_TEXT = "Odd\0text \ud800 \U0001f9b4"


def run(tool: str, *words: str) -> None:
    done = subprocess.run([tool, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_dump_brought_back_goes_on_where_it_was(postgres: Postgres, tmp_path: Path) -> None:
    dump = str(tmp_path / "marrow.dump")
    with postgres.database() as url, postgres.database() as new_url:
        with Database(url) as database:
            database.upgrade()
            with database.begin() as conn:
                [done] = reports.accept(conn, [NewReport(text=ODD_TEXT)], lane=Lane.BULK)
                held = work.claim(conn, done.work_id or 0, lease_s=60)
                assert held is not None
                work.finish(conn, held, [Outcome.done(done.id, make_result(make_mention()))])
                [leased] = reports.accept(conn, [NewReport(text="two")], lane=Lane.BULK)
                assert work.claim(conn, leased.work_id or 0, lease_s=-1) is not None
            with database.begin() as conn:  # a write that is not committed when the dump is made
                [late] = reports.accept(conn, [NewReport(text="late")], lane=Lane.BULK)
                run(postgres.tool("pg_dump"), "--format=custom", f"--file={dump}", url)
        run(
            postgres.tool("pg_restore"),
            "--no-owner",
            "--exit-on-error",
            f"--dbname={new_url}",
            dump,
        )
        with Database(new_url) as again:
            again.check_current()
            with again.begin() as conn:
                stored = reports.get(conn, done.id, include_text=True)
                assert stored is not None
                assert (stored.text, stored.state) == (ODD_TEXT, ReportState.DONE)
                assert reports.get(conn, late.id) is None
                # What was leased waits again as after any death of a worker.
                assert work.reclaim_expired(conn) == 1
                assert work.claim(conn, leased.work_id or 0, lease_s=60) is not None
                assert work.reconcile(conn).balanced
                # Rows get numbers that are not taken.
                [new] = reports.accept(conn, [NewReport(text="new")], lane=Lane.BULK)
                assert (new.work_id or 0) > (leased.work_id or 0)
