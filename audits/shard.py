"""Run a shard: its reports in, its rows of results out, whole or not at all.

The same function serves the processes of the command line and the Celery workers.
"""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl

from archives.write import write_table
from audits import tables
from audits.model import ShardCounts
from extractor import CASE_LEVELS, ExtractorError, Patient, Report, Study

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path
    from types import FrameType

    from audits.layout import Layout
    from extractor import Result


class _DeadlineError(Exception):
    """A report took longer than it may."""


def run_shard(
    layout: Layout,
    number: int,
    extract: Callable[[Report], Result],
    *,
    report_timeout_s: float,
    skip: Collection[int] = (),
    on_report: Callable[[int], None] = lambda _row: None,
) -> ShardCounts:
    """Read every report of a shard and commit its results.

    ``on_report`` hears the row that is begun; the rows of ``skip`` are failures without being
    read, because they have brought a process down before. Must run in the main thread: the
    deadline of a report is a signal.
    """
    assessments: list[dict[str, Any]] = []
    mentions: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    cases = 0
    for row in pl.read_parquet(layout.shard(number), glob=False).iter_rows(named=True):
        if row["row"] in skip:
            reason = "The process died while reading this report."
            failures.append(tables.failure_row(row, "process_died", reason))
            continue
        on_report(row["row"])
        result = _read(row, extract, report_timeout_s, failures)
        if result is not None:
            assessments.append(tables.assessment_row(row, result))
            mentions += [tables.mention_row(row, mention) for mention in result.mentions]
            cases += result.assessment.level in CASE_LEVELS
    final = layout.result(number)
    _commit(final, assessments=assessments, mentions=mentions, failures=failures)
    return ShardCounts(len(assessments) + len(failures), len(failures), cases)


def _read(
    row: dict[str, Any],
    extract: Callable[[Report], Result],
    timeout_s: float,
    failures: list[dict[str, Any]],
) -> Result | None:
    """Return the result of one report, or note why there is none."""
    try:
        with _deadline(timeout_s):
            return extract(report_of(row))
    except _DeadlineError:
        reason = f"Reading took longer than {timeout_s:g} s."
        failures.append(tables.failure_row(row, "timeout", reason))
    except ExtractorError as error:
        failures.append(tables.failure_row(row, error.code, str(error)))
    except Exception as error:  # noqa: BLE001 - one report must not end an audit
        # The type alone: the message of an unforeseen error may hold the report's words.
        failures.append(tables.failure_row(row, "internal_error", type(error).__name__))
    return None


def report_of(row: dict[str, Any]) -> Report:
    """Return the report of one row of a shard."""
    return Report(
        text=row["text"],
        report_id=row["report_id"],
        patient=Patient(
            id=row["patient_id"],
            age_years=row["age_years"],
            sex=row["sex"],
            pregnancy=row["pregnancy"],
        ),
        study=Study(
            modality=row["modality"],
            description=row["description"],
            date=row["study_date"],
            accession=row["accession"],
        ),
    )


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise after so many seconds, around the extraction only."""

    def late(_signum: int, _stack: FrameType | None) -> None:
        raise _DeadlineError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _commit(
    final: Path,
    *,
    assessments: list[dict[str, Any]],
    mentions: list[dict[str, Any]],
    failures: list[dict[str, Any]],
) -> None:
    """Put the shard's three tables in place at once: a directory is renamed, or is not there."""
    temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write_table(tables.frame(assessments, tables.ASSESSMENTS), temporary / "assessments.parquet")
    write_table(tables.frame(mentions, tables.MENTIONS), temporary / "mentions.parquet")
    write_table(tables.frame(failures, tables.FAILURES), temporary / "failures.parquet")
    try:
        temporary.rename(final)
    except OSError:
        # Another process was faster with the same shard; its rows are the same.
        if not final.is_dir():
            raise
        shutil.rmtree(temporary)
