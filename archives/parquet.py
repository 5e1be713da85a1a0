"""Parquet tables, read as columns: a batch of rows at a time, whatever the size of the file.

The same conversions as for a CSV row (:mod:`archives.rows`), done once for each different value of
a column. Imports polars where it is needed: its threads do not survive a fork.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from archives import fields
from archives.columns import recognise
from archives.files import on_disk
from archives.model import Entry, Refusal, SourceReport
from archives.rows import join_parts
from extractor.model import Patient, Report, Study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from archives.columns import Columns, Mapping
    from archives.files import ArchiveFile

BATCH_ROWS = 20_000
_PYTHON_BLANKS = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""What ``str.strip`` takes away."""
_DAYS = 65_536
"""Days that are remembered: those of 180 years."""
_TEXTS = ("report_id", "patient_id", "description", "accession")


@dataclass(frozen=True, slots=True)
class Table:
    """Some rows of a table: reports as columns, and the lines that hold none."""

    path: str
    reports: pl.DataFrame
    """Named like the fields of a report and its source; ``line`` is the row in its file, from 1."""
    refused: list[int]
    """Lines without report text."""
    first: int
    """The first of all its lines."""

    @property
    def rows(self) -> int:
        """Rows read, refused ones too."""
        return self.reports.height + len(self.refused)

    def refusals(self) -> list[Refusal]:
        """Return the rows that hold no report."""
        reason = "The row has no report text."
        return [Refusal(self.path, line, "no_text", reason) for line in self.refused]

    def entries(self) -> list[Entry]:
        """Return the rows one by one, in their order."""
        reports: list[Entry] = [_entry(row) for row in self.reports.iter_rows(named=True)]
        return sorted([*reports, *self.refusals()], key=lambda entry: entry.line)


def read_parquet(file: ArchiveFile, mapping: Mapping) -> Iterator[Table | Refusal]:
    """Yield a Parquet file in batches of columns.

    Raises:
        ColumnsError: no column of report text.
        OSError: the file is no Parquet, or damaged.

    """
    import polars as pl  # noqa: PLC0415 - the reason stands above

    with on_disk(file) as path:
        try:
            lazy = pl.scan_parquet(path, glob=False)
            columns = recognise(lazy.collect_schema().names(), mapping)
            wanted = list(dict.fromkeys([*columns.text, *columns.single.values()]))
            rows = lazy.select(pl.len()).collect().item()
            # slices, because polars' own batches are read ahead of whoever works on them
            for start in range(0, rows, BATCH_ROWS):
                chosen = lazy.select(wanted).slice(start, BATCH_ROWS)
                lines = range(start + 1, min(start + BATCH_ROWS, rows) + 1)
                yield from _batch(chosen, lines, columns, mapping=mapping, path=file.name)
        except _polars_errors() as error:
            raise OSError from error


