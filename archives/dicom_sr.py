"""DICOM structured reports: one file is one report, or the reason why it is none.

pydicom reads the file (docs/decisions/0011); only what is named here is looked at, so that an image
that lies among the reports costs its header.
"""

from __future__ import annotations

import logging
import struct
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from archives import fields
from archives.dicom_tree import tree_text
from archives.files import open_bytes
from archives.model import MAX_LINE_BYTES, Entry, Refusal, SourceReport
from extractor.model import Patient, Report, Study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from pydicom import Dataset

    from archives.columns import Mapping
    from archives.files import ArchiveFile

_SR_CLASSES = "1.2.840.10008.5.1.4.1.1.88."
_ENCAPSULATED = {
    "1.2.840.10008.5.1.4.1.1.104.1": "application/pdf",
    "1.2.840.10008.5.1.4.1.1.104.2": "text/xml",
}
_WANTED = [
    "SOPClassUID", "SOPInstanceUID", "PatientID", "IssuerOfPatientID", "PatientAge",
    "PatientBirthDate", "PatientSex", "PregnancyStatus", "StudyDate", "ContentDate",
    "ContentTime", "AccessionNumber", "StudyDescription", "InstitutionName",
    "VerifyingObserverSequence", "CurrentRequestedProcedureEvidenceSequence",
    "ConceptNameCodeSequence", "ContentSequence", "ValueType",
]  # fmt: skip
_PREGNANCY = {1: "none", 3: "pregnant"}
"""(0010,21C0): 2 is possibly pregnant and 4 unknown, which are no answer."""
_IMAGE_CLASSES = {
    "MR": "MR", "CT": "CT", "Computed Radiography": "CR", "Digital X-Ray": "DX",
    "Ultrasound": "US", "Nuclear Medicine": "NM", "Positron Emission Tomography": "PT",
}  # fmt: skip
_FAULTS = (
    OSError, EOFError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError,
    AssertionError, NotImplementedError, RecursionError, struct.error,
)  # fmt: skip
"""What pydicom raises on damaged files: it converts values only when they are asked for."""


def is_dicom(head: bytes) -> bool:
    """Say whether a file begins as DICOM files do."""
    return head[128:132] == b"DICM"


def read_dicom_sr(file: ArchiveFile, mapping: Mapping) -> Iterator[Entry]:
    """Yield the one report of a DICOM file."""
    del mapping  # the standard says where everything is
    with open_bytes(file) as stream:
        if not stream.seekable():
            stream = BytesIO(stream.read(MAX_LINE_BYTES))  # noqa: PLW2901 - inflated by gzip
        yield _file_entry(stream, file.name)


def posted_entry(data: bytes) -> Entry:
    """Return the report of a document that came over the API instead of in a file."""
    return _file_entry(BytesIO(data), "")


def _file_entry(stream: BinaryIO, path: str) -> Entry:
    try:
        with warnings.catch_warnings():
            # They are about values that break the standard, and show them.
            warnings.simplefilter("ignore")
            return _entry(_load(stream), path)
    except _faults() as error:
        reason = f"The file is no DICOM or is damaged ({type(error).__name__})."
        return Refusal(path, 1, "file_unreadable", reason)


def _faults() -> tuple[type[Exception], ...]:
    """Return what a damaged file may raise; pydicom's own errors have no root in common."""
    from pydicom.errors import BytesLengthException, InvalidDicomError  # noqa: PLC0415

    return (*_FAULTS, BytesLengthException, InvalidDicomError)


def _load(stream: BinaryIO) -> Dataset:
    from pydicom import config, dcmread  # noqa: PLC0415 - a tenth of a second, for few archives

    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    config.settings.reading_validation_mode = config.IGNORE
    tags: list[Any] = list(_WANTED)
    # Forced, because files written without the preamble of 128 bytes are about.
    return dcmread(stream, stop_before_pixels=True, specific_tags=tags, force=True)


def _entry(data: Dataset, path: str) -> Entry:
    """Return the report of a structured report, or the reason why there is none."""
    document_class = _text(data, "SOPClassUID")
    if not document_class:
        return Refusal(path, 1, "file_unreadable", "The file is no DICOM.")
    if document_class in _ENCAPSULATED:
        kind = _ENCAPSULATED[document_class]
        reason = f"The report is an embedded document that is not read: {kind}."
        return Refusal(path, 1, "embedded_document", reason)
    if not document_class.startswith(_SR_CLASSES):
        reason = "The file is DICOM, but no structured report."
        return Refusal(path, 1, "not_a_structured_report", reason)
    text = tree_text(data)
    if not text.strip():
        return Refusal(path, 1, "no_text", "The content tree holds no text, code or number.")
    return _source_report(data, text, path)


def _source_report(data: Dataset, text: str, path: str) -> SourceReport:
    remarks: list[str] = []
    date = fields.parse_date(_text(data, "StudyDate"))
    content = fields.parse_moment(_text(data, "ContentDate") + _text(data, "ContentTime"))
    study = Study(
        modality=_modality(data),
        description=_text(data, "StudyDescription") or None,
        date=date or (content[:10] if content else None),
        accession=_text(data, "AccessionNumber") or None,
    )
    report = Report(
        text=text,
        report_id=_text(data, "SOPInstanceUID") or None,
        patient=_patient(data, study.date, remarks),
        study=study,
    )
    return SourceReport(
        report=report,
        path=path,
        line=1,
        source=_text(data, "InstitutionName") or "default",
        issued=_verified(data) or content,
        remarks=tuple(remarks),
    )


def _patient(data: Dataset, study_date: str | None, remarks: list[str]) -> Patient:
    """Return the patient; an age that is given is that of the examination, else it is counted."""
    number, issuer = _text(data, "PatientID"), _text(data, "IssuerOfPatientID")
    birth = _text(data, "PatientBirthDate")
    born = fields.parse_date(birth)
    if birth and born is None:
        remarks.append("birth_date_not_read")
    age = fields.age_on(born, study_date) if born and study_date else None
    if age is None:
        # 000Y is how anonymised files say nothing.
        age = fields.parse_age(_text(data, "PatientAge")) or None
    return Patient(
        id=(f"{number}^^^{issuer}" if issuer else number) or None,
        age_years=age,
        sex=fields.parse_sex(_text(data, "PatientSex")),
        pregnancy=_PREGNANCY.get(int(data.get("PregnancyStatus") or 0)),
    )


def _verified(data: Dataset) -> str | None:
    """Return when the report was last signed."""
    signed = [
        fields.parse_moment(_text(one, "VerificationDateTime"))
        for one in data.get("VerifyingObserverSequence") or []
    ]
    return max(filter(None, signed), default=None)


def _modality(data: Dataset) -> str | None:
    """Return the modality of the images that the report is about; its own is only ``SR``."""
    from pydicom.uid import UID  # noqa: PLC0415

    for study in data.get("CurrentRequestedProcedureEvidenceSequence") or []:
        for series in study.get("ReferencedSeriesSequence") or []:
            for image in series.get("ReferencedSOPSequence") or []:
                name = UID(_text(image, "ReferencedSOPClassUID")).name
                name = name.removeprefix("Legacy Converted ").removeprefix("Enhanced ")
                for start, modality in _IMAGE_CLASSES.items():
                    if name.startswith(f"{start} "):
                        return modality
    return None


def _text(data: Dataset, name: str) -> str:
    """Return an attribute as text, of several values the first, empty where it is absent."""
    value = data.get(name)
    if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue":
        value = value[0] if len(value) else ""
    return str(value or "").strip("\x00 ")
