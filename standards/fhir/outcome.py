"""OperationOutcome: what became of a request, in FHIR's own form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from standards.fhir.elements import Element, present

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(StrEnum):
    """How grave an issue is."""

    ERROR = "error"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to say; never with a value of the request."""

    code: str
    """Of FHIR's value set issue-type, such as ``invalid`` or ``throttled``."""
    diagnostics: str
    """What to mend, in a sentence."""
    details: str | None = None
    """Our own code for it."""
    expression: str | None = None
    """Where, as FHIRPath: ``Bundle.entry[3].resource``."""
    severity: Severity = Severity.ERROR


def operation_outcome(issues: Iterable[Issue]) -> Element:
    """Return the resource of some issues; there has to be one."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> Element:
    return present(
        {
            "severity": issue.severity.value,
            "code": issue.code,
            "details": None if issue.details is None else {"text": issue.details},
            "diagnostics": issue.diagnostics,
            "expression": [issue.expression] if issue.expression else [],
        }
    )
