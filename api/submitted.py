"""What is posted to be read: JSON as the schema says it, a report's bare text, or a DICOM SR document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message

from fastapi import Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.body import JsonBody
from api.posted import TextTooLongError, new_report
from api.problems import Code, FieldError, Problem
from api.schemas import EXTRACT, FIELDS, SUBMISSION, ReportIn, ReportsIn
from api.validation import body_errors, failed
from archives import Refusal
from archives.dicom_sr import posted_entry
from extractor.model import Report
from storage.model import NewReport

TEXT, DICOM = "text/plain", "application/dicom"
OTHER_TYPES = (TEXT, DICOM)
"""Media types that are read beside JSON."""
_SUBMISSION = JsonBody(SUBMISSION, tagged=True, also=OTHER_TYPES)
_EXTRACT = JsonBody(EXTRACT, also=OTHER_TYPES)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The reports of one request."""

    reports: Sequence[NewReport]
    is_list: bool = False
    """They came as a list, which is answered by one."""


async def submitted(request: Request) -> Submitted:
    """Return the reports that are posted to be stored. Raises Problem."""
    other = await _other(request)
    if other is not None:
        return Submitted([other])
    posted = await _SUBMISSION(request)
    if isinstance(posted, ReportsIn):
        return Submitted([one.to_new_report() for one in posted.reports], is_list=True)
    return Submitted([posted.to_new_report()])


async def to_extract(request: Request) -> Report:
    """Return the report that is posted to be read at once. Raises Problem."""
    other = await _other(request)
    if other is None:
        return (await _EXTRACT(request)).to_report()
    return Report(other.text, other.report_id, patient=other.patient, study=other.study)


async def _other(request: Request) -> NewReport | None:
    """Return the report of a body that is no JSON; ``None`` where it should be."""
    content = Message()
    content["content-type"] = request.headers.get("content-type", "")
    # Not `get_content_type`, for which everything unheard-of is plain text.
    media_type = content["content-type"].partition(";")[0].strip().lower()
    if media_type == TEXT:
        return _of_text(await request.body(), content.get_content_charset("utf-8"))
    if media_type == DICOM:
        return await run_in_threadpool(_of_dicom, await request.body())
    return None


def _of_text(body: bytes, charset: str) -> NewReport:
    try:
        text = body.decode(charset)
    except (ValueError, LookupError):
        detail = "The body is not text in the `charset` of its `Content-Type` (UTF-8 without one)."
        raise Problem(Code.INVALID_UNICODE, detail) from None
    try:
        return ReportIn(text=text).to_new_report()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    # Outside of the handler: the chain of a pydantic error would carry the body along.
    errors = body_errors(found, FIELDS)
    raise failed([FieldError(one.code, one.detail, pointer="") for one in errors])


def _of_dicom(body: bytes) -> NewReport:
    entry = posted_entry(body)
    if isinstance(entry, Refusal):
        raise failed([FieldError(entry.code.upper(), entry.detail, pointer="")])
    try:
        return new_report(entry)
    except TextTooLongError as error:
        fault = FieldError("TOO_LONG", str(error), pointer="")
    raise failed([fault])
