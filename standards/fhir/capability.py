"""CapabilityStatement: what the service can do, for FHIR clients that ask first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archives.write import NOTICE

if TYPE_CHECKING:
    from standards.fhir.elements import Element

_CHANGED = "2026-11-26"
"""When what stands here was changed last."""
_FORMAT = "application/fhir+json"


def capability_statement(version: str) -> Element:
    """Return the statement of a service of this version."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _CHANGED,
        "kind": "instance",
        "description": NOTICE,
        "software": {"name": "Marrow", "version": version},
        "implementation": {"description": "Marrow: findings from radiology reports"},
        "fhirVersion": "4.0.1",
        "format": [_FORMAT],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "An API key: `Authorization: Bearer marrow_...`"},
                "resource": [_report()],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _report() -> Element:
    return {
        "type": "DiagnosticReport",
        "interaction": [
            {"code": "create", "documentation": "Asynchronous: 202, and Content-Location to poll."},
            {"code": "read", "documentation": "What was read, with its Observations contained."},
        ],
        "versioning": "no-version",
    }
