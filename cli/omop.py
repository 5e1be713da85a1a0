"""``marrow omop``: the mentions of a finished audit as the OMOP table NOTE_NLP."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import fail, one_line_errors, output

if TYPE_CHECKING:
    from audits.note_nlp import Written


def omop(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Of a finished audit.")],
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="note_nlp.parquet or note_nlp.csv, by its suffix.")
    ],
) -> None:
    """Write the mentions of an audit of NOTE tables as the OMOP table NOTE_NLP (CDM 5.4).

    It quotes the notes: keep it as you keep them. Example: marrow omop audit-2026 -o note_nlp.parquet
    """
    from audits import AuditError

    if out.suffix not in {".parquet", ".csv"}:
        raise fail("Give --out a name that ends with .parquet or .csv.")
    with one_line_errors():
        try:
            written = _write(directory, out)
        except AuditError as error:
            raise fail(str(error)) from None
    if written.left_out and not written.rows:
        raise fail(
            "No report's id is a note_id, which is a whole number; audit the NOTE table itself, or "
            "name the column with --map report_id=note_id."
        )
    output().print(f"{written.rows:,} rows of NOTE_NLP: {out}")
    if written.left_out:
        output().print(
            f"{written.left_out:,} mentions left out: the ids of their reports are no note_id"
        )


def _write(directory: Path, out: Path) -> Written:
    from archives.export import table_as_csv
    from archives.write import replacing
    from audits import Layout
    from audits.note_nlp import write_note_nlp

    layout = Layout(directory)
    if out.suffix == ".parquet":
        return write_note_nlp(layout, out)
    with TemporaryDirectory(dir=out.parent, prefix=".note-nlp-") as folder:
        table = Path(folder) / "note_nlp.parquet"
        written = write_note_nlp(layout, table)
        with replacing(out) as temporary, temporary.open("wb") as stream:
            stream.writelines(table_as_csv(table))
    return written
