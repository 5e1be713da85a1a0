"""What can be wrong with an archive as a whole; a single bad row is a ``Refusal``, not an error.

ArchiveError
├── ArchiveNotFoundError    nothing at that path, or nothing in that folder that can be read
├── UnknownFormatError      the file is of no format that is read
├── ColumnsError            no column with report text was recognised or mapped
└── MappingError            a ``--map`` argument that cannot be used
"""

from __future__ import annotations


class ArchiveError(Exception):
    """An archive that cannot be read at all; the message says how to mend it."""

    code = "archive_unreadable"


class ArchiveNotFoundError(ArchiveError):
    """Nothing at that path."""

    code = "archive_not_found"


class UnknownFormatError(ArchiveError):
    """A file named on its own whose format is not read."""

    code = "unknown_format"
    REFUSAL = "No reader knows this kind of file."


class ColumnsError(ArchiveError):
    """A table without a column of report text."""

    code = "columns_not_recognised"
    REFUSAL = "No column of report text was recognised in this table."


class MappingError(ArchiveError):
    """A mapping that names no known field, or that is not ``field=column``."""

    code = "mapping_invalid"
