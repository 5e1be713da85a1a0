"""The store of files in a real object store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.files import open_files
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.s3.conftest import ObjectStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_what_is_put_into_it_can_be_fetched_and_is_gone_when_removed(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    bucket = object_store.bucket()
    url = f"s3://{bucket}/marrow"
    files = open_files(StorageSettings(data_dir=tmp_path / "here", data_url=url))
    made = tmp_path / "made" / "inner"
    made.mkdir(parents=True)
    (made / "a.txt").write_text("a")
    files.put(tmp_path / "made", "audits/1/results-x")
    files.fetch("audits/1/results-x", tmp_path / "here" / "results")
    assert (tmp_path / "here" / "results" / "inner" / "a.txt").read_text() == "a"
    with files.open("audits/1/results-x/inner/a.txt") as stream:
        assert stream.read() == b"a"
    assert files.children("audits/1") == ["results-x"]
    files.remove("audits/1/results-x")
    files.remove("audits/1/results-x")
    # SeaweedFS keeps empty folders for a while, and lists them; S3 itself has none.
    left = object_store.filesystem().find(f"{bucket}/marrow")
    assert not [name for name in left if name.endswith("a.txt")]
    with pytest.raises(FileNotFoundError):
        files.open("audits/1/results-x/inner/a.txt")
