"""Where the data lies."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS_DIR = Path("/run/secrets")
"""Where Docker and Podman mount secrets, a file each: ``marrow_database_url`` is read as
``MARROW_DATABASE_URL`` is, which wins. A file is not shown by ``inspect`` and ``/proc``."""
SQLITE_FILE = "marrow.sqlite3"
PEPPER_FILE = "key-pepper"
TEXT_KEYS_FILE = "text-keys"
"""Where a restore puts the text keys; read only if ``MARROW_TEXT_KEY_FILE`` names it."""


class StorageSettings(BaseSettings):
    """The database and the data directory, from the environment (``MARROW_...``)."""

    model_config = SettingsConfigDict(
        env_prefix="MARROW_",
        frozen=True,
        extra="ignore",
        secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
    )

    data_dir: Path = Path("./marrow-data")
    """Everything that this installation keeps; made with mode 0700 where it is missing."""
    database_url: str | None = Field(default=None, repr=False)
    """``sqlite:///...`` or ``postgresql://...``; without it a SQLite file in the data directory.
    Holds a password, so it is left out of every ``repr``."""
    data_url: str | None = Field(default=None, repr=False)
    """Where the files of audits lie, for all hosts the same: ``file:///...`` or an object store's
    address (:mod:`storage.files`); without it the data directory."""
    source_roots: tuple[Path, ...] = ()
    """Directories, as JSON, below which an audit may read archives where they lie. None by
    default: whoever may start an audit could read them."""
    text_key_file: Path | None = None
    """The keys that report texts are sealed with (``marrow text-keys create``); without it they
    are plain."""
    key_pepper_file: Path | None = None
    """The secret that keys are hashed with; without it a file in the data directory."""

    @property
    def url(self) -> str:
        """The address of the database."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / SQLITE_FILE}"

    @property
    def pepper_path(self) -> Path:
        """The file with the secret that keys are hashed with."""
        return self.key_pepper_file or self.data_dir / PEPPER_FILE

    def make_data_dir(self) -> Path:
        """Make the data directory, for this user alone, and return it."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.data_dir
