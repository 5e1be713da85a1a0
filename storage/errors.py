"""What can go wrong in the database.

* StorageError
  x DatabaseUnavailableError
  x DatabaseOutdatedError
    · DatabaseNewerError
  x UnknownRevisionError
  x InvalidReportError
  x FencedError
  x CompactionError
  x FilesError
  x InUseError
  x BackupError
  x SourceError
  x UploadDamagedError
  x KeyRefusedError
    · KeyUnknownError
    · KeyExpiredError
    · KeyRevokedError
  x SessionOverError
  x ReviewersFullError
  x PepperError
  x TextKeyError
    · TextKeyFileError
    · TextKeyMissingError
  x SealBrokenError

No message ever holds report text, metadata, a secret or a database address: messages end up in
logs and HTTP answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class StorageError(Exception):
    """Base of every error that this package raises on purpose."""

    code: str = "storage_error"
    """Stable name for programs; lower snake case."""


class DatabaseUnavailableError(StorageError):
    """The database did not answer, or not in time: nothing was committed, trying again may help.

    One case is open: a connection lost during the commit itself. Accepting is safe to repeat
    (reports are recognised), finishing is guarded by the lease.
    """

    code = "database_unavailable"

    def __init__(self) -> None:
        super().__init__("the database does not answer, or is locked; try again")


class DatabaseOutdatedError(StorageError):
    """The tables are not those that this version of the program needs."""

    code = "database_outdated"

    def __init__(self, found: str | None, wanted: str) -> None:
        super().__init__(
            f"the database is at revision {found or 'none'}, this version needs {wanted}: "
            "run `marrow db upgrade`"
        )


class DatabaseNewerError(DatabaseOutdatedError):
    """The tables are those of a newer version of the program."""

    code = "database_newer"

    def __init__(self, found: str | None, wanted: str) -> None:
        super(DatabaseOutdatedError, self).__init__(
            f"the database is at revision {found}, newer than this version knows ({wanted}): "
            f"install the newer Marrow, or with it run `marrow db downgrade {wanted}`"
        )


class UnknownRevisionError(StorageError):
    """The tables cannot be brought back to the revision that was named."""

    code = "unknown_revision"

    def __init__(self, found: str | None) -> None:
        super().__init__(
            f"the database is at revision {found or 'none'}; name an older one, such as 0001, or base"
        )


class InvalidReportError(StorageError):
    """A report's metadata cannot be stored: too long, or with control characters."""

    code = "invalid_report"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class FencedError(StorageError):
    """The lease was lost to someone else: what was computed under it must not be written."""

    code = "fenced"

    def __init__(self, work_id: int) -> None:
        super().__init__(f"the lease of work {work_id} is no longer ours")
        self.work_id = work_id


class CompactionError(StorageError):
    """The tables could not be written anew; nothing was lost by trying."""

    code = "compaction_failed"

    def __init__(self) -> None:
        super().__init__(
            "the tables could not be written anew: somebody works with them, or there is no room "
            "for a second copy; run `marrow db compact` when it is quiet"
        )


class FilesError(StorageError):
    """The store of files cannot be used as it is set up."""

    code = "files_error"


class InUseError(StorageError):
    """A service runs on the data directory."""

    code = "in_use"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"another `marrow serve` uses {data_dir}, or one of its parts; stop it, or choose "
            "another directory"
        )


class BackupError(StorageError):
    """A backup cannot be made or brought back."""

    code = "backup_error"


class UploadDamagedError(StorageError):
    """What arrived of an archive is not what its client said it would send."""

    code = "upload_damaged"

    def __init__(self) -> None:
        super().__init__("what arrived is not what was announced; upload it again")


class SourceError(StorageError):
    """An archive's address is not one that may be read, or nothing is there."""

    code = "source_refused"


class KeyRefusedError(StorageError):
    """The key opens nothing. The subclasses are for logs; a client is told no more than this."""

    code = "key_refused"

    def __init__(self, key_id: str | None = None) -> None:
        super().__init__("the key is not valid")
        self.key_id = key_id
        """Which key of ours it claims to be, for the access log."""


class SessionOverError(StorageError):
    """No session has this token, or it is over: by time, by signing out, or with its key."""

    code = "session_over"

    def __init__(self) -> None:
        super().__init__("the session is over; sign in again")


class ReviewersFullError(StorageError):
    """Two others review this sample already: agreement is told of two."""

    code = "reviewers_full"

    def __init__(self, sample: str) -> None:
        super().__init__(f"two others review {sample} already; draw another sample")


class KeyUnknownError(KeyRefusedError):
    """No such key, or its secret or checksum is wrong."""

    code = "key_unknown"


class KeyExpiredError(KeyRefusedError):
    """The key's time is over."""

    code = "key_expired"


class KeyRevokedError(KeyRefusedError):
    """The key was revoked."""

    code = "key_revoked"


class PepperError(StorageError):
    """The file with the secret that keys are hashed with is missing, empty or open to others."""

    code = "pepper_error"


class TextKeyError(StorageError):
    """The keys that texts are sealed with are not those that are needed."""

    code = "text_key_error"


class TextKeyFileError(TextKeyError):
    """The file with the keys is not named, missing, open to others, or not well formed."""

    code = "text_key_file"


class TextKeyMissingError(TextKeyError):
    """Something is sealed with a key that is not there."""

    code = "text_key_missing"

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"texts are sealed with the key {key_id}, which is not there: name the file that holds "
            "it with MARROW_TEXT_KEY_FILE; without the key nobody can open them"
        )


class SealBrokenError(StorageError):
    """A sealed value was changed, or comes from another row: it is not believed."""

    code = "seal_broken"

    def __init__(self, place: str) -> None:
        super().__init__(
            f"the seal of {place} is broken: it was changed, or belongs to another row; restore it "
            "from a backup, or delete the report (`marrow purge --report`)"
        )
