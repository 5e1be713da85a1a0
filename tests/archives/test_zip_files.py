from __future__ import annotations

import copy
import gzip
import io
import stat
import zipfile
from typing import TYPE_CHECKING

import polars as pl
import pytest

from archives import Refusal, read
from archives.inflated import FREE_BYTES
from tests.archives.entries import codes, read_bytes, reports, texts

if TYPE_CHECKING:
    from pathlib import Path

Members = list[tuple[str | zipfile.ZipInfo, bytes]]


def zipped(members: Members) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def test_members_are_read_in_order_as_the_files_of_a_folder(tmp_path: Path) -> None:
    table = io.BytesIO()
    pl.DataFrame({"id": ["P"], "text": ["From Parquet."]}).write_parquet(table)
    members: Members = [
        ("b/two.txt", b"Effusion."),
        ("a.csv", b"id,text\n1,Fine\n2,\n"),
        ("c.jsonl.gz", gzip.compress(b'{"text": "Packed twice."}\n')),
        ("d.parquet", table.getvalue()),
        ("e.dat", b"\x00"),
        ("b/", b""),
        ("__MACOSX/a.csv", b"junk"),
        (".hidden.txt", b"not looked at"),
    ]
    entries = read_bytes(tmp_path, "reports.zip", zipped(members))
    assert [(entry.path, getattr(entry, "code", "report")) for entry in entries] == [
        ("reports.zip/a.csv", "report"),
        ("reports.zip/a.csv", "no_text"),
        ("reports.zip/b/two.txt", "report"),
        ("reports.zip/c.jsonl.gz", "report"),
        ("reports.zip/d.parquet", "report"),
        ("reports.zip/e.dat", "unknown_format"),
    ]
    assert texts(entries) == ["Fine", "Effusion.", "Packed twice.", "From Parquet."]
    assert reports(entries)[1].report.report_id == "reports.zip/b/two"


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:\\evil.txt"]
)
def test_a_member_that_leads_out_of_the_zip_is_refused_without_its_name(
    tmp_path: Path, name: str
) -> None:
    entries = read_bytes(
        tmp_path / ".", "reports.zip", zipped([("good.txt", b"Fine."), (name, b"Evil.")])
    )
    assert sorted(codes(entries)) == ["report", "unsafe_path"]
    (refusal,) = [entry for entry in entries if isinstance(entry, Refusal)]
    assert (refusal.path, refusal.line) == ("reports.zip", 2)
    assert "evil" not in repr(refusal)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["reports.zip"]


def test_links_encrypted_members_and_archives_in_the_archive_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = bytearray(zipped([("a.txt", b"Secret."), (link, b"/etc/passwd"), ("z.zip", b"PK")]))
    encrypted = data.find(b"PK\x01\x02") + 8
    data[encrypted] |= 1
    entries = read_bytes(tmp_path, "reports.zip", bytes(data))
    assert codes(entries) == ["encrypted", "link", "nested_archive"]


def test_a_bomb_is_refused_by_what_it_declares_and_the_others_are_read(tmp_path: Path) -> None:
    bomb = b"0" * (FREE_BYTES + 1)
    entries = read_bytes(tmp_path, "b.zip", zipped([("a.txt", b"Fine."), ("bomb.csv", bomb)]))
    assert codes(entries) == ["report", "decompression_bomb"]


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "overlap.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"Effusion. " * 100)
        archive.writestr("b.txt", b"Fine.")
        again = copy.copy(archive.filelist[0])
        again.filename = "c.txt"
        archive.filelist.append(again)
    assert codes(list(read([path]))) == ["overlapping_members", "report", "overlapping_members"]


def test_a_member_that_inflates_further_than_it_declares_is_refused(tmp_path: Path) -> None:
    data = zipped([("a.txt", b"Fine. " * 1000), ("b.txt", b"Effusion.")])
    declared = (6000).to_bytes(4, "little")
    assert data.count(declared) == 2
    entries = read_bytes(tmp_path, "r.zip", data.replace(declared, (60).to_bytes(4, "little")))
    assert codes(entries) == ["file_unreadable", "report"]


def test_a_damaged_member_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    data = bytearray(zipped([("a.txt", b"One."), ("b.txt", b"Two words."), ("c.txt", b"Three.")]))
    place = data.find(b"b.txt") + 6
    data[place] ^= 0xFF
    entries = read_bytes(tmp_path, "reports.zip", bytes(data))
    assert codes(entries) == ["report", "file_unreadable", "report"]


@pytest.mark.parametrize(
    "data", [b"", b"not a zip", zipped([("a.txt", b"One.")])[:-30]], ids=["empty", "text", "cut"]
)
def test_what_is_no_whole_zip_is_one_refusal(tmp_path: Path, data: bytes) -> None:
    assert codes(read_bytes(tmp_path, "reports.zip", data)) == ["file_unreadable"]


def test_a_zip_without_files_says_so(tmp_path: Path) -> None:
    assert codes(read_bytes(tmp_path, "reports.zip", zipped([]))) == ["empty_file"]


def test_a_zip_lies_among_the_files_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "a.txt").write_text("One.")
    (folder / "b.zip").write_bytes(zipped([("b.txt", b"Two.")]))
    entries = list(read([folder]))
    assert [entry.path for entry in entries] == ["export/a.txt", "export/b.zip/b.txt"]


def test_a_gzip_bomb_is_stopped_and_what_came_before_it_is_kept(tmp_path: Path) -> None:
    table = b"id,text\n1,Fine\n2," + b"0" * (4 * FREE_BYTES)
    entries = read_bytes(tmp_path, "reports.csv.gz", gzip.compress(table, 1))
    assert codes(entries)[0] == "report"
    assert codes(entries)[-1] == "decompression_bomb"


def test_a_gzip_file_that_is_damaged_inside_is_a_refusal(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(bytes(range(256)) * 40 + b"\nid,text\n"))
    data[20:60] = b"\xff" * 40
    assert codes(read_bytes(tmp_path, "reports.csv.gz", bytes(data)))[-1] == "file_unreadable"


def test_a_member_without_a_name_is_listed_and_ends_nothing(tmp_path: Path) -> None:
    data = zipped([("a.txt", b"One."), ("b.txt", b"Two.")])
    directory = data.index(b"PK\x01\x02")
    nameless = data[: directory + 46] + b"\x00.txt" + data[directory + 51 :]
    assert "report" in codes(read_bytes(tmp_path, "reports.zip", nameless))


def test_a_zip_whose_directory_names_what_is_no_text_is_one_refusal(tmp_path: Path) -> None:
    data = zipped([("é.txt", b"One.")])
    place = data.index(b"PK\x01\x02") + 46
    broken = data[:place] + b"\xe1" + data[place + 1 :]
    assert codes(read_bytes(tmp_path, "reports.zip", broken)) == ["file_unreadable"]
