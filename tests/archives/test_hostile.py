"""What somebody may put into an archive, all in one folder: refused with a reason, nothing else lost."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from archives import SourceReport, read
from archives.write import write_csv
from tests.archives.entries import codes, reports
from tests.archives.hostile_files import FORMULA, write_hostile

if TYPE_CHECKING:
    from pathlib import Path

    from archives import Entry


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hostile(tmp_path_factory.mktemp("hostile") / "archive")


def test_all_of_it_is_refused_with_a_reason_and_nothing_else_is_lost(hostile: Path) -> None:
    entries = list(read([hostile]))
    found: dict[str, Counter[str]] = {}
    for entry, code in zip(entries, codes(entries), strict=True):
        found.setdefault(entry.path.split("/")[1], Counter())[code] += 1
    assert found == {
        "bad.zip": {"unsafe_path": 1, "decompression_bomb": 1, "report": 1},
        "control.txt": {"report": 1},
        "cut.parquet": {"file_unreadable": 1},
        "entities.xml": {"not_xml": 1},
        "feed.hl7": {"report": 2, "no_text": 1},
        "formulas.csv": {"report": 1},
        "long.csv": {"report": 2, "row_unreadable": 1},
        "long.jsonl": {"report": 2, "line_too_long": 1},
        "mixed.csv": {"report": 2},
    }
    assert not any("outside" in path.name for path in hostile.parent.rglob("*"))


def test_no_reason_repeats_what_was_in_the_row(hostile: Path) -> None:
    refused = [entry for entry in read([hostile]) if not isinstance(entry, SourceReport)]
    for refusal in refused:
        assert "xxx" not in refusal.detail
        assert "Evil" not in refusal.detail
        assert len(refusal.detail) < 200


def test_formulas_are_read_as_they_stand_and_written_as_text(hostile: Path) -> None:
    entry = reports(_of(hostile, "formulas.csv"))[0]
    assert entry.report.text.startswith(FORMULA)
    assert entry.report.report_id == FORMULA
    out = hostile.parent / "cases.csv"
    write_csv(
        [{"id": entry.report.report_id, "patient": entry.report.patient.id}], ["id", "patient"], out
    )
    with out.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream))[1] == ["'" + FORMULA, "'@SUM(1)"]


def test_texts_of_each_encoding_are_read_as_they_were_meant(hostile: Path) -> None:
    found = [entry.report.text for entry in reports(_of(hostile, "mixed.csv"))]
    assert found == ["±60 % œdème", "±60 % hip déjà vu"]


def _of(folder: Path, name: str) -> list[Entry]:
    return list(read([folder / name]))
