"""Audits of NOTE tables as NOTE_NLP, held against the definition of OMOP's CDM 5.4.

The definition is OHDSI's inst/csv/OMOP_CDMv5.4_Field_Level.csv (CommonDataModel), table note_nlp.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest
from typer.testing import CliRunner

from audits import Layout
from audits.errors import NotFinishedError
from audits.note_nlp import write_note_nlp
from cli.main import app
from extractor.model import Certainty, Experiencer, Status
from standards.omop import term_exists
from tests.cli.commands import marrow, one_line_error

if TYPE_CHECKING:
    from pathlib import Path

CDM: dict[str, tuple[bool, str]] = {
    "note_nlp_id": (True, "integer"),
    "note_id": (True, "integer"),
    "section_concept_id": (False, "integer"),
    "snippet": (False, "varchar(250)"),
    "offset": (False, "varchar(50)"),
    "lexical_variant": (True, "varchar(250)"),
    "note_nlp_concept_id": (False, "integer"),
    "note_nlp_source_concept_id": (False, "integer"),
    "nlp_system": (False, "varchar(250)"),
    "nlp_date": (True, "date"),
    "nlp_datetime": (False, "timestamp"),
    "term_exists": (False, "varchar(1)"),
    "term_temporal": (False, "varchar(50)"),
    "term_modifiers": (False, "varchar(2000)"),
}
"""The columns in their order: whether one is required, and its type."""
NOTES = {
    11: "MRI LEFT HIP. Marrow oedema of the left femoral head and neck. No joint effusion.",
    12: "MRI HIP. History of transient osteoporosis of the left hip in 2015. Normal marrow signal.",
    13: "RIGHT HIP. ?AVN. Osteopenia of the right femoral head is unlikely. "
    "Extensive bone marrow oedema of the right femoral head, " + "intertrochanteric region, " * 30,
}


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished audit of a NOTE table and of a report that is none, by the real command."""
    folder = tmp_path_factory.mktemp("omop")
    pl.DataFrame(
        {
            "note_id": list(NOTES),
            "person_id": [1, 2, 3],
            "note_date": ["2020-01-02"] * 3,
            "note_title": ["MRI hip"] * 3,
            "note_text": list(NOTES.values()),
        }
    ).write_parquet(folder / "note.parquet")
    other = folder / "reports.jsonl"
    other.write_text(json.dumps({"id": "RAD-1", "text": NOTES[11]}))
    done = marrow("audit", folder / "note.parquet", other, "-o", folder / "out", "--workers", "1")
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def table(audit: Path) -> pl.DataFrame:
    out = audit.with_name("note_nlp.parquet")
    written = write_note_nlp(Layout(audit), out)
    table = pl.read_parquet(out)
    assert table.height == written.rows
    return table


def test_the_columns_are_those_of_the_cdm(table: pl.DataFrame) -> None:
    kinds: dict[str, set[Any]] = {
        "integer": {pl.Int32, pl.Int64},
        "date": {pl.Date},
        "timestamp": {pl.Datetime("us")},
    }
    assert table.columns == list(CDM)
    for name, (required, kind) in CDM.items():
        column = table[name]
        if kind.startswith("varchar"):
            assert column.dtype == pl.String
            longest = column.str.len_chars().max()
            assert isinstance(longest, int)
            assert longest <= int(kind[8:-1])
        else:
            assert column.dtype in kinds[kind], name
        assert not required or column.null_count() == 0
    assert table["note_nlp_id"].is_unique().all()


def test_each_row_is_at_its_place_in_its_note(table: pl.DataFrame) -> None:
    assert set(table["note_id"]) == set(NOTES)
    for row in table.iter_rows(named=True):
        start = int(row["offset"])
        assert NOTES[row["note_id"]][start:].startswith(row["lexical_variant"])
        assert row["lexical_variant"][:40] in row["snippet"] or len(row["lexical_variant"]) > 40
        assert row["nlp_system"].startswith("Marrow ")


