"""The text of a FHIR DiagnosticReport, from wherever its sender has put it.

In this order: the attachments in ``presentedForm`` that are text; else the results that are text;
else the narrative. The conclusion follows where the text does not hold it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archives.encodings import decode, decode_whole
from archives.fhir_related import Document, TextResult
from archives.fhir_values import Resource, each, first, references, string
from archives.html_text import html_text
from archives.media_types import named_type

if TYPE_CHECKING:
    from archives.fhir_related import Related

_HTML = frozenset({"text/html", "application/xhtml", "application/xhtml+xml"})
_PLAIN = frozenset({"text/plain", "text/markdown", "text/x-markdown"})


@dataclass(slots=True)
class ReportText:
    """The text, and what could not be read as text."""

    text: str = ""
    documents: list[str] = field(default_factory=list)
    """Kinds of attachments that are not read, such as ``application/pdf``."""
    broken: bool = False
    """An attachment of text that is not base64."""
    results: int = 0
    """Results that the report only refers to."""


def report_text(report: Resource, related: Related) -> ReportText:
    """Return the text of a report."""
    found = ReportText()
    text = _attached(report, related, found) or _results(report, related, found)
    if not text:
        text = html_text(string(first(report.get("text")).get("div")))
    conclusion = string(report.get("conclusion"))
    if conclusion and _folded(conclusion) not in _folded(text):
        text = f"{text.rstrip()}\n\nIMPRESSION:\n{conclusion}" if text.strip() else conclusion
    found.text = text
    return found


def _attached(report: Resource, related: Related, found: ReportText) -> str:
    """Return the text attachments; of one report as plain text and as HTML, the plain text."""
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    for attachment in each(report.get("presentedForm")):
        document = _document(attachment, related)
        kind = document.content_type.split(";")[0].strip()
        if kind not in _PLAIN | _HTML or not document.data:
            found.documents.append(_named(kind, here=bool(document.data)))
            continue
        text = _decoded(document)
        if text is None:
            found.broken = True
        elif kind in _HTML:
            texts["html"].append(html_text(text))
        else:
            texts["plain"].append(text.replace("\r\n", "\n"))
    return "\n\n".join(text for text in texts["plain"] or texts["html"] if text.strip())


def _document(attachment: Resource, related: Related) -> Document:
    """Return an attachment with its data, from a Binary of the same archive where it is there."""
    kind, data = string(attachment.get("contentType")).lower(), string(attachment.get("data"))
    if not data:
        linked = related.find(string(attachment.get("url")))
        if isinstance(linked, Document):
            return Document(kind or linked.content_type, linked.data)
    return Document(kind, data)


def _decoded(document: Document) -> str | None:
    """Return the text of base64 data in its declared or likeliest encoding."""
    try:
        data = base64.b64decode(re.sub(r"\s+", "", document.data), validate=True)
    except (binascii.Error, ValueError):
        return None
    declared = re.search(r"charset=\"?([\w.:-]+)", document.content_type)
    return decode(data, declared[1]) if declared else decode_whole(data)


def _results(report: Resource, related: Related, found: ReportText) -> str:
    """Return the results that are text, each under its name."""
    parts: list[str] = []
    for target in references(report.get("result")):
        result = related.find(target)
        if isinstance(result, TextResult):
            parts.append(f"{result.name}:\n{result.text}" if result.name else result.text)
        else:
            found.results += 1
    return "\n\n".join(parts)


def _named(kind: str, *, here: bool) -> str:
    """Name a kind of document without anything that a sender may have put beside it."""
    name = named_type(kind)
    return name if here else f"{name} (not in the archive)"


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
