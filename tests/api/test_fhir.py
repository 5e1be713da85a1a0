"""Reports out of the API as FHIR R4."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from api.problems import Code
from tests.api.conftest import HIP_MRI
from tests.api.test_refusals import assert_problem
from tests.standards.resources import codes, observations, validate

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

REPORT = {
    "text": HIP_MRI,
    "source": "fhir-test",
    "report_id": "R-1",
    "patient": {"id": "P-1", "sex": "M"},
    "study": {"modality": "MR", "date": "2026-03-01", "accession": "F-1"},
}


def post(client: httpx.Client, **changes: Any) -> str:
    """Post a report and return the address of its resource."""
    answer = client.post("/v1/reports", json=REPORT | changes)
    assert answer.status_code in {200, 202}, answer.text
    return f"{answer.headers['location']}/fhir"


def test_a_report_is_registered_and_then_preliminary(api: Api, client: httpx.Client) -> None:
    address = post(client)
    waiting = client.get(address)
    assert waiting.headers["content-type"] == "application/fhir+json"
    assert waiting.headers["retry-after"] == "1"
    assert validate(waiting.json()).status == "registered"
    api.desk.work()
    done = client.get(address).json()
    validate(done)
    assert done["status"] == "preliminary"
    assert done["effectiveDateTime"] == "2026-03-01"
    assert "presentedForm" not in done
    [assessment] = [one for one in observations(done) if one["id"] == "assessment"]
    assert assessment["valueCodeableConcept"]["text"] == "stated"
    assert {"2812003"} in [
        codes(one["valueCodeableConcept"])
        for mention in observations(done)
        for one in mention.get("extension", [])
        if one["url"].endswith("site")
    ]


def test_text_and_quotes_take_the_scope_for_text(api: Api, client: httpx.Client) -> None:
    address = post(client)
    with api.client("reports:read") as reader:
        assert_problem(reader.get(address, params={"include": "text"}), Code.SCOPE_MISSING)
        plain = reader.get(address)
    assert plain.is_success
    assert "keeping" not in plain.text
    assert '"quote"' not in plain.text
    full = client.get(address, params={"include": "text"}).json()
    validate(full)
    assert b64decode(full["presentedForm"][0]["data"]).decode() == HIP_MRI


def test_a_deleted_report_is_gone(client: httpx.Client) -> None:
    address = post(client, study={"accession": "F-2"})
    client.delete(address.removesuffix("/fhir"))
    assert client.get(address).status_code == 410


def test_an_audit_gives_a_line_for_each_report_that_was_read(
    api: Api, client: httpx.Client
) -> None:
    rows = [{"id": f"R{n}", "text": HIP_MRI, "patient_id": f"P{n}"} for n in (1, 2)]
    rows.append({"id": "R3", "text": "CHEST X-RAY. Small pleural effusion.", "patient_id": "P3"})
    body = "\n".join(map(json.dumps, rows)).encode()
    names = {"Content-Disposition": 'attachment; filename="fhir.jsonl"'}
    address = client.post("/v1/audits", content=body, headers=names).json()["links"]["self"]
    assert_problem(client.get(f"{address}/fhir"), Code.AUDIT_NOT_DONE)
    api.desk.work_on_audits()
    answer = client.get(f"{address}/fhir")
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    assert "not a diagnosis" in answer.headers["marrow-notice"]
    lines = [json.loads(line) for line in answer.text.splitlines()]
    for line in lines:
        validate(line)
    assert len({line["id"] for line in lines}) == len(lines) == 3
    told = {line["identifier"][1]["value"]: len(observations(line)) for line in lines}
    assert told["R1"] == told["R2"] > told["R3"] == 2
    with api.client("audits:read", "export") as exporter:
        plain = exporter.get(f"{address}/fhir").text
    assert len(plain.splitlines()) == 3
    assert '"quote"' not in plain
    with api.client("audits:read", "text:read") as reader:
        assert_problem(reader.get(f"{address}/fhir"), Code.SCOPE_MISSING)
