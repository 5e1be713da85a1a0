"""How long the service takes to make its pages over a large database: ``make bench-pages``.

A hundred thousand reports of the sample archive's kind are read into a SQLite database, and an audit
with as many cases lies beside them. Each list is asked for again and again in one process over a
local connection; the first time of each is told apart, as it makes what later ones use.
"""

from __future__ import annotations

import argparse
import csv
import logging
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import polars as pl
from sqlalchemy import update

from api.app import create_app
from api.scopes import Scope
from api.server import make_server
from api.settings import ApiSettings
from archives import Refusal, read
from archives.write import unguarded, write_csv, write_table
from audits.cases_file import COLUMNS
from examples.demo import ARCHIVE, ROOT
from extractor import Extractor
from storage import keys, reports, work
from storage.audit_model import AuditState, NewAudit
from storage.audits import create
from storage.clock import now
from storage.database import Database
from storage.ids import new_id
from storage.keys import load_pepper
from storage.model import Lane, NewReport
from storage.outcomes import Outcome
from storage.settings import StorageSettings
from storage.tables import audits
from workers import logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI

    from extractor.model import Report, Result

MANY = 100_000
TIMES = 40
AIM_MS = 100
_TOGETHER = 500
_PEOPLE = {"Accept": "text/html"}


def main() -> int:
    """Measure and print; 1 where a list takes longer than the aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=MANY)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marrow-pages-") as folder:
        storage = StorageSettings(data_dir=Path(folder), database_url=None, data_url=None)
        storage.make_data_dir()
        began = time.monotonic()
        with Database.open(storage) as database:
            database.upgrade()
            fill_reports(database, options.reports)
            audit = fill_audit(database, Path(folder), options.reports)
            token = make_key(database, storage)
        print(f"{options.reports:,} reports and cases, made in {time.monotonic() - began:.0f} s")
        logs.configure(level=logging.ERROR)
        app = create_app(ApiSettings(), storage, ring=lambda *_: None)
        with served(app) as url:
            headers = {"Authorization": f"Bearer {token}", **_PEOPLE}
            with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
                wait_until_ready(client)
                return show(client, places(audit, options.reports // 2))


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Give the address of the application on a port of its own."""
    server = make_server(app)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(30)


def wait_until_ready(client: httpx.Client) -> None:
    """Wait until the patterns are loaded."""
    while True:
        with suppress(httpx.TransportError):
            if client.get("/healthz/ready").is_success:
                return
        time.sleep(0.1)


def places(audit: str, case: int) -> dict[str, str]:
    """Return the lists by what they are."""
    base = f"/audits/{audit}"
    return {
        "reports": "/reports",
        "reports, one level": "/reports?level=stated",
        "reports, a finding denied": "/reports?finding=effusion&status=negated",
        "reports, by date of study": "/reports?sort=study_newest",
        "reports of some years": "/reports?study_date_from=2019-01-01&study_date_to=2020-12-31",
        "cases": f"{base}/cases",
        "cases, one side and sex": f"{base}/cases?side=left&sex=F",
        "cases, latest first": f"{base}/cases?sort=study_newest",
        "case": f"{base}/cases/{case}",
        "patients": f"{base}/patients",
        "patients, one level": f"{base}/patients?level=probable",
        "audits": "/audits",
        "operations": "/operations",
        "access log": "/access-log",
    }


def show(client: httpx.Client, asked: dict[str, str]) -> int:
    """Ask for each list, print its times, and return 1 where one is too slow."""
    print(f"{'page':28}{'first':>9}{'p50':>8}{'p95':>8}   ms")
    slow = []
    for name, path in asked.items():
        first, *rest = (_ask(client, path) for _ in range(TIMES + 1))
        p95 = statistics.quantiles(rest, n=20)[-1]
        print(f"{name:28}{first:9.0f}{statistics.median(rest):8.1f}{p95:8.1f}")
        if p95 > AIM_MS:
            slow.append(name)
    print(f"p95 over {AIM_MS} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def _ask(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path)
    taken_ms = (time.perf_counter() - began) * 1_000
    assert answer.status_code == 200, f"{path}: {answer.status_code}"  # noqa: S101, PLR2004
    return taken_ms


def fill_reports(database: Database, many: int) -> None:
    """Store so many reports, with results that the extractor gave for the sample archive."""
    results = list(_read())
    source = cycle(results)
    for start in range(0, many, _TOGETHER):
        part = list(islice(source, min(_TOGETHER, many - start)))
        posted = [_posted(one, start + number) for number, (one, _) in enumerate(part)]
        with database.begin() as conn:
            accepted = reports.accept(conn, posted, lane=Lane.BULK)
        for unit in dict.fromkeys(one.work_id for one in accepted):
            assert unit is not None  # noqa: S101 - they are new
            with database.begin() as conn:
                held = work.claim(conn, unit, lease_s=600)
                assert held is not None  # noqa: S101 - nobody else works here
                ours = [
                    Outcome.done(stored.id, result)
                    for stored, (_, result) in zip(accepted, part, strict=True)
                    if stored.work_id == unit
                ]
                work.finish(conn, held, ours)


def _read() -> Iterator[tuple[Report, Result]]:
    extractor = Extractor.load()
    for entry in read([ARCHIVE]):
        if not isinstance(entry, Refusal):
            yield entry.report, extractor.extract(entry.report)


def _posted(report: Report, number: int) -> NewReport:
    return NewReport(
        text=f"{report.text} {number}",
        report_id=f"R{number}",
        patient=report.patient,
        study=report.study,
    )


def fill_audit(database: Database, folder: Path, many: int) -> str:
    """Store an audit with so many cases, which are those of the sample archive again and again."""
    sample = folder / "sample"
    command = (sys.executable, "-m", "cli", "audit", str(ARCHIVE), "-o", str(sample))
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    id_ = new_id("aud")
    target = folder / "audits" / id_ / "output"
    target.mkdir(parents=True)
    with (sample / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        cases = [
            {name: unguarded(cell) for name, cell in row.items()} for row in csv.DictReader(file)
        ]
    repeated: Sequence[dict[str, Any]] = [
        {**row, "case": number, "patient_id": f"P{number}"}
        for number, row in enumerate(islice(cycle(cases), many), start=1)
    ]
    write_csv(repeated, COLUMNS, target / "cases.csv")
    _write_patients(pl.read_parquet(sample / "patients.parquet"), target / "patients.parquet", many)
    arguments: dict[str, Any] = {"focus": "all", "map": [], "day_first": None}
    done = {"output_files": f"audits/{id_}/output", "finished_at": now(), "summary": "{}"}
    with database.begin() as conn:
        create(conn, NewAudit(id_, "many.csv", source="file:///many.csv", arguments=arguments))
        this = update(audits).where(audits.c.id == id_)
        conn.execute(this.values(state=AuditState.DONE, **done))
    return id_


def _write_patients(sample: pl.DataFrame, path: Path, many: int) -> None:
    times = -(-many // sample.height)
    copies = [
        sample.with_columns(
            pl.col("patient_id") + f"-{number}", pl.col("row") + number * sample.height
        )
        for number in range(times)
    ]
    write_table(pl.concat(copies).head(many), path)


def make_key(database: Database, storage: StorageSettings) -> str:
    """Return a key that may do everything."""
    pepper = load_pepper(storage.pepper_path, create=True)
    with database.begin() as conn:
        made = keys.create(conn, pepper, name="bench", scopes=[str(one) for one in Scope])
    return str(made.token)


if __name__ == "__main__":
    sys.exit(main())
