"""Read archives of any known format as one stream of reports and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from archives.columns import Mapping
from archives.csv_tsv import read_csv
from archives.dicom_sr import is_dicom, read_dicom_sr
from archives.errors import ColumnsError, UnknownFormatError
from archives.fhir_files import is_fhir, read_fhir_ndjson, read_json, read_xml
from archives.files import UNREADABLE, ArchiveFile, list_files, open_bytes
from archives.hl7v2 import read_hl7v2
from archives.hl7v2_frames import is_hl7
from archives.inflated import InflatedTooFarError
from archives.jsonl import read_jsonl
from archives.model import Entry, Refusal
from archives.parquet import Table, read_parquet
from archives.text_files import read_text
from archives.zip_files import is_zip, open_zip

if TYPE_CHECKING:
    from pathlib import Path

Reader = Callable[[ArchiveFile, Mapping], Iterator[Entry | Table]]
"""Yields every row of one file once, as a report, as a refusal or in a table, in constant memory."""

READERS: dict[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".tab": read_csv,
    ".json": read_json,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".hl7": read_hl7v2,
    ".oru": read_hl7v2,
    ".log": read_hl7v2,
    ".msg": read_hl7v2,
    ".mllp": read_hl7v2,
    ".parquet": read_parquet,
    ".xml": read_xml,
    ".dcm": read_dicom_sr,
    ".sr": read_dicom_sr,
    ".txt": read_text,
}
"""By the file's suffix; where a suffix says too little, what the file begins with decides."""

FORMATS: dict[Reader, str] = {
    read_csv: "csv",
    read_json: "json",
    read_jsonl: "json_lines",
    read_fhir_ndjson: "fhir_ndjson",
    read_xml: "fhir_xml",
    read_hl7v2: "hl7_v2",
    read_parquet: "parquet",
    read_dicom_sr: "dicom_sr",
    read_text: "text",
}
"""What each reader's format is called; `csv` is any table of text, `json` FHIR or an array."""

_SNIFF_BYTES = 64 * 1024


def read(paths: Sequence[Path], mapping: Mapping | None = None) -> Iterator[Entry]:
    """Yield every row of every file once, in a stable order.

    Raises:
        ArchiveError: nothing at a path, an unknown format, or a table without report text. In a
            folder an unreadable file is a refusal instead: the others are still wanted.

    """
    for item in read_batches(paths, mapping):
        if isinstance(item, Table):
            yield from item.entries()
        else:
            yield item


def read_batches(paths: Sequence[Path], mapping: Mapping | None = None) -> Iterator[Entry | Table]:
    """Yield the same rows as ``read``, those of columnar files many at a time.

    Raises:
        ArchiveError: as ``read``.

    """
    mapping = mapping or Mapping()
    for path in paths:
        for file in list_files([path]):
            if is_zip(file.path):
                yield from _read_zip(file, mapping)
            elif path.is_dir():
                yield from _read_one_of_many(file, mapping)
            else:
                yield from read_file(file, mapping)


def _read_zip(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry | Table]:
    """Yield the rows of all members of a zip, as of the files of a folder."""
    try:
        with open_zip(file) as members:
            for member in members:
                if isinstance(member, Refusal):
                    yield member
                else:
                    yield from _read_one_of_many(member, mapping)
            if not members:
                yield Refusal(file.name, 1, "empty_file", "The zip holds no files.")
    except UNREADABLE as error:
        yield _unreadable(file, error)


def _read_one_of_many(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry | Table]:
    """Yield the rows of one file; where it holds none the others are still wanted."""
    try:
        yield from read_file(file, mapping)
    except (UnknownFormatError, ColumnsError) as error:
        yield Refusal(file.name, 1, error.code, type(error).REFUSAL)


def read_file(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry | Table]:
    """Yield the rows of one file.

    Raises:
        UnknownFormatError: there is no reader for it.
        ColumnsError: a table without report text.

    """
    reader = find_reader(file)
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise UnknownFormatError(f"{file.path} is of no format that is read ({known}).")
    if mapping.opened is not None:
        mapping.opened(file, FORMATS[reader])
    try:
        yield from reader(file, mapping)
    except UNREADABLE as error:
        yield _unreadable(file, error)


def _unreadable(file: ArchiveFile, error: Exception) -> Refusal:
    """Say that a file could not be read to its end; what came before it counts."""
    if isinstance(error, InflatedTooFarError):
        reason = "The file inflates as no file of reports does; the rest of it was not read."
        return Refusal(file.name, 1, "decompression_bomb", reason)
    reason = f"The file is damaged or cut off ({type(error.__cause__ or error).__name__}); the rest of it is lost."
    return Refusal(file.name, 1, "file_unreadable", reason)


def find_reader(file: ArchiveFile) -> Reader | None:
    """Return the reader for a file by its suffix, and by what it begins with where that tells."""
    reader = READERS.get(file.kind)
    if reader not in {read_text, read_jsonl, None}:
        return reader
    try:
        with open_bytes(file) as stream:
            head = stream.read(_SNIFF_BYTES)
    except UNREADABLE:
        return reader
    if reader is read_jsonl:
        return read_fhir_ndjson if is_fhir(head) else reader
    if is_dicom(head):
        return read_dicom_sr
    return read_hl7v2 if is_hl7(head) and (reader is read_text or file.kind == "") else reader
