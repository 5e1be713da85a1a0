"""What an API key may be made for."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One kind of action; a key has any number of them."""

    REPORTS_WRITE = "reports:write"
    REPORTS_READ = "reports:read"
    REPORTS_DELETE = "reports:delete"
    TEXT_READ = "text:read"
    """Reading the words of stored reports, quotes too: apart from reading what was found."""
    EXTRACT = "extract"
    AUDITS_WRITE = "audits:write"
    """Starting audits and cancelling them."""
    AUDITS_READ = "audits:read"
    """States and what was found; with ``text:read`` also what shows the words around it."""
    AUDITS_DELETE = "audits:delete"
    REVIEW = "review"
    """Judging the reports of a sample, and deciding between two who disagree."""
    EXPORT = "export"
    """Taking lists, tables and files of results away."""
    KEYS_ADMIN = "keys:admin"
    OPERATE = "operate"
    """Seeing how the work goes, and having failed reports read again: numbers, nothing of a report."""
    LOG_READ = "log:read"
    """Reading the access log: who did what, and when."""
