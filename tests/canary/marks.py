"""Words that stand nowhere but in what the canary sends, and the search for them.

Each has the kind of place in its name that it was sent in, so that one which is found where it must
not be says at once how it came there. Letters and digits only: no escaping changes them.
"""

from __future__ import annotations

import base64
import re
from enum import StrEnum

_PREFIX = "qzcanary"
_END = "x7k"


class Mark(StrEnum):
    """A kind of place in which something of a patient may be sent."""

    TEXT = "text"
    HEADING = "heading"
    """Where a report has the title of a section: titles are part of a result."""
    REPORT_ID = "reportid"
    PATIENT_ID = "patientid"
    ACCESSION = "accession"
    DESCRIPTION = "description"
    SOURCE = "source"
    FIELD = "field"
    """The name of a field that there is not."""
    VALUE = "value"
    """A value of a wrong type or form."""
    BODY = "body"
    """A body that is no JSON, no UTF-8, too long or of another kind."""
    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    IDEMPOTENCY = "idempotency"
    FILE_NAME = "filename"
    MEMBER = "member"
    """The name of a file in a zip or a folder."""
    COLUMN = "column"
    ROW = "row"
    """In a row that cannot be read."""
    LEAK_LOG = "leaklog"
    LEAK_BROKER = "leakbroker"
    LEAK_PROBLEM = "leakproblem"
    LEAK_FILE = "leakfile"

    @property
    def word(self) -> str:
        """The word itself."""
        return f"{_PREFIX}{self.value}{_END}"


PLANTED = frozenset({Mark.LEAK_LOG, Mark.LEAK_BROKER, Mark.LEAK_PROBLEM, Mark.LEAK_FILE})
"""Those that the canary leaks itself, to see that it is heard."""
_PLAIN = re.compile(rb"qzcanary([a-z]+?)x7k", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){12,}")


def found_in(data: bytes | str) -> set[Mark]:
    """Return the marks in ``data``: as they are, in UTF-16, in base64 or in hexadecimal digits.

    Celery's messages are base64 within JSON: who looks for plain words would not find them there.
    """
    raw = data.encode() if isinstance(data, str) else data
    marks = _plain(raw) | _plain(raw.replace(b"\0", b""))
    for run in _BASE64.findall(raw):
        # A run may begin anywhere in a group of four.
        marks.update(*(_plain(_decoded(run[start:])) for start in range(4)))
    for run in _HEX.findall(raw):
        marks |= _plain(bytes.fromhex(run.decode()))
    return marks


def _plain(data: bytes) -> set[Mark]:
    kinds = {match.decode().lower() for match in _PLAIN.findall(data)}
    return {mark for mark in Mark if mark.value in kinds}


def _decoded(run: bytes) -> bytes:
    whole = run.rstrip(b"=")
    whole = whole[: len(whole) // 4 * 4]
    return base64.b64decode(whole, altchars=b"-_" if set(whole) & set(b"-_") else None)
