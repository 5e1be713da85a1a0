from __future__ import annotations

import gzip
import random
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from archives import Refusal, SourceReport, read
from tests.archives.entries import codes, only, read_bytes, texts

FORMATS = Path(__file__).parents[3] / "shared/data/formats/dicom_sr"

BASIC_TEXT = "1.2.840.10008.5.1.4.1.1.88.11"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def code(meaning: str, value: str = "1") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "99TEST", meaning
    return [item]


def item(
    kind: str, name: str, *children: Dataset, relation: str = "CONTAINS", **values: Any
) -> Dataset:
    content = Dataset()
    content.ValueType, content.RelationshipType = kind, relation
    if name:
        content.ConceptNameCodeSequence = code(name, values.pop("value", "1"))
    for attribute, value in values.items():
        setattr(content, attribute, value)
    if children:
        content.ContentSequence = list(children)
    return content


def text(name: str, value: str, *children: Dataset, **values: Any) -> Dataset:
    return item("TEXT", name, *children, TextValue=value, **values)


def coded(name: str, meaning: str, *children: Dataset, **values: Any) -> Dataset:
    return item("CODE", name, *children, ConceptCodeSequence=code(meaning), **values)


def number(name: str, value: str, unit: str, **values: Any) -> Dataset:
    units = Dataset()
    units.CodeValue, units.CodeMeaning = unit, unit
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = value, [units]
    return item("NUM", name, MeasuredValueSequence=[measured], **values)


def document(*content: Dataset, sop_class: str = BASIC_TEXT, **attributes: Any) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    data.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = sop_class, "1.2.3", "SR"
    data.SpecificCharacterSet = "ISO_IR 192"
    values = {
        "PatientID": "55012", "IssuerOfPatientID": "NORTHGATE", "PatientBirthDate": "19740312",
        "PatientSex": "F", "StudyDate": "20210304", "ContentDate": "20210305",
        "ContentTime": "101500.25", "AccessionNumber": "ACC77", "InstitutionName": "Northgate",
        "StudyDescription": "MRI HIP LEFT", **attributes,
    }  # fmt: skip
    for name, value in values.items():
        setattr(data, name, value)
    data.ValueType = "CONTAINER"
    data.ConceptNameCodeSequence = code("Imaging Report")
    data.ContentSequence = list(content)
    return data


def dicom(data: Dataset) -> bytes:
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def read_document(tmp_path: Path, data: Dataset) -> list[Any]:
    return read_bytes(tmp_path, "report.dcm", dicom(data))


FINDINGS = item("CONTAINER", "Findings", text("Finding", "Marrow oedema, Hüfte links."))


def test_a_document_gives_text_patient_and_study(tmp_path: Path) -> None:
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = MR_IMAGE, "1.2.4"
    series, study = Dataset(), Dataset()
    series.ReferencedSOPSequence, series.SeriesInstanceUID = [image], "1.2.5"
    study.ReferencedSeriesSequence, study.StudyInstanceUID = [series], "1.2.6"
    data = document(FINDINGS, CurrentRequestedProcedureEvidenceSequence=[study], PregnancyStatus=3)
    entry = only(read_document(tmp_path, data))
    assert entry.report.text == "Findings:\nMarrow oedema, Hüfte links."
    patient = entry.report.patient
    assert (patient.id, patient.age_years, patient.sex) == ("55012^^^NORTHGATE", 46, "F")
    assert patient.pregnancy == "pregnant"
    found = entry.report.study
    assert (found.accession, found.date, found.modality) == ("ACC77", "2021-03-04", "MR")
    assert found.description == "MRI HIP LEFT"
    assert (entry.source, entry.issued) == ("Northgate", "2021-03-05T10:15:00")
    assert entry.report.report_id == "1.2.3"


def test_a_signature_dates_the_version(tmp_path: Path) -> None:
    signer = Dataset()
    signer.VerifyingObserverName, signer.VerificationDateTime = "EXAMPLE", "20210306080000"
    entry = only(read_document(tmp_path, document(FINDINGS, VerifyingObserverSequence=[signer])))
    assert entry.issued == "2021-03-06T08:00:00"


