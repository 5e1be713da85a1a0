"""Remove the files that no audit needs any more: they hold the text of reports.

Of an audit that is done only its output files stay, of one that failed, was cancelled or deleted
nothing. Safe to do by several at once, and again after a crash.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from storage import audits, uploads
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
    if audit.upload is not None and audit.upload.startswith(f"{uploads.FOLDER}/"):
        files.remove(audit.upload)
    if audit.state is not AuditState.DONE:
        files.remove(folder)
        return
    for name in files.children(folder):
        if f"{folder}/{name}" != audit.output_files:
            files.remove(f"{folder}/{name}")


def expire_uploads(database: Database, files: Files) -> int:
    """Remove uploads for which nothing has come for too long; return how many.

    The row goes first: a piece that is on its way is refused then, and removed by who brings it.
    """
    with database.read() as conn:
        expired = uploads.expired(conn)
    for id_ in expired:
        with database.begin() as conn:
            is_gone = uploads.delete(conn, id_)
        if is_gone:
            files.remove(f"{uploads.FOLDER}/{id_}")
    return len(expired)


def remove_orphans(database: Database, files: Files, *, older_than_s: float = ORPHAN_S) -> int:
    """Remove files that no row knows: whoever put them died before he named them."""
    horizon = time.time() - older_than_s
    removed = 0
    for folder, known in ((AUDITS, audits.known), (uploads.FOLDER, uploads.known)):
        old = [name for name in files.children(folder) if _made_at_s(name) < horizon]
        with database.read() as conn:
            orphans = sorted(set(old) - known(conn, old))
        for name in orphans:
            files.remove(f"{folder}/{name}")
        removed += len(orphans)
    return removed


def _made_at_s(name: str) -> float:
    try:
        return made_at_s(name)
    except ValueError:
        return float("inf")  # none of ours
