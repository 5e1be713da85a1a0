from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.errors import FilesError, SourceError
from storage.files import open_files
from storage.settings import StorageSettings
from storage.sources import resolve_source

if TYPE_CHECKING:
    from pathlib import Path

    from storage.files import Files


@pytest.fixture(params=["file", "local"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """A directory, and the same as a store behind fsspec."""
    url = f"{request.param}://{tmp_path}/store"
    return open_files(StorageSettings(data_dir=tmp_path / "here", data_url=url))


def test_what_is_put_can_be_fetched_and_is_gone_when_removed(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a.txt").write_text("a")
    files.put(folder, "audits/1/results-x")
    assert not folder.exists()
    (tmp_path / "b.txt").write_text("b")
    files.put(tmp_path / "b.txt", "audits/1/input")
    assert not (tmp_path / "b.txt").exists()
    files.fetch("audits/1/input", tmp_path / "here" / "b.txt")
    assert (tmp_path / "here" / "b.txt").read_text() == "b"
    files.remove("audits/1/input")
    files.fetch("audits/1/results-x", tmp_path / "here" / "results")
    assert (tmp_path / "here" / "results" / "inner" / "a.txt").read_text() == "a"
    assert files.children("audits/1") == ["results-x"]
    with files.open("audits/1/results-x/inner/a.txt") as stream:
        assert stream.read() == b"a"
    files.remove("audits/1/results-x")
    files.remove("audits/1/results-x")
    assert files.children("audits/1") == []
    assert files.children("nowhere") == []
    with pytest.raises(FileNotFoundError):
        files.fetch("audits/1/results-x", tmp_path / "again")


def test_the_store_is_where_the_settings_say(tmp_path: Path) -> None:
    settings = StorageSettings(data_dir=tmp_path / "here", data_url=f"file://{tmp_path}/a%20b")
    (tmp_path / "file").write_text("x")
    open_files(settings).put(tmp_path / "file", "name")
    assert (tmp_path / "a b" / "name").read_text() == "x"
    for wrong in ("/srv/marrow", "nosuchstore://u:secret@bucket/marrow"):
        with pytest.raises(FilesError, match="file:///") as caught:
            open_files(StorageSettings(data_url=wrong))
        assert "secret" not in str(caught.value)


def test_a_source_is_read_below_the_named_roots_only(tmp_path: Path) -> None:
    root = tmp_path / "archives"
    root.mkdir()
    (root / "a b.csv").write_text("x")
    (tmp_path / "secret.csv").write_text("x")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    assert resolve_source(f"file://{root}/a%20b.csv", [root]) == root / "a b.csv"
    assert resolve_source(f"file://localhost{root}", [root]) == root
    for wrong in (
        f"file://{root}/../secret.csv",
        f"file://{root}/link.csv",
        f"file://{root}/none.csv",
        f"file://{root}/%00",
        f"file://elsewhere{root}/a%20b.csv",
        f"file://{tmp_path}/archives-of-others",
        f"{root}/a b.csv",
        f"http://{root}/a%20b.csv",
        "file:///etc/passwd",
    ):
        with pytest.raises(SourceError):
            resolve_source(wrong, [root])
    with pytest.raises(SourceError):
        resolve_source(f"file://{root}/a%20b.csv", [])
