"""Requests that schemathesis makes of the description, right ones and wrong ones, on the real service.

The short run is the same each time; `make fuzz-api` makes more, and others (MARROW_FUZZ_EXAMPLES).
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

from tests.api.conftest import HIP_MRI
from tests.api.test_openapi import CHECKED_IN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

    from tests.api.conftest import Api

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("MARROW_FUZZ_EXAMPLES", "0"))
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
NEEDS_LUCK = {("DELETE", "/v1/reports/{id}"), ("DELETE", "/v1/audits/{id}")}
"""Operations whose ids are not given away, as others need them."""
DESCRIPTION: dict[str, Any] = json.loads(CHECKED_IN.read_text("utf-8"))
OPERATIONS = [
    pytest.param(method.upper(), path, mode, id=f"{mode.value}-{method}-{path}")
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
    for mode in GenerationMode
    # What takes nothing cannot be asked wrongly.
    if mode is GenerationMode.POSITIVE or {"parameters", "requestBody"} & set(operation)
]
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)


@pytest.fixture(scope="module")
def known(api: Api) -> Iterator[dict[str, str]]:
    """Ids that there are: one report that was read, one audit that is done."""
    api.wait_for_patterns()
    with api.client() as client:
        read = client.post("/v1/reports", json={"text": HIP_MRI, "source": "schemathesis"})
        api.desk.work()
        named = {"Content-Disposition": 'attachment; filename="a.txt"'}
        audit = client.post("/v1/audits", content=HIP_MRI.encode(), headers=named)
        api.desk.work_on_audits()
    yield {"/v1/reports/{id}": read.json()["id"], "/v1/audits/{id}": audit.json()["id"]}


@pytest.mark.parametrize(("method", "path", "mode"), OPERATIONS)
def test_whatever_is_asked_is_answered_as_described(
    api: Api, known: dict[str, str], *, method: str, path: str, mode: GenerationMode
) -> None:
    operation = SCHEMA[path][method]
    wanted = [*ALWAYS, checks.negative_data_rejection] if mode is GenerationMode.NEGATIVE else ALWAYS
    token = api.key(*_scopes())
    kind = next((start for start in known if path.startswith(start)), None)
    answered: list[int] = []

    @SETTINGS
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def ask(*, case: Case, is_known: bool) -> None:
        if is_known and kind is not None and method != "DELETE":
            case.path_parameters["id"] = known[kind]
        headers = {"Authorization": f"Bearer {token}"} if operation.security else {}
        answer = case.call(base_url=api.url, headers=headers, timeout=60)
        answered.append(answer.status_code)
        case.validate_response(answer, headers=headers, checks=wanted)

    ask()
    if mode is GenerationMode.POSITIVE and (method, path) not in NEEDS_LUCK:
        assert any(status < 300 for status in answered), answered


def _scopes() -> tuple[str, ...]:
    from api.scopes import Scope

    return tuple(scope.value for scope in Scope)
