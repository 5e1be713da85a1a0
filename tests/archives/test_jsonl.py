from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from archives import Refusal, SourceReport, read
from archives.columns import Mapping
from archives.jsonl import parse_line

if TYPE_CHECKING:
    from pathlib import Path


def test_the_shape_of_the_api_is_read(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    line = {
        "id": "R1", "source": "north", "text": "Effusion.",
        "patient": {"id": "P1", "age_years": 40, "sex": "F", "pregnancy": "pregnant"},
        "study": {"modality": "MR", "description": "MRI hip", "date": "2020-02-03", "accession": "A"},
    }  # fmt: skip
    path.write_text(json.dumps(line) + "\n\n")
    (entry,) = read([path])
    assert isinstance(entry, SourceReport)
    assert entry.source == "north"
    assert entry.report.report_id == "R1"
    assert entry.report.patient.id == "P1"
    assert entry.report.patient.pregnancy == "pregnant"
    assert entry.report.study.accession == "A"


def test_flat_lines_are_read_by_column_names(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'{"mrn": 7, "report_text": "Fine", "age": 33, "tags": ["x"]}\n')
    )
    (entry,) = read([path])
    assert isinstance(entry, SourceReport)
    assert (entry.report.patient.id, entry.report.patient.age_years) == ("7", 33)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{broken", "not_json"),
        ("[" * 100_000, "not_json"),
        ("[1]", "not_an_object"),
        ('{"id": "1"}', "no_text"),
        ('{"text": "  "}', "no_text"),
        ('{"text": 5}', "text_not_a_string"),
        ('{"text": {"a": 1}}', "text_not_a_string"),
    ],
)
def test_lines_that_are_no_report_are_refused_with_the_reason(line: str, code: str) -> None:
    entry = parse_line(line, Mapping(), path="x.jsonl", line=3)
    assert isinstance(entry, Refusal)
    assert (entry.code, entry.line) == (code, 3)


def test_a_cut_gzip_file_keeps_what_was_read_and_says_the_rest_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl.gz"
    lines = b"".join(
        json.dumps({"text": f"report {n} {n**99}"}).encode() + b"\n" for n in range(900)
    )
    path.write_bytes(gzip.compress(lines)[:-4000])
    entries = list(read([path]))
    assert isinstance(entries[-1], Refusal)
    assert entries[-1].code == "file_unreadable"
    assert len(entries) > 1


def test_half_a_character_is_replaced_so_that_the_report_can_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    path.write_text('{"id": "1\\udfff", "text": "Effusion \\ud800 left \\ud83e\\uddb4."}\n')
    (entry,) = read([path])
    assert isinstance(entry, SourceReport)
    assert entry.report.text == "Effusion \ufffd left \U0001f9b4."
    assert entry.report.report_id == "1\ufffd"
    assert entry.remarks == ("characters_replaced",)
