"""DICOM structured reports written by hand for the tests; no person in them exists."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

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
