"""Every route says who may use it, and what a key leaves behind is only what it has to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fastapi.routing import APIRoute, iter_route_contexts

from api.scopes import Scope
from api.security import ANY_KEY, PUBLIC, Needs
from storage import keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from tests.api.conftest import Api


def scopes_by_route(app: FastAPI) -> Iterator[tuple[str, set[Scope]]]:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        assert isinstance(route, APIRoute), route
        needed = {
            dependency.call.scope
            for dependency in route.dependant.dependencies
            if isinstance(dependency.call, Needs)
        }
        yield route.path, needed


def test_every_route_has_a_scope_or_is_public(api: Api) -> None:
    found = list(scopes_by_route(api.app))
    assert len(found) >= 19
    for path, needed in found:
        assert bool(needed) != (path in PUBLIC | ANY_KEY), path
    assert {path for path, _ in found} >= PUBLIC | ANY_KEY


def test_what_any_key_opens_is_closed_without_one(api: Api) -> None:
    with api.anonymous() as client:
        for path in ANY_KEY:
            method = "GET" if path in {"/", "/sessions"} else "POST"
            headers = {"Sec-Fetch-Site": "same-origin"}
            assert client.request(method, path, headers=headers).status_code == 401, path


def test_expired_and_revoked_keys_look_like_unknown_ones(api: Api) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    with api.database.begin() as conn:
        expired = keys.create(conn, api.pepper, name="x", scopes=Scope, expires_at=past)
        revoked = keys.create(conn, api.pepper, name="x", scopes=Scope)
        keys.revoke(conn, revoked.key.id)
    answers = []
    with api.anonymous() as client:
        for token in (expired.token, revoked.token, "nothing"):
            answer = client.get("/v1/reports", headers={"X-API-Key": token})
            assert answer.status_code == 401
            answers.append(answer.json() | {"instance": ""})
    assert answers[0] == answers[1] == answers[2]


def test_a_key_may_come_in_either_header(api: Api) -> None:
    token = api.key("reports:read")
    with api.anonymous() as client:
        for header in ({"X-API-Key": token}, {"Authorization": f"bearer {token}"}):
            assert client.get("/v1/reports", headers=header).status_code == 200


def test_the_use_of_a_key_is_noted(api: Api) -> None:
    with api.client("reports:read") as client:
        client.get("/v1/reports")
    with api.database.read() as conn:
        assert keys.list_all(conn)[-1].last_used_at is not None


def test_answers_are_not_to_be_kept_or_guessed_at(api: Api) -> None:
    with api.anonymous() as client:
        headers = client.get("/healthz/live").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers
