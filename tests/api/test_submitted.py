"""Reports that are sent as they are: bare text, and DICOM structured reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.problems import Code
from tests.api.conftest import HIP_MRI
from tests.api.test_refusals import assert_problem
from tests.archives.documents import ENCAPSULATED_PDF, MR_IMAGE, dicom, document, item, text

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

SHARED = Path(__file__).parents[3] / "shared/data/formats/dicom_sr"
FINDINGS = item("CONTAINER", "Findings", text("Finding", "Marrow oedema, Hüfte links."))
PATHS = ["/v1/reports", "/v1/extract"]


def send(client: httpx.Client, path: str, body: bytes, media_type: str) -> httpx.Response:
    return client.post(path, content=body, headers={"Content-Type": media_type})


def test_bare_text_is_stored_untouched(api: Api, client: httpx.Client) -> None:
    words = f"\ufeff{HIP_MRI}\r\n\tZwölf Boxkämpfer.\n"
    answer = send(client, "/v1/reports", words.encode(), "text/plain; charset=utf-8")
    assert answer.status_code == 202
    api.desk.work()
    stored = client.get(answer.headers["location"], params={"include": "text"}).json()
    assert stored["text"] == words
    for mention in stored["result"]["mentions"]:
        assert words[mention["start"] : mention["end"]] == mention["quote"]
    assert stored["result"]["assessment"]["level"] == "stated"


def test_bare_text_is_decoded_by_its_charset(api: Api, client: httpx.Client) -> None:
    api.wait_for_patterns()
    body = "Ödem? Marrow oedema of the left femoral head.".encode("latin-1")
    answer = send(client, "/v1/extract", body, "text/plain;charset=ISO-8859-1")
    assert answer.status_code == 200
    assert [one["start"] for one in answer.json()["mentions"]] == [6]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "media_type", ["text/plain", "text/plain; charset=ascii", "text/plain; charset=ZZPHI", "text/plain; charset=hex"]
)  # fmt: skip
def test_bytes_that_are_no_such_text_are_refused(
    client: httpx.Client, path: str, media_type: str
) -> None:
    assert_problem(send(client, path, b"ZZPHI \xff", media_type), Code.INVALID_UNICODE)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "code"), [(b"", "TOO_SHORT"), (b" \r\n", "TEXT_EMPTY"), (b"ZZPHI\0", "NUL_CHARACTER")]
)
def test_a_text_is_checked_as_in_json(
    client: httpx.Client, path: str, body: bytes, code: str
) -> None:
    problem = assert_problem(send(client, path, body, "text/plain"), Code.VALIDATION_FAILED)
    assert [one["code"] for one in problem["errors"]] == [code]


def test_a_structured_report_tells_patient_and_study(api: Api, client: httpx.Client) -> None:
    body = dicom(document(FINDINGS, AccessionNumber="SR-1", InstitutionName="Submitted"))
    answer = send(client, "/v1/reports", body, "application/dicom")
    assert answer.status_code == 202
    api.desk.work()
    stored = client.get(answer.headers["location"], params={"include": "text"}).json()
    assert stored["text"] == "Findings:\nMarrow oedema, Hüfte links."
    assert (stored["source"], stored["study"]["accession"]) == ("Submitted", "SR-1")
    assert (stored["study"]["description"], stored["patient"]["age_years"]) == ("MRI HIP LEFT", 46)
    [mention] = stored["result"]["mentions"]
    assert (mention["quote"], mention["laterality"]) == ("Marrow oedema", "left")
    again = send(client, "/v1/reports", body, "application/dicom")
    assert again.json()["id"] == stored["id"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"ZZPHI", "FILE_UNREADABLE"),
        (dicom(document(FINDINGS, sop_class=MR_IMAGE)), "NOT_A_STRUCTURED_REPORT"),
        (dicom(document(FINDINGS, sop_class=ENCAPSULATED_PDF)), "EMBEDDED_DOCUMENT"),
        (dicom(document()), "NO_TEXT"),
    ],
)
def test_what_is_no_structured_report_is_refused_with_its_reason(
    client: httpx.Client, path: str, body: bytes, code: str
) -> None:
    problem = assert_problem(send(client, path, body, "application/dicom"), Code.VALIDATION_FAILED)
    assert [one["code"] for one in problem["errors"]] == [code]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared sample files are not here")
def test_every_real_document_is_read_or_refused(api: Api, client: httpx.Client) -> None:
    api.wait_for_patterns()
    files = sorted(path for path in SHARED.rglob("*") if path.is_file() and path.suffix == ".dcm")
    answers = {
        path.name: send(client, "/v1/extract", path.read_bytes(), "application/dicom").status_code
        for path in files
    }
    assert answers
    assert set(answers.values()) <= {200, 422}
    assert 200 in answers.values()
