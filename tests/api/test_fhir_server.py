"""Reports into the API as FHIR R4, by a client that knows nothing but FHIR."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome

from api.problems import Code
from tests.api.conftest import HIP_MRI
from tests.standards.resources import observations, validate

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

FORMATS = Path(__file__).parents[3] / "shared" / "data" / "formats"
CANARY = "canarywordofreport"
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"value": "4711", "assigner": {"display": "ST-ELSEWHERE"}}],
    "gender": "female",
    "birthDate": "1980-05-01",
}


def resource(number: int, text: str | None = HIP_MRI, **changes: Any) -> dict[str, Any]:
    """Return a DiagnosticReport that no other test posts."""
    told = [] if text is None else [{"data": b64encode(text.encode()).decode()}]
    return {
        "resourceType": "DiagnosticReport",
        "id": f"dr-{number}",
        "identifier": [
            {"type": {"coding": [{"code": "ACSN"}]}, "value": f"D-{number}", "system": "urn:ris"}
        ],
        "status": "final",
        "code": {"text": "MRI hip left"},
        "effectiveDateTime": "2026-03-01",
        "subject": {"reference": "Patient/p1"},
        "presentedForm": [{"contentType": "text/plain", **form} for form in told],
    } | changes


def send(client: httpx.Client, body: Any, path: str = "/fhir/DiagnosticReport") -> httpx.Response:
    headers = {"Content-Type": "application/fhir+json", "Prefer": "respond-async"}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, content=content, headers=headers)


def outcome(answer: httpx.Response, status: int) -> list[dict[str, Any]]:
    """Check that an answer is an OperationOutcome without a word of ours, and return its issues."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    OperationOutcome.model_validate_json(answer.text)
    assert CANARY not in answer.text
    issues: list[dict[str, Any]] = answer.json()["issue"]
    return issues


def test_a_report_is_accepted_polled_and_there(api: Api, client: httpx.Client) -> None:
    accepted = send(client, resource(1))
    [issue] = outcome(accepted, 202)
    assert issue["severity"] == "information"
    poll = accepted.headers["content-location"]
    [issue] = outcome(client.get(poll), 202)
    assert client.get(poll).headers["x-progress"] == "queued"
    waiting = client.get(accepted.headers["location"])
    assert (waiting.status_code, waiting.json()["status"]) == (200, "registered")
    api.desk.work()
    done = client.get(poll)
    assert done.status_code == 200
    validate(done.json())
    assert done.json() == client.get(accepted.headers["location"]).json()
    assert done.json()["status"] == "preliminary"
    ours = client.get(f"/v1/reports/{done.json()['id'].replace('-', '_')}").json()
    assert (ours["report_id"], ours["source"]) == ("dr-1", "urn:ris")
    assert ours["study"]["accession"] == "D-1"
    assert ours["level"] == "stated"


def test_the_same_report_again_is_the_same_report(api: Api, client: httpx.Client) -> None:
    first, again = send(client, resource(2)), send(client, resource(2))
    api.desk.work()
    assert first.headers["location"] == again.headers["location"]


def test_a_bundle_gives_an_address_for_each_report_and_its_patient_tells_of_it(
    api: Api, client: httpx.Client
) -> None:
    entries = [PATIENT, resource(3), resource(4, text="CHEST X-RAY. Clear lungs.")]
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": one} for one in entries],
    }
    accepted = send(client, bundle, "/fhir")
    assert accepted.status_code == 202, accepted.text
    told = Bundle.model_validate_json(accepted.text)
    assert told.type == "transaction-response"
    patient, *reports = [one["response"] for one in accepted.json()["entry"]]
    assert "location" not in patient
    api.desk.work()
    levels = [client.get(one["location"]).json() for one in reports]
    assert [len(observations(one)) > 1 for one in levels] == [True, False]
    [stored] = [one for one in levels[0]["contained"] if one["resourceType"] == "Patient"]
    assert stored["identifier"] == [{"value": "4711", "assigner": {"display": "ST-ELSEWHERE"}}]
    assert stored["gender"] == "female"


