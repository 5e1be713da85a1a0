r"""Halves of characters, which JSON can write (``\ud800``) and no file, table or database holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from archives.model import SourceReport


def storable(source: SourceReport) -> SourceReport:
    """Return the report with U+FFFD for each half of a character, so that offsets stay."""
    report = source.report
    strings = (
        report.text, report.report_id, report.patient.id, report.study.description,
        report.study.accession, source.source,
    )  # fmt: skip
    if all(text is None or _is_whole(text) for text in strings):
        return source
    return replace(
        source,
        source=_mended(source.source),
        remarks=(*source.remarks, "characters_replaced"),
        report=replace(
            report,
            text=_mended(report.text),
            report_id=_mended(report.report_id),
            patient=replace(report.patient, id=_mended(report.patient.id)),
            study=replace(
                report.study,
                description=_mended(report.study.description),
                accession=_mended(report.study.accession),
            ),
        ),
    )


def _is_whole(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@overload
def _mended(text: str) -> str: ...
@overload
def _mended(text: None) -> None: ...
def _mended(text: str | None) -> str | None:
    if text is None:
        return None
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
