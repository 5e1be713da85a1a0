"""What stops an audit; a report that fails is a row of ``failures.csv`` instead.

AuditError
├── OutputInUseError      the output directory holds something else, or another audit is running
├── AuditChangedError     resumed with another archive, engine, pattern set or focus
├── WorkersFailedError    processes died again and again without a report to blame
├── NotFinishedError      a finished audit, or a sample of one, is not where it was looked for
└── ReviewError           a reviewer's sheet that cannot be read
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


class NotFinishedError(AuditError):
    """There is no finished audit, or no sample, to go on with."""

    code = "not_finished"


class ReviewError(AuditError):
    """A reviewer's sheet is not what was given out."""

    code = "review_invalid"
