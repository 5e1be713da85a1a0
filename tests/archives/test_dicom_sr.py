from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from archives import Refusal, SourceReport, read
from tests.archives.documents import (
    ENCAPSULATED_PDF,
    MR_IMAGE,
    coded,
    dicom,
    document,
    item,
    number,
    text,
)
from tests.archives.entries import codes, only, read_bytes, texts

FORMATS = Path(__file__).parents[3] / "shared/data/formats/dicom_sr"


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
