from __future__ import annotations

from typing import TYPE_CHECKING

from storage.settings import StorageSettings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ADDRESS = "postgresql://marrow:secret@postgres/marrow"


def test_the_database_address_is_read_from_a_secret_file(tmp_path: Path) -> None:
    (tmp_path / "marrow_database_url").write_text(ADDRESS + "\n")

    assert StorageSettings(_secrets_dir=tmp_path).url == ADDRESS


def test_the_environment_wins_over_a_secret_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "marrow_database_url").write_text(ADDRESS)
    monkeypatch.setenv("MARROW_DATABASE_URL", "sqlite:////elsewhere.sqlite3")

    assert StorageSettings(_secrets_dir=tmp_path).url == "sqlite:////elsewhere.sqlite3"


def test_settings_do_not_show_the_password() -> None:
    assert "secret" not in repr(StorageSettings(database_url=ADDRESS))
