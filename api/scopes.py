"""What an API key may be made for."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One kind of action; a key has any number of them."""

    REPORTS_WRITE = "reports:write"
    REPORTS_READ = "reports:read"
    REPORTS_DELETE = "reports:delete"
    TEXT_READ = "text:read"
    """Reading the text of stored reports: apart from reading what was found in them."""
    EXTRACT = "extract"
    AUDITS_WRITE = "audits:write"
    """Starting audits and cancelling them."""
    AUDITS_READ = "audits:read"
    """States and what was found; with ``text:read`` also what shows the words around it."""
    AUDITS_DELETE = "audits:delete"
    EXPORT = "export"
    """Taking lists and results away as files, from the pages."""
    KEYS_ADMIN = "keys:admin"
    LOG_READ = "log:read"
    """Reading the access log: who did what, and when."""
