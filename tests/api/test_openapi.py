"""The description is checked in, says what Marrow is not, and holds for real answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from api.problems import KINDS, Code
from tests.api.conftest import HIP_MRI

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

CHECKED_IN = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    with api.anonymous() as client:
        served: dict[str, Any] = client.get("/openapi.json").json()
    return served


def check(document: dict[str, Any], name: str, value: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft202012Validator(schema).validate(value)


def test_the_checked_in_description_is_the_served_one(document: dict[str, Any]) -> None:
    assert json.loads(CHECKED_IN.read_text()) == document, (
        "the API changed; if that is meant, run: python -m api > docs/reference/openapi.json"
    )


def test_it_says_that_it_is_no_diagnosis(document: dict[str, Any]) -> None:
    assert "a tool for search and audit, not a diagnosis" in document["info"]["description"]


def test_every_operation_describes_its_problems_and_its_keys(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            content = operation["responses"]["default"]["content"]
            if path.startswith("/fhir"):
                assert set(content) == {"application/fhir+json"}
            else:
                problem = content["application/problem+json"]
                assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert "422" not in operation["responses"]
            is_public = path.startswith("/healthz") or path == "/fhir/metadata"
            assert bool(operation.get("security")) != is_public


def test_every_code_has_its_kind() -> None:
    assert set(KINDS) == set(Code)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    names = set(document["components"]["schemas"])
    references = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "$ref":
                    references.add(str(value).rpartition("/")[2])
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert references <= names
    assert names - references <= {"Submission", "Problem"}


def test_real_answers_are_as_described(
    api: Api, client: httpx.Client, document: dict[str, Any]
) -> None:
    api.wait_for_patterns()
    body = {"text": HIP_MRI, "source": "described"}
    check(document, "Submission", body)
    posted = client.post("/v1/reports", json=body)
    check(document, "ReportView", posted.json())
    api.desk.work()
    check(document, "ReportView", client.get(posted.headers["location"]).json())
    check(document, "ReportList", client.get("/v1/reports").json())
    check(document, "Result", client.post("/v1/extract", json={"text": HIP_MRI}).json())
    check(document, "PatternsView", client.get("/v1/patterns").json())
    batch = client.post("/v1/reports", json={"reports": [body]})
    check(document, "AcceptedReports", batch.json())
    headers = {"Content-Disposition": 'attachment; filename="described.txt"'}
    audit = client.post("/v1/audits", content=HIP_MRI.encode(), headers=headers)
    check(document, "AuditView", audit.json())
    api.desk.work_on_audits()
    path = audit.headers["location"]
    check(document, "AuditView", client.get(path).json())
    check(document, "AuditList", client.get("/v1/audits").json())
    check(document, "CaseList", client.get(f"{path}/cases").json())
    check(document, "FailureList", client.get(f"{path}/failures").json())
    check(document, "Problem", client.get("/nowhere").json())
