"""Reports that come in another shape than ours (FHIR, HL7 v2), as they are stored."""

from __future__ import annotations

from archives import SourceReport
from archives.surrogates import storable
from extractor.model import MAX_TEXT_CHARS
from storage.model import NewReport

TOO_LONG = f"The report is longer than {MAX_TEXT_CHARS} characters."


class TextTooLongError(ValueError):
    """A report's text is longer than any is read."""


def new_report(entry: SourceReport) -> NewReport:
    """Return a report as it is stored. Raises TextTooLongError."""
    mended = storable(entry)
    report = mended.report
    if len(report.text) > MAX_TEXT_CHARS:
        raise TextTooLongError(TOO_LONG)
    return NewReport(
        text=report.text,
        source=mended.source,
        report_id=report.report_id,
        patient=report.patient,
        study=report.study,
    )
