"""Plain text files: one report a file, named by the file."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from archives.encodings import decode_whole
from archives.files import ArchiveFile, open_bytes
from archives.model import MAX_FIELD_CHARS, Entry, Refusal, SourceReport
from extractor.model import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archives.columns import Mapping


def read_text(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the one report of a text file; its id is the file's name without suffixes."""
    del mapping  # a text file has no columns
    with open_bytes(file) as stream:
        data = stream.read(MAX_FIELD_CHARS + 1)
    if len(data) > MAX_FIELD_CHARS:
        yield Refusal(file.name, 1, "file_too_long", f"Over {MAX_FIELD_CHARS:,} bytes of text.")
        return
    text = decode_whole(data)
    if not text.strip():
        yield Refusal(file.name, 1, "no_text", "The file is empty.")
        return
    name = PurePosixPath(file.name)
    report_id = str(name.with_name(name.name.split(".")[0]))
    yield SourceReport(report=Report(text=text, report_id=report_id), path=file.name, line=1)
