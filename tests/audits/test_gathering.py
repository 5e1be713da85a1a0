"""Tables of all shards, gathered a few rows at a time: the same rows in the same order, whole patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits import gathering
from audits.gathering import in_order, patient_ranges, write_frames
from audits.versions import decide, identify

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {"row": pl.Int64}


def frames(rows: list[int], size: int) -> list[pl.DataFrame]:
    parts = [rows[at : at + size] for at in range(0, len(rows), size)]
    return [pl.DataFrame({"row": part}, schema=SCHEMA) for part in [[], *parts]]


@given(
    owners=st.lists(st.booleans(), max_size=40),
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_two_streams_in_order_become_one_in_order(
    owners: list[bool], sizes: tuple[int, int]
) -> None:
    first = [row for row, ours in enumerate(owners) if ours]
    second = [row for row, ours in enumerate(owners) if not ours]
    merged = in_order(iter(frames(first, sizes[0])), iter(frames(second, sizes[1])))
    assert [row for frame in merged for row in frame["row"]] == list(range(len(owners)))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_table_has_the_same_bytes_however_its_rows_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(gathering, "ROWS_AT_ONCE", 4)
    rows = list(range(10))
    write_frames(frames(rows, 10), tmp_path / "whole.parquet", schema=SCHEMA)
    write_frames(frames(rows, size), tmp_path / "parts.parquet", schema=SCHEMA)
    assert pl.read_parquet(tmp_path / "parts.parquet")["row"].to_list() == rows
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.parquet", "whole.parquet"]


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    write_frames([], tmp_path / "empty.parquet", schema=SCHEMA)
    assert pl.read_parquet(tmp_path / "empty.parquet").schema == SCHEMA


@given(st.lists(st.sampled_from([None, "", "P1", "P2", "P3", "P40", "é"]), max_size=60))
def test_every_patient_is_whole_in_one_range_and_ranges_are_in_order(ids: list[str | None]) -> None:
    reports = pl.DataFrame({"patient_id": ids}, schema={"patient_id": pl.String})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "REPORTS_AT_ONCE", 5)
        ranges = [frame["patient_id"].to_list() for frame in patient_ranges(reports.lazy())]
    named = [one for one in ids if one is not None]
    assert sorted(one for part in ranges for one in part) == sorted(named)
    firsts = [set(part) for part in ranges]
    assert sum(map(len, firsts)) == len(set(named))
    bounds = [(min(part), max(part)) for part in firsts if part]
    assert bounds == sorted(bounds)


@given(st.lists(st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("12"), st.sampled_from("xy"))))
def test_versions_are_decided_alike_in_one_go_and_share_by_share(
    reports: list[tuple[str, str, str]],
) -> None:
    rows = [
        {"row": row, "accession": accession, "issued": issued, "text_sha256": text}
        for row, (accession, issued, text) in enumerate(reports)
    ]
    names = (
        "source",
        "patient_id",
        "study_date",
        "report_id",
        "accession",
        "issued",
        "text_sha256",
    )
    schema = {"row": pl.Int64, **dict.fromkeys(names, pl.String)}
    identities = identify(pl.DataFrame(rows, schema=schema)).lazy()
    whole = decide(identities)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audits.versions.REPORTS_AT_ONCE", 3)
        shared = decide(identities)
    assert whole[0].to_list() == shared[0].to_list()
    assert whole[1:] == shared[1:]
