"""FHIR R4: a result as a DiagnosticReport that contains its Observations."""

from standards.fhir.report import (
    MEDIA_TYPE,
    ReadReport,
    ReportStatus,
    diagnostic_report,
    fhir_id,
)

__all__ = ["MEDIA_TYPE", "ReadReport", "ReportStatus", "diagnostic_report", "fhir_id"]
