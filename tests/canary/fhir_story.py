"""Reports that come and go as FHIR resources, with marks wherever a resource holds words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.archives.resources import attachment
from tests.archives.resources import report as fhir_report
from tests.canary.marks import Mark

if TYPE_CHECKING:
    import httpx

    from tests.canary.exchanges import Recorder

_ONE = "/fhir/DiagnosticReport"


def tell(recorder: Recorder, text: str) -> None:
    """Post a resource and a bundle, each once as it should be and once not; ask for what came of them."""
    recorder.ask("GET", "/fhir/metadata", with_key=False)
    posted = _send(recorder, _ONE, _resource(text, 1))
    assert posted.status_code == 202, posted.text
    recorder.ask("GET", "/fhir/async/{id}", path=_path(posted.headers["content-location"]))
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {
                "resource": _resource(text, 2),
                "request": {"method": "POST", "url": "DiagnosticReport"},
            }
        ],
    }
    answer = _send(recorder, "/fhir", bundle)
    assert answer.status_code == 202, answer.text
    for wrong in (
        _resource(text, 4) | {"presentedForm": [{"contentType": Mark.VALUE.word, "data": "!"}]},
        {"resourceType": Mark.VALUE.word},
    ):
        for route, body in ((_ONE, wrong), ("/fhir", bundle | {"entry": [{"resource": wrong}]})):
            refused = _send(recorder, route, body)
            assert refused.status_code == 422, refused.text


def look(recorder: Recorder, reports: list[str]) -> None:
    """Ask for reports as resources, by each of the two addresses that they have."""
    for id_ in reports:
        recorder.ask("GET", "/v1/reports/{id}/fhir", path=f"/v1/reports/{id_}/fhir")
        include = {"include": "text"}
        recorder.ask("GET", "/v1/reports/{id}/fhir", path=f"/v1/reports/{id_}/fhir", params=include)
        fhir_id = id_.replace("_", "-")
        recorder.ask("GET", f"{_ONE}/{{id}}", path=f"{_ONE}/{fhir_id}")
        recorder.ask("GET", "/fhir/async/{id}", path=f"/fhir/async/{fhir_id}")


def _resource(text: str, number: int) -> dict[str, Any]:
    return fhir_report(
        presentedForm=[attachment(f"{text} Of FHIR, {number}.")],
        identifier=[
            {
                "type": {"coding": [{"code": "ACSN"}]},
                "value": f"{Mark.ACCESSION.word}-fhir-{number}",
            }
        ],
        code={"text": f"MRI HIP {Mark.DESCRIPTION.word}"},
        subject={"identifier": {"value": Mark.PATIENT_ID.word}},
    )


def _send(recorder: Recorder, route: str, body: dict[str, Any]) -> httpx.Response:
    headers = {"Content-Type": "application/fhir+json", "Prefer": "respond-async"}
    return recorder.ask("POST", route, content=json.dumps(body).encode(), headers=headers)


def _path(address: str) -> str:
    return address[address.index("/fhir/") :]
