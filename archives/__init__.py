"""Report files in, result files out: one module a format, behind one small protocol.

>>> from pathlib import Path
>>> from archives import Refusal, read
>>> for entry in read([Path("export.csv")]):  # doctest: +SKIP
...     print(entry.line, entry.code if isinstance(entry, Refusal) else entry.report.report_id)
"""

from archives.columns import Mapping
from archives.errors import (
    ArchiveError,
    ArchiveNotFoundError,
    ColumnsError,
    MappingError,
    UnknownFormatError,
)
from archives.files import ArchiveFile, checksum, list_files
from archives.model import Entry, Refusal, SourceReport
from archives.parquet import Table
from archives.read import read, read_batches

__all__ = [
    "ArchiveError",
    "ArchiveFile",
    "ArchiveNotFoundError",
    "ColumnsError",
    "Entry",
    "Mapping",
    "MappingError",
    "Refusal",
    "SourceReport",
    "Table",
    "UnknownFormatError",
    "checksum",
    "list_files",
    "read",
    "read_batches",
]
