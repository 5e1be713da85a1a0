"""Requests that schemathesis makes of the description, right ones and wrong ones, on the real service.

`make fuzz-api-short` asks the same each time, `make fuzz-api` more, and other things each time.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from api.scopes import Scope
from tests.api.conftest import HIP_MRI
from tests.api.test_openapi import CHECKED_IN

if TYPE_CHECKING:
    from schemathesis import Case

    from tests.api.conftest import Api

EXAMPLES = int(os.environ.get("MARROW_FUZZ_API", "0"))
"""For each operation; 0 for the short run."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("MARROW_FUZZ_API" not in os.environ, reason="a minute: make fuzz-api-short"),
]
SETTINGS = settings(
    max_examples=EXAMPLES or 30,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate] if not EXAMPLES else list(Phase),
    suppress_health_check=list(HealthCheck),
)
ALWAYS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
NEEDS_LUCK = {
    ("DELETE", "/v1/reports/{id}"),
    ("DELETE", "/v1/audits/{id}"),
    ("POST", "/fhir"),
    ("POST", "/fhir/DiagnosticReport"),
    ("POST", "/v1/audits"),
    ("POST", "/v1/audits/preview"),
    ("POST", "/v1/audits/{id}/cancel"),
    ("POST", "/v1/uploads"),
    ("PATCH", "/v1/uploads/{id}"),
    ("DELETE", "/v1/uploads/{id}"),
    ("DELETE", "/v1/audits/{id}/samples/{sample}"),
    ("DELETE", "/v1/audits/{id}/samples/{sample}/items/{item}/decision"),
    ("PUT", "/v1/audits/{id}/samples/{sample}/items/{item}/verdict"),
}
"""Operations that chance does not bring to an end: an archive is no random bytes and a FHIR report
no random object, what is done cannot be cancelled, a piece has its place, and ids that others need are not given away."""
UPLOADS = "/v1/uploads"
"""Its protocol (tus) wants 412 where its version is missing, which the check takes for accepted."""
DESCRIPTION: dict[str, Any] = json.loads(CHECKED_IN.read_text("utf-8"))
OPERATIONS = [
    pytest.param(method.upper(), path, mode, id=f"{mode.value}-{method}-{path}")
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
    for mode in GenerationMode
    # What takes nothing cannot be asked wrongly.
    if mode is GenerationMode.POSITIVE or {"parameters", "requestBody"} & set(operation)
]
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)


@pytest.fixture(scope="module")
def token(api: Api) -> str:
    """A key for everything. An upload is that of the key that began it."""
    return api.key(*(scope.value for scope in Scope))


@pytest.fixture(scope="module")
def known(api: Api, token: str) -> dict[str, str]:
    """Ids that there are: a report that was read, an audit that is done, an upload that has begun."""
    api.wait_for_patterns()
    with api.anonymous() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        read = client.post("/v1/reports", json={"text": HIP_MRI, "source": "schemathesis"})
        api.desk.work()
        named = {"Content-Disposition": 'attachment; filename="a.txt"'}
        audit = client.post("/v1/audits", content=HIP_MRI.encode(), headers=named)
        api.desk.work_on_audits()
        tus = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "9",
            "Upload-Metadata": "filename YS5jc3Y=",
        }
        upload = client.post(UPLOADS, headers=tus)
        sample = client.post(f"{audit.headers['location']}/samples", json={})
    return {
        "/v1/reports/{id}": read.json()["id"],
        "/fhir/": read.json()["id"].replace("_", "-"),
        "/v1/audits/{id}": audit.json()["id"],
        "sample": sample.json()["id"],
        "/v1/uploads/{id}": upload.headers["location"].rpartition("/")[2],
    }


@pytest.mark.parametrize(("method", "path", "mode"), OPERATIONS)
def test_whatever_is_asked_is_answered_as_described(
    api: Api, token: str, known: dict[str, str], *, method: str, path: str, mode: GenerationMode
) -> None:
    operation = SCHEMA[path][method]
    is_refused = mode is GenerationMode.NEGATIVE and not path.startswith(UPLOADS)
    wanted = [*ALWAYS, checks.negative_data_rejection] if is_refused else ALWAYS
    kind = next((start for start in known if path.startswith(start)), None)
    answered: list[int] = []

    @SETTINGS
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def ask(*, case: Case[Any], is_known: bool) -> None:
        if is_known and kind is not None and method != "DELETE":
            case.path_parameters["id"] = known[kind]
            if "{sample}" in path:
                case.path_parameters["sample"] = known["sample"]
            if "{item}" in path:
                case.path_parameters["item"] = "V0001"
        headers = {"Authorization": f"Bearer {token}"} if operation.security else {}
        answer = case.call(base_url=api.url, headers=headers, timeout=60)
        answered.append(answer.status_code)
        case.validate_response(answer, headers=headers, checks=wanted)

    ask()
    if mode is GenerationMode.POSITIVE and (method, path) not in NEEDS_LUCK:
        assert any(status < 300 for status in answered), answered