def test_the_tree_is_a_text_with_headings(tmp_path: Path) -> None:
    tree = [
        coded("Language", "English", value="121049", relation="HAS CONCEPT MOD"),
        text("Observer", "DR EXAMPLE", relation="HAS OBS CONTEXT"),
        item("CONTAINER", "Image Library", item("IMAGE", "")),
        item(
            "CONTAINER",
            "Findings",
            coded(
                "Finding",
                "Joint effusion",
                coded("Laterality", "Left", relation="HAS CONCEPT MOD"),
            ),
            number("Depth", "7", "mm"),
            text("Comment", "One line.\r\nAnother."),
            item("CONTAINER", "Neck", text("", "Intact.")),
        ),
        item(
            "CONTAINER",
            "Impressions",
            text("Impression", "ITOH.", text("Reason", "Oedema.", relation="INFERRED FROM")),
        ),
    ]
    assert texts(read_document(tmp_path, document(*tree))) == [
        "Findings:\nJoint effusion (Laterality: Left)\nDepth: 7 mm\nComment:\nOne line.\nAnother.\n\nNeck:\nIntact.\n\nImpressions:\nITOH.\nReason: Oedema."
    ]


def test_an_age_that_is_given_counts_where_no_birth_date_is(tmp_path: Path) -> None:
    data = document(FINDINGS, PatientBirthDate="", PatientAge="047Y")
    assert only(read_document(tmp_path, data)).report.patient.age_years == 47
    anonymous = document(FINDINGS, PatientBirthDate="", PatientAge="000Y")
    assert only(read_document(tmp_path, anonymous)).report.patient.age_years is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (document(FINDINGS, sop_class=MR_IMAGE), "not_a_structured_report"),
        (document(sop_class=ENCAPSULATED_PDF), "embedded_document"),
        (document(), "no_text"),
        (document(item("CONTAINER", "Findings", item("IMAGE", "Key"))), "no_text"),
    ],
    ids=["image", "pdf", "empty", "pictures only"],
)
def test_what_holds_no_text_is_refused_with_the_reason(
    tmp_path: Path, data: Dataset, code: str
) -> None:
    assert codes(read_document(tmp_path, data)) == [code]


def test_a_document_is_known_by_its_first_bytes_and_through_gzip(tmp_path: Path) -> None:
    data = dicom(document(FINDINGS))
    for name, written in (("1.2.3", data), ("IM000001", data), ("r.dcm.gz", gzip.compress(data))):
        assert codes(read_bytes(tmp_path, name, written)) == ["report"]


def test_a_tree_without_end_is_read_so_far(tmp_path: Path) -> None:
    deep = text("", "End.")
    for _ in range(150):
        deep = item("CONTAINER", "", deep)
    entries = read_document(tmp_path, document(text("Finding", "Fine."), deep))
    assert texts(entries) == ["Finding: Fine."]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_damaged_file_is_a_report_or_a_refusal_and_nothing_else(
    tmp_path: Path, syntax: UID, capfd: pytest.CaptureFixture[str]
) -> None:
    data = document(FINDINGS, number_tree())
    data.file_meta.TransferSyntaxUID = syntax
    whole = dicom(data)
    dice = random.Random(7)  # noqa: S311 - no secret
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(dice.randrange(1, 6)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        if dice.random() < 0.3:
            del damaged[dice.randrange(len(damaged)) :]
        (entry,) = read_bytes(tmp_path, "report.dcm", bytes(damaged))
        assert isinstance(entry, SourceReport | Refusal)
    assert capfd.readouterr() == ("", "")


def number_tree() -> Dataset:
    return item("CONTAINER", "Measurements", number("Depth", "7.5", "mm"), coded("Side", "Left"))


@pytest.mark.skipif(not FORMATS.exists(), reason="the shared sample files are not here")
def test_public_examples_are_all_read() -> None:
    entries = list(read([FORMATS]))
    assert codes(entries) == ["report"] * 5
    assert all("Person Observer" not in text and "Foo" not in text for text in texts(entries))
    assert "Code:\nSample Text\nA\nB\nC" in texts(entries)[-1]
