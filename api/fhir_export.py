"""A finished audit as FHIR R4: a DiagnosticReport in each line.

Apart from the routes, as it takes polars: only who asks for it waits for that.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from api.wordless import without_words
from audits.results import AuditedReport, read_results
from standards.fhir import ReadReport, ReportStatus, diagnostic_report

if TYPE_CHECKING:
    from collections.abc import Iterator


def fhir_lines(assessments: Path, mentions: Path, *, with_words: bool) -> Iterator[bytes]:
    """Yield NDJSON from the tables of an audit; ``with_words``: with quotes."""
    for audited in read_results(assessments, mentions):
        resource = diagnostic_report(_read_report(audited, with_words=with_words))
        yield json.dumps(resource, ensure_ascii=False).encode() + b"\n"


def _read_report(audited: AuditedReport, *, with_words: bool) -> ReadReport:
    return ReadReport(
        id=f"row-{audited.row}",
        status=ReportStatus.PRELIMINARY,
        patient=audited.patient,
        study=audited.study,
        report_id=audited.report_id,
        source=audited.source,
        result=audited.result if with_words else without_words(audited.result),
    )