def told(table: pl.DataFrame, note_id: int, finding: str) -> dict[str, Any]:
    wanted = pl.col("term_modifiers").str.contains(f"finding={finding},", literal=True)
    [row] = table.filter((pl.col("note_id") == note_id) & wanted).iter_rows(named=True)
    return row


def test_presence_and_time_are_told_as_the_cdm_wants_them(table: pl.DataFrame) -> None:
    oedema = told(table, 11, "marrow_oedema")
    assert (oedema["term_exists"], oedema["term_temporal"]) == ("Y", "present")
    modifiers = dict(one.split("=") for one in oedema["term_modifiers"].split(","))
    assert modifiers["sites"] == "femoral_head+femoral_neck"
    assert (modifiers["negated"], modifiers["subject"], modifiers["laterality"]) == (
        "no", "patient", "left",
    )  # fmt: skip
    effusion = told(table, 11, "effusion")
    assert (effusion["term_exists"], effusion["term_temporal"]) == ("N", "present")
    assert "negated=yes" in effusion["term_modifiers"]
    past = told(table, 12, "itoh_diagnosis")
    assert (past["term_exists"], past["term_temporal"]) == ("Y", "past")
    assert told(table, 13, "osteopenia")["term_exists"] == "N"


@pytest.mark.parametrize(
    ("changes", "exists"),
    [
        ({}, True),
        ({"status": Status.UNCERTAIN, "certainty": Certainty.POSSIBLE}, True),
        ({"status": Status.UNCERTAIN, "certainty": Certainty.UNLIKELY}, False),
        ({"status": Status.HYPOTHETICAL}, False),
        ({"status": Status.NEGATED}, False),
        ({"status": Status.HISTORICAL}, True),
        ({"experiencer": Experiencer.OTHER}, False),
    ],
)
def test_what_exists(changes: dict[str, Any], *, exists: bool) -> None:
    mention: dict[str, Any] = {
        "status": Status.AFFIRMED,
        "certainty": None,
        "experiencer": Experiencer.PATIENT,
    }
    assert term_exists(mention | changes) is exists


def test_the_csv_is_taken_by_a_database_with_the_tables_of_the_cdm(
    audit: Path, table: pl.DataFrame, postgresql_url: str
) -> None:
    out = audit.with_name("note_nlp.csv")
    done = marrow("omop", audit, "-o", out)
    assert f"{table.height} rows of NOTE_NLP" in done.stdout, done.stderr
    assert "mentions left out" in done.stdout
    columns = ", ".join(
        f'"{name}" {kind}{" NOT NULL" if required else ""}'
        for name, (required, kind) in CDM.items()
    )
    with psycopg.connect(postgresql_url) as conn:
        conn.execute(f"CREATE TABLE note_nlp ({columns})")
        with conn.cursor().copy("COPY note_nlp FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(out.read_bytes())
        stored = conn.execute('SELECT note_id, "offset", lexical_variant FROM note_nlp').fetchall()
    assert stored == table.select("note_id", "offset", "lexical_variant").rows()


def test_reports_that_are_no_notes_are_told_and_not_written(audit: Path, tmp_path: Path) -> None:
    mentions = pl.read_parquet(audit / "mentions.parquet")
    left = mentions.filter(pl.col("report_id") == "RAD-1").height
    assert left > 0
    assert write_note_nlp(Layout(audit), tmp_path / "some.parquet").left_out == left
    none = shutil.copytree(audit, tmp_path / "none")
    mentions.filter(pl.col("report_id") == "RAD-1").write_parquet(none / "mentions.parquet")
    assert "note_id" in one_line_error(marrow("omop", none, "-o", tmp_path / "x.parquet"))


def test_what_is_no_audit_and_what_is_no_format_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFinishedError, match="finished audit"):
        write_note_nlp(Layout(tmp_path), tmp_path / "x.parquet")
    said = CliRunner().invoke(app, ["omop", str(tmp_path), "-o", str(tmp_path / "x.txt")])
    assert (said.exit_code, ".parquet or .csv" in said.stderr) == (2, True)
