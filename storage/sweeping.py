"""Remove the files that no audit needs any more: they hold the text of reports.

Of an audit that is done only its output files stay, of one that failed, was cancelled or deleted
nothing. Safe to do by several at once, and again after a crash.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from storage import audits
from storage.audit_model import AuditState
from storage.files import AUDITS
from storage.ids import made_at_s

if TYPE_CHECKING:
    from storage.audit_model import StoredAudit
    from storage.database import Database
    from storage.files import Files

ORPHAN_S = 3_600
"""An upload is put into the store a moment before its audit is committed."""


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


def remove_orphans(database: Database, files: Files, *, older_than_s: float = ORPHAN_S) -> int:
    """Remove files of audits that no row knows: whoever put them died before he named them."""
    horizon = time.time() - older_than_s
    old = [name for name in files.children(AUDITS) if _made_at_s(name) < horizon]
    with database.read() as conn:
        orphans = sorted(set(old) - audits.known(conn, old))
    for name in orphans:
        files.remove(f"{AUDITS}/{name}")
    return len(orphans)


def _made_at_s(name: str) -> float:
    try:
        return made_at_s(name)
    except ValueError:
        return float("inf")  # none of ours
