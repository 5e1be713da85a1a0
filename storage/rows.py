"""Between rows of the tables and the values of the domain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from extractor.model import Patient, Report, Study
from storage.identity import decode_text, parse_date
from storage.model import QueuedReport, ReportState, StoredReport
from storage.tables import reports, results

if TYPE_CHECKING:
    from typing import TypeAlias

    from sqlalchemy import Select
    from sqlalchemy.engine import Row

    from storage.identity import Identity
    from storage.model import NewReport
    from storage.sealing import Sealer

    AnyRow: TypeAlias = Row[*tuple[Any, ...]]

SUMMARY_COLUMNS = (
    *(column for column in reports.c if column.name not in {"text", "text_sha256", "series"}),
    results.c.level,
    results.c.side,
)
"""All of a report but its text and its result."""
RESULT_COLUMNS = (results.c.json, results.c.text_key.label("json_key"))


def select_reports(*extra: Any) -> Select[Any]:
    """Select reports, finished or not, with the ``extra`` columns."""
    joined = reports.outerjoin(results, results.c.report == reports.c.id)
    return select(*SUMMARY_COLUMNS, *extra).select_from(joined)


def select_report_ids(*, with_results: bool) -> Select[Any]:
    """Select the ids of reports, beside their results where something is asked of these."""
    source = reports.join(results, results.c.report == reports.c.id) if with_results else reports
    return select(reports.c.id).select_from(source)


def report_values(report: NewReport, identity: Identity) -> dict[str, Any]:
    """Return the columns of a new report that come from what was posted, but its text."""
    study_date = report.study.date
    return {
        "source": identity.source,
        "report_id": report.report_id,
        "series": identity.series,
        "text_chars": len(report.text),
        "patient_id": report.patient.id,
        "age_years": report.patient.age_years,
        "sex": report.patient.sex,
        "pregnancy": report.patient.pregnancy,
        "modality": report.study.modality,
        "description": report.study.description,
        "study_date": None if study_date is None else parse_date(study_date),
        "accession": report.study.accession,
    }


def stored_report(
    row: AnyRow, sealer: Sealer, *, with_result: bool = False, with_text: bool = False
) -> StoredReport:
    """Return the report of a row of :func:`select_reports`. Raises as the sealer does."""
    result = None
    if with_result and row.json is not None:
        result = json.loads(sealer.open_json(row.id, row.json, row.json_key))
    return StoredReport(
        id=row.id,
        report_id=row.report_id,
        source=row.source,
        patient=_patient(row),
        study=_study(row),
        text_chars=row.text_chars,
        version=row.version,
        superseded_by=row.superseded_by,
        state=ReportState(row.state),
        error_code=row.error_code,
        work_id=row.work_id,
        accepted_at=row.accepted_at,
        finished_at=row.finished_at,
        level=row.level,
        side=row.side,
        result=result,
        text=_text(row, sealer) if with_text else None,
    )


def queued_report(row: AnyRow, sealer: Sealer) -> QueuedReport:
    """Return what the extractor reads, from a row of ``reports``. Raises as the sealer does."""
    report = Report(
        text=_text(row, sealer),
        report_id=row.report_id,
        patient=_patient(row),
        study=_study(row),
    )
    return QueuedReport(id=row.id, report=report)


def _text(row: AnyRow, sealer: Sealer) -> str:
    return decode_text(sealer.open_text(row.id, row.text, row.text_key))


def _patient(row: AnyRow) -> Patient:
    return Patient(id=row.patient_id, age_years=row.age_years, sex=row.sex, pregnancy=row.pregnancy)


def _study(row: AnyRow) -> Study:
    return Study(
        modality=row.modality,
        description=row.description,
        date=None if row.study_date is None else row.study_date.isoformat(),
        accession=row.accession,
    )
