"""Reading files that a test has written, and saying what came out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archives import Entry, Refusal, SourceReport, read

if TYPE_CHECKING:
    from pathlib import Path


def read_bytes(tmp_path: Path, name: str, data: bytes) -> list[Entry]:
    """Return the entries of one file."""
    path = tmp_path / name
    path.write_bytes(data)
    return list(read([path]))


def codes(entries: list[Entry]) -> list[str]:
    """Return for each entry ``"report"`` or the code of its refusal."""
    return [entry.code if isinstance(entry, Refusal) else "report" for entry in entries]


def reports(entries: list[Entry]) -> list[SourceReport]:
    """Return the entries that are reports."""
    return [entry for entry in entries if isinstance(entry, SourceReport)]


def texts(entries: list[Entry]) -> list[str]:
    """Return the texts of the reports."""
    return [entry.report.text for entry in reports(entries)]


def only(entries: list[Entry]) -> SourceReport:
    """Return the one report that there is."""
    assert codes(entries) == ["report"]
    return reports(entries)[0]
