"""Remove the files that no audit needs any more: they hold the text of reports.

Of an audit that is done only its output files stay, of one that failed, was cancelled or deleted
nothing. Safe to do by several at once, and again after a crash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import audits
from storage.audit_model import AuditState
from storage.files import AUDITS

if TYPE_CHECKING:
    from storage.audit_model import StoredAudit
    from storage.database import Database
    from storage.files import Files


def sweep(database: Database, files: Files) -> int:
    """Sweep audits that are over; return how many."""
    with database.read() as conn:
        over = audits.unswept(conn)
    for audit in over:
        _sweep_one(audit, files)
        with database.begin() as conn:
            audits.forget(conn, audit.id)
    return len(over)


def _sweep_one(audit: StoredAudit, files: Files) -> None:
    folder = f"{AUDITS}/{audit.id}"
    if audit.state is not AuditState.DONE:
        files.remove(folder)
        return
    for name in files.children(folder):
        if f"{folder}/{name}" != audit.output_files:
            files.remove(f"{folder}/{name}")
