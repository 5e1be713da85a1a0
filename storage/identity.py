"""Which posted reports are the same one, and which are versions of one another.

A report belongs to a *series*, within its source:

* by its accession number, where it has one;
* else by the client's ``report_id``;
* else by its metadata, of which a series then holds as many reports as there are texts.

The same text in the same series is the same report: posting it again gives the row that is
there, with the metadata of its first posting. Another text under the same accession number or
client id is an amendment: a new version. Without either nothing ties two texts together.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

from storage.errors import InvalidReportError

if TYPE_CHECKING:
    from storage.model import NewReport

MAX_FIELD_CHARS = 1_000
"""No metadata of a real report comes near it."""
LOCKS = 64


@dataclass(frozen=True, slots=True)
class Identity:
    """What a report is recognised by."""

    source: str
    series: str
    text_sha256: str

    @property
    def has_versions(self) -> bool:
        """Whether another text in this series is an amendment."""
        return not self.series.startswith("metadata:")

    @property
    def lock(self) -> int:
        """The number of the lock that serialises changes of this series."""
        return zlib.crc32(f"{self.source}\0{self.series}".encode()) % LOCKS


def identify(report: NewReport) -> Identity:
    """Return what ``report`` is recognised by.

    Raises InvalidReportError for metadata that cannot be stored.
    """
    check_metadata(report)
    return Identity(report.source, _series(report), text_digest(report.text))


def text_digest(text: str) -> str:
    """Return the SHA-256 of a report's text."""
    return hashlib.sha256(encode_text(text)).hexdigest()


def encode_text(text: str) -> bytes:
    """Return the text as bytes; even halves of surrogate pairs, which JSON can smuggle in."""
    return text.encode("utf-8", "surrogatepass")


def decode_text(data: bytes) -> str:
    """Return the text that :func:`encode_text` made bytes of."""
    return data.decode("utf-8", "surrogatepass")


def _series(report: NewReport) -> str:
    if report.study.accession:
        return f"accession:{report.study.accession}"
    if report.report_id:
        return f"report_id:{report.report_id}"
    metadata = json.dumps([asdict(report.patient), asdict(report.study)], sort_keys=True)
    return f"metadata:{hashlib.sha256(metadata.encode()).hexdigest()}"


def check_metadata(report: NewReport) -> None:
    """Raise InvalidReportError for metadata that cannot be stored; names the field, not the value."""
    fields = {
        "source": report.source,
        "report_id": report.report_id,
        "patient.id": report.patient.id,
        "patient.sex": report.patient.sex,
        "patient.pregnancy": report.patient.pregnancy,
        "study.modality": report.study.modality,
        "study.description": report.study.description,
        "study.date": report.study.date,
        "study.accession": report.study.accession,
    }
    for name, value in fields.items():
        if value is None:
            continue
        if len(value) > MAX_FIELD_CHARS:
            raise InvalidReportError(name, f"longer than {MAX_FIELD_CHARS} characters")
        # Control characters, and halves of surrogate pairs, which no database stores as text.
        if any(char < " " or "\ud800" <= char <= "\udfff" for char in value):
            raise InvalidReportError(name, "holds characters that cannot be stored")
    if not report.source:
        raise InvalidReportError("source", "is empty")
    if report.study.date is not None:
        parse_date(report.study.date)


def parse_date(value: str) -> date:
    """Return the date of an ISO 8601 string, or raise InvalidReportError."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InvalidReportError("study.date", "is not an ISO 8601 date") from None
