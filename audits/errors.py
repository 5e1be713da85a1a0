"""What stops an audit; a report that fails is a row of ``failures.csv`` instead.

AuditError
├── OutputInUseError      the output directory holds something else, or another audit is running
├── AuditChangedError     resumed with another archive, engine, pattern set or focus
└── WorkersFailedError    processes died again and again without a report to blame
"""

from __future__ import annotations


class AuditError(Exception):
    """An audit that cannot go on; the message says how to mend it."""

    code = "audit_failed"


class OutputInUseError(AuditError):
    """The output directory is taken."""

    code = "output_in_use"


class AuditChangedError(AuditError):
    """The unfinished audit in the output directory is a different one."""

    code = "audit_changed"


class WorkersFailedError(AuditError):
    """No process can be kept alive."""

    code = "workers_failed"
