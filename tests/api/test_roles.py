"""Every route, every role, and a stranger: who gets in is what this one table says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from api.roles import SCOPES, Role, role_of
from api.scopes import Scope
from tests.api.conftest import HIP_MRI
from tests.problem_codes import problem_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.api.conftest import Api

LETTERS = {
    "s": Role.SUBMITTER,
    "v": Role.VIEWER,
    "r": Role.REVIEWER,
    "n": Role.ANALYST,
    "a": Role.ADMIN,
    "u": Role.AUDITOR,
    "o": Role.OPERATOR,
}
EVERYONE = "svrnauo"
OPEN = EVERYONE + "-"
"""``-`` is who has no key at all."""
WHO_MAY = {
    "GET /healthz/live": OPEN,
    "GET /healthz/ready": OPEN,
    "GET /openapi.json": OPEN,
    "GET /static/{name}": OPEN,
    "POST /v1/reports": "sa",
    "GET /v1/reports": "svrna",
    "GET /v1/reports/{id}": "svrna",
    "GET /v1/reports/{id}?include=text": "rna",
    "GET /v1/reports/{id}/fhir": "svrna",
    "DELETE /v1/reports/{id}": "a",
    "POST /v1/extract": "rna",
    "GET /v1/patterns": "svrna",
    "POST /v1/audits": "na",
    "POST /v1/audits/preview": "na",
    "GET /v1/audits": "vrna",
    "GET /v1/audits/{id}": "vrna",
    "DELETE /v1/audits/{id}": "a",
    "GET /v1/audits/{id}/events": "vrna",
    "POST /v1/audits/{id}/cancel": "na",
    "GET /v1/audits/{id}/cases": "vrna",
    "GET /v1/audits/{id}/cases?format=csv": "na",
    "GET /v1/audits/{id}/failures": "vrna",
    "GET /v1/audits/{id}/results": "na",
    "GET /v1/audits/{id}/results?table=mentions": "na",
    "GET /v1/audits/{id}/fhir": "na",
    "GET /v1/audits/{id}/report": "rna",
    "GET /v1/audits/{id}/files/{file}": "na",
    "POST /v1/audits/{id}/samples": "na",
    "GET /v1/audits/{id}/samples": "vrna",
    "GET /v1/audits/{id}/samples/{sample}": "vrna",
    "DELETE /v1/audits/{id}/samples/{sample}": "a",
    "GET /v1/audits/{id}/samples/{sample}/items": "rna",
    "GET /v1/audits/{id}/samples/{sample}/items/{item}": "rna",
    "PUT /v1/audits/{id}/samples/{sample}/items/{item}/decision": "rna",
    "DELETE /v1/audits/{id}/samples/{sample}/items/{item}/decision": "rna",
    "PUT /v1/audits/{id}/samples/{sample}/items/{item}/verdict": "rna",
    "GET /v1/audits/{id}/samples/{sample}/disagreements": "rna",
    "GET /v1/audits/{id}/samples/{sample}/validation": "vrna",
    "OPTIONS /v1/uploads": "na",
    "POST /v1/uploads": "na",
    "HEAD /v1/uploads/{id}": "na",
    "PATCH /v1/uploads/{id}": "na",
    "DELETE /v1/uploads/{id}": "na",
    "GET /fhir/metadata": OPEN,
    "POST /fhir": "sa",
    "POST /fhir/DiagnosticReport": "sa",
    "GET /fhir/DiagnosticReport/{id}": "svrna",
    "GET /fhir/async/{id}": "svrna",
    "GET /v1/access-log": "au",
    "GET /v1/access-log/head": "au",
    "GET /v1/operations": "ao",
    "POST /v1/operations/requeue": "ao",
    "GET /metrics": "ao",
    "GET /operations": "ao",
    "POST /operations/requeue": "ao",
    "GET /access-log": "au",
    "GET /": EVERYONE,
    "GET /sign-in": OPEN,
    "POST /sign-in": OPEN,
    "GET /sign-in/oidc": OPEN,
    "GET /sign-in/oidc/callback": OPEN,
    "POST /sign-out": EVERYONE,
    "GET /sessions": EVERYONE,
    "POST /sessions/{id}/end": EVERYONE,
    "GET /try": "rna",
    "POST /try": "rna",
    "GET /reports": "svrna",
    "GET /reports.csv": "na",
    "GET /reports.json": "svrna",
    "GET /reports/{id}": "svrna",
    "GET /audits": "vrna",
    "POST /audits": "na",
    "POST /audits/uploads": "na",
    "GET /audits/new": "na",
    "POST /audits/new": "na",
    "GET /audits/{id}": "vrna",
    "POST /audits/{id}/cancel": "na",
    "POST /audits/{id}/delete": "a",
    "GET /audits/{id}/figures/{name}": "vrna",
    "GET /audits/{id}/files/{file}": "na",
    "GET /audits/{id}/cases": "vrna",
    "GET /audits/{id}/cases.json": "vrna",
    "GET /audits/{id}/cases/{number}": "vrna",
    "GET /audits/{id}/failures": "vrna",
    "GET /audits/{id}/patients": "vrna",
    "GET /audits/{id}/patients/{row}": "vrna",
    "GET /audits/{id}/patients/{row}/timeline.svg": "vrna",
    "GET /audits/{id}/review": "vrna",
    "POST /audits/{id}/review": "na",
    "GET /audits/{id}/review/{sample}": "rna",
    "POST /audits/{id}/review/{sample}/decisions": "rna",
    "POST /audits/{id}/review/{sample}/undo": "rna",
    "GET /audits/{id}/review/{sample}/disagreements": "rna",
    "POST /audits/{id}/review/{sample}/verdicts": "rna",
    "GET /audits/{id}/review/{sample}/validation": "vrna",
}
PLACES = {"{id}": "none_0", "{file}": "summary.json", "{name}": "marrow.css"}


def routes(api: Api) -> Iterator[str]:
    for context in iter_route_contexts(api.app.routes):
        route = context.original_route
        assert isinstance(route, APIRoute)
        yield from (f"{method} {route.path}" for method in route.methods or ())


def test_every_route_is_in_the_table_and_no_other(api: Api) -> None:
    assert {route.partition("?")[0] for route in WHO_MAY} == set(routes(api))


def test_each_role_opens_what_the_table_says_and_nothing_else(api: Api) -> None:
    found = {}
    for letter in OPEN:
        with _client(api, letter) as client:
            for route in WHO_MAY:
                found[route, letter] = _answer(client, route)
    assert found == {
        (route, letter): "in" if letter in who else "no key" if letter == "-" else "no right"
        for route, who in WHO_MAY.items()
        for letter in OPEN
    }


def _client(api: Api, letter: str) -> httpx.Client:
    return api.anonymous() if letter == "-" else api.client(*SCOPES[LETTERS[letter]])


def _answer(client: httpx.Client, route: str) -> str:
    """Ask for something that is not there, in a way that is read only behind the check."""
    method, path = route.split()
    for place, value in PLACES.items():
        path = path.replace(place, value)
    headers = {"Tus-Resumable": "1.0.0", "Sec-Fetch-Site": "same-origin"}
    answer = client.request(method, path, headers=headers)
    if method == "HEAD":  # no body tells the code
        codes = {401: "no key", 403: "no right"}
        return codes.get(answer.status_code, "in")
    if answer.status_code not in {401, 403}:
        return "in"
    return {"KEY_MISSING": "no key", "SCOPE_MISSING": "no right"}[str(problem_code(answer))]


@pytest.fixture
def read(api: Api, client: httpx.Client) -> str:
    """The address of a report that was read."""
    answer = client.post("/v1/reports", json={"text": HIP_MRI, "report_id": "ROLES-1"})
    if answer.json()["state"] == "queued":
        api.desk.work()
    return str(answer.headers["location"])


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SUBMITTER])
def test_who_may_not_read_text_gets_no_word_of_a_report(api: Api, read: str, role: Role) -> None:
    with api.client(*SCOPES[role]) as client:
        answer = client.get(read)
        page = client.get(read.removeprefix("/v1"), headers={"Accept": "text/html"})
    mentions = answer.json()["result"]["mentions"]
    assert "marrow_oedema" in {mention["finding"] for mention in mentions}
    assert {mention["quote"] for mention in mentions} == {""}
    assert all(mention["end"] > mention["start"] for mention in mentions)
    for words in ("bone marrow oedema", "in keeping with", "CLINICAL HISTORY", "Moderate joint"):
        assert words in HIP_MRI
        assert words not in answer.text
        assert words not in page.text


def test_a_reviewer_reads_text_only_with_the_scope_for_it(api: Api, read: str) -> None:
    with api.client(*SCOPES[Role.REVIEWER]) as client:
        assert client.get(read, params={"include": "text"}).json()["text"] == HIP_MRI
        assert "bone marrow oedema" in client.get(read).text
    with api.client(*(SCOPES[Role.REVIEWER] - {Scope.TEXT_READ})) as client:
        assert client.get(read, params={"include": "text"}).status_code == 403
        assert "bone marrow oedema" not in client.get(read).text


def test_every_scope_belongs_to_a_role_and_each_role_is_told_by_its_scopes() -> None:
    for role, scopes in SCOPES.items():
        assert role_of(scopes) is role
    assert role_of([Scope.EXPORT]) is None
    assert set(SCOPES) == set(Role)
