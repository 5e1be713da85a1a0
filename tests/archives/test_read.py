from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archives import ArchiveNotFoundError, Refusal, SourceReport, UnknownFormatError, read

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_is_read_in_order_and_its_odd_files_are_listed(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.txt").write_text("Effusion.")
    (tmp_path / "a.csv").write_text("id,text\n1,Fine\n")
    (tmp_path / "codes.csv").write_text("code,name\n1,hip\n")
    (tmp_path / "scan.dat").write_bytes(b"\x00\x01")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / ".hidden.txt").write_text("not looked at")
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    entries = list(read([tmp_path]))
    folder = tmp_path.name
    assert [(entry.path, getattr(entry, "code", "report")) for entry in entries] == [
        (f"{folder}/a.csv", "report"),
        (f"{folder}/b/two.txt", "report"),
        (f"{folder}/codes.csv", "columns_not_recognised"),
        (f"{folder}/empty.txt", "no_text"),
        (f"{folder}/scan.dat", "unknown_format"),
    ]
    assert isinstance(entries[1], SourceReport)
    assert entries[1].report.report_id == f"{folder}/b/two"
    assert isinstance(entries[-1], Refusal)


def test_a_single_file_of_no_known_format_is_an_error_that_names_the_formats(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scan.dat"
    path.write_bytes(b"\x00")
    with pytest.raises(UnknownFormatError, match=r"\.csv"):
        list(read([path]))


def test_nothing_at_a_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveNotFoundError, match="no file or folder"):
        list(read([tmp_path / "absent.csv"]))
    with pytest.raises(ArchiveNotFoundError, match="holds no files"):
        list(read([tmp_path]))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_a_text_file_is_read_in_the_encoding_it_was_written_in(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes("Ödem des Hüftkopfs, 60 %.\r\n".encode(encoding))
    (entry,) = read([path])
    assert isinstance(entry, SourceReport)
    assert entry.report.text == "Ödem des Hüftkopfs, 60 %.\r\n"
