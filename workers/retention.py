"""What the dispatcher deletes because its time is over, a little at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import access_log, retention
from storage.compaction import empty_log
from storage.tombstones import Deletion, Reason
from workers.logs import get_logger

if TYPE_CHECKING:
    from storage.database import Database
    from workers.settings import WorkerSettings

MOST_S = 5.0
"""How long one pass takes at most; the dispatcher has to ring meanwhile."""
_LOG_S = 1.0
log = get_logger(__name__)


class Retention:
    """Deletes what is older than the settings keep; nothing where they keep everything."""

    def __init__(self, database: Database, settings: WorkerSettings) -> None:
        self._database = database
        self._settings = settings
        self._has_dirty_log = False

    def apply(self, *, for_s: float = MOST_S) -> None:
        """Delete for a while; what is left is for the next time."""
        deleted = self._delete_reports(for_s) + self._delete_audits()
        self._delete_log_entries()
        self._has_dirty_log = self._has_dirty_log or deleted > 0
        if self._has_dirty_log:
            # What was deleted stands in SQLite's log until that is emptied.
            self._has_dirty_log = not empty_log(self._database, timeout_s=_LOG_S)

    def _delete_reports(self, for_s: float) -> int:
        days = self._settings.keep_reports_days
        if days is None:
            return 0
        deletion = Deletion(Reason.RETENTION, by="dispatcher")
        deleted = retention.delete_old_reports(
            self._database, days=days, deletion=deletion, for_s=for_s
        )
        if deleted:
            log.info("reports_deleted", reports=deleted)
        return deleted

    def _delete_audits(self) -> int:
        days = self._settings.keep_audits_days
        if days is None:
            return 0
        with self._database.read() as conn:
            old = retention.old_audits(conn, days=days)
        deleted = retention.delete_audits(self._database, old)
        if deleted:
            log.info("audits_deleted", audits=deleted)
        return deleted

    def _delete_log_entries(self) -> None:
        days = self._settings.keep_access_log_days
        if days is None:
            return
        deleted = access_log.prune(self._database, days=days, caller="dispatcher")
        if deleted:
            log.info("access_log_entries_deleted", deleted=deleted)