def test_of_a_bundle_with_a_fault_nothing_is_stored_and_each_fault_is_pointed_at(
    client: httpx.Client,
) -> None:
    faulty = [resource(5, text=CANARY), resource(6, text=None), resource(7, text="x" * 200_001)]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": r} for r in faulty]}
    issues = outcome(send(client, bundle, "/fhir"), 422)
    assert [(one["expression"], one["details"]["text"]) for one in issues] == [
        (["Bundle.entry[1].resource"], "NO_TEXT"),
        (["Bundle.entry[2].resource"], "TOO_LONG"),
    ]
    found = client.get("/v1/reports", params={"source": "urn:ris", "page_size": 1000}).json()
    assert not [one for one in found["reports"] if one["report_id"] == "dr-5"]


@pytest.mark.parametrize(
    ("body", "path", "status", "kind"),
    [
        (b'{"resourceType": "canarywordofreport', "/fhir", 400, "structure"),
        (b"[]", "/fhir/DiagnosticReport", 422, "invalid"),
        ({"resourceType": CANARY}, "/fhir/DiagnosticReport", 422, "invalid"),
        ({"resourceType": "Bundle", "entry": []}, "/fhir", 422, "invalid"),
        (resource(8, status="entered-in-error"), "/fhir/DiagnosticReport", 422, "invalid"),
        (resource(9, id=CANARY + "x" * 2_000), "/fhir/DiagnosticReport", 422, "invalid"),
        ({}, "/fhir/Patient", 404, "not-found"),
    ],
    ids=[
        "no JSON",
        "no object",
        "another kind",
        "empty",
        "withdrawn",
        "long id",
        "no such address",
    ],
)
def test_what_is_refused_is_an_operation_outcome(
    client: httpx.Client, *, body: Any, path: str, status: int, kind: str
) -> None:
    issues = outcome(send(client, body, path), status)
    assert {(one["severity"], one["code"]) for one in issues} == {("error", kind)}


def test_keys_and_scopes_are_told_as_operation_outcomes(api: Api, client: httpx.Client) -> None:
    with api.anonymous() as stranger:
        [issue] = outcome(send(stranger, resource(10)), 401)
        assert issue["code"] == "login"
    with api.client("reports:read") as reader:
        [issue] = outcome(send(reader, resource(10)), 403)
        assert (issue["code"], issue["details"]["text"]) == ("forbidden", Code.SCOPE_MISSING)
    [issue] = outcome(client.get("/fhir/DiagnosticReport/rep-0"), 404)
    # A browser, too, reads FHIR here.
    page = client.get("/fhir/DiagnosticReport/rep-0", headers={"Accept": "text/html"})
    outcome(page, 404)


def test_without_the_scope_for_text_nothing_is_quoted(api: Api, client: httpx.Client) -> None:
    poll = send(client, resource(11)).headers["content-location"]
    api.desk.work()
    assert '"quote"' in client.get(poll).text
    with api.client("reports:read") as reader:
        assert '"quote"' not in reader.get(poll).text


def test_anyone_may_ask_what_there_is(api: Api) -> None:
    with api.anonymous() as stranger:
        answer = stranger.get("/fhir/metadata")
    statement = CapabilityStatement.model_validate_json(answer.text)
    assert (answer.status_code, statement.fhirVersion) == (200, "4.0.1")
    assert "not a diagnosis" in answer.text


@pytest.mark.skipif(not FORMATS.exists(), reason="the samples are not on this machine")
def test_real_reports_are_accepted_or_refused_with_a_reason(client: httpx.Client) -> None:
    spine = FORMATS / "fhir_va_mhv" / "DiagnosticReport-ex-MHV-imaging-0.json"
    chest = FORMATS / "fhir_us_core" / "DiagnosticReport-chest-xray-report.json"
    for file in (spine, chest):
        outcome(send(client, file.read_bytes()), 202)
    document = FORMATS / "fhir_us_core" / "DiagnosticReport-bone-density-report.json"
    [issue] = outcome(send(client, document.read_bytes()), 422)
    assert issue["details"]["text"] == "EMBEDDED_DOCUMENT"