def _polars_errors() -> tuple[type[Exception], ...]:
    """Return what polars raises on a damaged file, from its Python and from its Rust."""
    import polars as pl  # noqa: PLC0415

    return (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def _batch(
    chosen: pl.LazyFrame, lines: range, columns: Columns, *, mapping: Mapping, path: str
) -> Iterator[Table | Refusal]:
    """Yield some rows; where their part of the file is damaged, each of them as refused."""
    try:
        batch = chosen.collect()
    except _polars_errors():
        reason = "The part of the file that holds this row is damaged."
        for line in lines:
            yield Refusal(path, line, "row_damaged", reason)
    else:
        yield _table(batch, columns, mapping, path=path, first=lines.start)


def _table(
    batch: pl.DataFrame, columns: Columns, mapping: Mapping, *, path: str, first: int
) -> Table:
    import polars as pl  # noqa: PLC0415

    raw = pl.DataFrame(
        {
            "text": _text(batch, columns),
            **{name: _stripped(batch[column]) for name, column in columns.single.items()},
        }
    )
    names = [*_TEXTS, "source", "age_years", "birth_date", "sex", "pregnancy", "modality", "date"]
    raw = raw.with_columns(
        pl.lit(None, dtype=pl.String).alias(name)
        for name in [*names, "issued"]
        if name not in raw.columns
    ).with_columns(pl.int_range(first, first + batch.height).alias("line"))
    is_report = raw["text"].str.strip_chars(_PYTHON_BLANKS) != ""
    refused: list[int] = []
    if not is_report.all():
        refused = raw["line"].filter(~is_report).to_list()
        raw = raw.filter(is_report)
    return Table(path, _converted(raw, mapping, path), refused, first)


def _text(batch: pl.DataFrame, columns: Columns) -> pl.Series:
    """Return the text of each row; parts of it under the names of their columns."""
    import polars as pl  # noqa: PLC0415

    parts = [_string(batch[name]).fill_null("") for name in columns.text]
    if len(parts) == 1:
        return parts[0]
    joined = [
        join_parts(list(zip(columns.text, row, strict=True))) for row in zip(*parts, strict=True)
    ]
    return pl.Series(joined, dtype=pl.String)


def _converted(raw: pl.DataFrame, mapping: Mapping, path: str) -> pl.DataFrame:
    """Return the values as a report holds them; what could not be read is a remark."""
    import polars as pl  # noqa: PLC0415

    day = partial(_day, day_first=mapping.day_first)
    moment = partial(fields.parse_moment, day_first=mapping.day_first)
    readers: dict[str, tuple[Callable[[str], Any], Any]] = {
        "date": (day, pl.String),
        "birth_date": (day, pl.String),
        "age_years": (fields.parse_age, pl.Int64),
        "sex": (fields.parse_sex, pl.String),
        "pregnancy": (fields.parse_pregnancy, pl.String),
        "modality": (fields.parse_modality, pl.String),
        "issued": (moment, pl.String),
    }
    read = {name: _each(raw[name], parse, kind) for name, (parse, kind) in readers.items()}
    remarks = _remarks({name: raw[name].is_not_null() & read[name].is_null() for name in readers})
    read["age_years"] = read["age_years"].fill_null(_ages(read.pop("birth_date"), read["date"]))
    read["study_date"] = read.pop("date")
    return raw.select("line", "text", "source", *_TEXTS).with_columns(
        pl.col("source").fill_null("default"),
        pl.lit(path).alias("path"),
        remarks.alias("remarks"),
        **read,
    )


def _remarks(unread: dict[str, pl.Series]) -> pl.Expr:
    """Return the remarks of each row: nearly always none, and so one value for all."""
    import polars as pl  # noqa: PLC0415

    told = [
        pl.when(rows).then(pl.lit(f"{name}_not_read"))
        for name, rows in unread.items()
        if rows.any()
    ]
    if not told:
        return pl.lit([], dtype=pl.List(pl.String))
    return pl.concat_list(told).list.drop_nulls()


@lru_cache(maxsize=_DAYS)
def _day(value: str, *, day_first: bool | None) -> str | None:
    """Return a date as it is read; all batches of an archive hold the same few thousand."""
    return fields.parse_date(value, day_first=day_first)


def _each(values: pl.Series, parse: Callable[[str], Any], kind: Any) -> pl.Series:
    """Return what each value is read as; each different one is read once."""
    different = values.drop_nulls().unique().to_list()
    read = [parse(value) for value in different]
    return values.replace_strict(different, read, default=None, return_dtype=kind)


def _ages(born: pl.Series, studied: pl.Series) -> pl.Series:
    """Return the ages at the study where both dates are known."""
    import polars as pl  # noqa: PLC0415

    if born.null_count() == len(born):
        return pl.repeat(None, len(born), dtype=pl.Int64, eager=True)
    ages = [
        fields.age_on(birth, study) if birth and study else None
        for birth, study in zip(born, studied, strict=True)
    ]
    return pl.Series(ages, dtype=pl.Int64)


def _stripped(values: pl.Series) -> pl.Series:
    """Return values without blanks around them; empty ones are none."""
    text = _string(values).str.strip_chars(_PYTHON_BLANKS)
    return text.set(text == "", None)


def _string(values: pl.Series) -> pl.Series:
    """Return any column as a table would hold it; nested values are none."""
    import polars as pl  # noqa: PLC0415

    if values.dtype.is_nested():
        return pl.repeat(None, len(values), dtype=pl.String, eager=True)
    return values.cast(pl.String, strict=False)


def _entry(row: dict[str, Any]) -> SourceReport:
    """Return one row as a report."""
    return SourceReport(
        report=Report(
            text=row["text"],
            report_id=row["report_id"],
            patient=Patient(row["patient_id"], row["age_years"], row["sex"], row["pregnancy"]),
            study=Study(row["modality"], row["description"], row["study_date"], row["accession"]),
        ),
        path=row["path"],
        line=row["line"],
        source=row["source"],
        issued=row["issued"],
        remarks=tuple(row["remarks"]),
    )
