"""People sign in to the pages; the API knows nothing of their cookie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from api.pages.sign_in_page import local_path
from api.roles import SCOPES, Role
from api.security import PROGRAMS
from storage import keys, sessions
from storage.access_queries import Filters, list_page
from storage.tables import sessions as table
from tests.api.conftest import PATIENCE_S
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Api

OURS = {"Sec-Fetch-Site": "same-origin"}
PEOPLE = {"Accept": "text/html,application/xhtml+xml"}
TLS = {"X-Forwarded-Proto": "https"}


@pytest.fixture
def browser(api: Api) -> Iterator[httpx.Client]:
    """A browser: it keeps cookies, asks for pages, and posts the forms that it is shown."""
    with httpx.Client(base_url=api.url, headers=PEOPLE | OURS, timeout=PATIENCE_S) as client:
        yield client


def sign_in(browser: httpx.Client, token: str, **headers: str) -> httpx.Response:
    return browser.post("/sign-in", data={"key": token, "next": "/reports"}, headers=headers)


def entry_of(api: Api, answer: httpx.Response) -> dict[str, Any]:
    def written() -> dict[str, Any]:
        with api.database.read() as conn:
            for one in list_page(conn, Filters()).entries:
                if one.entry.request == answer.headers["x-request-id"]:
                    return {name: getattr(one.entry, name) for name in one.entry.__slots__}
        return {}

    return wait_until(written, what="the entry")


def test_somebody_signs_in_with_a_key_sees_pages_and_signs_out(
    api: Api, browser: httpx.Client
) -> None:
    token = api.key(*SCOPES[Role.VIEWER])
    asked = browser.get("/reports", params={"level": "stated"})
    assert asked.status_code == 401
    assert 'name="next" value="/reports?level=stated"' in asked.text
    answer = sign_in(browser, token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/reports")
    page = browser.get("/reports")
    assert page.status_code == 200
    assert 'action="/sign-out"' in page.text
    assert token not in answer.text + page.text
    out = browser.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert browser.get("/reports").status_code == 401
    key = "key:" + token.split("_")[1]
    for one, action in ((answer, "sign_in"), (out, "sign_out")):
        entry = entry_of(api, one)
        assert (entry["action"], entry["outcome"], entry["caller"]) == (action, "done", key)
        assert entry["target"].startswith("session:")


def test_a_token_that_was_signed_out_is_worth_nothing(api: Api, browser: httpx.Client) -> None:
    sign_in(browser, api.key("reports:read"))
    stolen = dict(browser.cookies)
    browser.post("/sign-out")
    with httpx.Client(base_url=api.url, cookies=stolen) as thief:
        assert thief.get("/reports").json()["code"] == "SESSION_OVER"


def test_who_signs_in_anew_leaves_no_session_behind(api: Api, browser: httpx.Client) -> None:
    token = api.key("reports:read")
    sign_in(browser, token)
    before = dict(browser.cookies)
    sign_in(browser, token)
    assert dict(browser.cookies) != before
    with httpx.Client(base_url=api.url, cookies=before) as old:
        assert old.get("/reports").status_code == 401


def test_over_tls_the_cookie_is_for_this_host_alone(api: Api, browser: httpx.Client) -> None:
    token = api.key("reports:read")
    cookie = sign_in(browser, token, **TLS).headers["set-cookie"]
    assert re.match(r"__Host-marrow=[\w-]{43}; ", cookie)
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "path=/", "samesite=lax", "secure"}
    plain = sign_in(browser, token).headers["set-cookie"]
    assert plain.startswith("marrow=")
    assert "httponly" in plain.lower()


def test_nobody_signs_in_through_the_network_in_the_clear(api: Api) -> None:
    from storage.settings import StorageSettings
    from tests.api.conftest import running

    settings = StorageSettings(data_dir=api.folder / "named")
    name = {"Host": "marrow.example.org"}
    with (
        running(settings, allowed_hosts=("marrow.example.org",)) as named,
        httpx.Client(base_url=named.url, headers=OURS | name) as client,
    ):
        data = {"key": named.key("reports:read")}
        answer = client.post("/sign-in", data=data)
        assert (answer.status_code, answer.json()["code"]) == (403, "TLS_NEEDED")
        assert client.post("/sign-in", data=data, headers=TLS).status_code == 303


def test_the_api_does_not_know_the_cookie(api: Api, browser: httpx.Client) -> None:
    sign_in(browser, api.key(*SCOPES[Role.ADMIN]))
    assert browser.get("/reports").status_code == 200
    asked = 0
    for route in _routes(api):
        if not route.path.startswith("/v1"):
            continue
        path = re.sub(r"{\w+}", "none_0", route.path)
        for method in route.methods or ():
            answer = browser.request(method, path, headers={"Tus-Resumable": "1.0.0"})
            assert answer.status_code == 401, (method, path)
            asked += 1
    assert asked > 20


def test_a_form_of_another_site_does_nothing(api: Api, browser: httpx.Client) -> None:
    sign_in(browser, api.key(*SCOPES[Role.ADMIN]))
    asked = 0
    for route in _routes(api):
        if route.path.startswith(PROGRAMS):
            continue
        path = re.sub(r"{\w+}", "none_0", route.path)
        for method in set(route.methods or ()) - {"GET", "HEAD", "OPTIONS"}:
            for headers in (
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Sec-Fetch-Site": "", "Origin": api.url},
            ):
                answer = browser.request(
                    method, path, headers=headers | {"Accept": "application/json"}
                )
                assert answer.json()["code"] == "OTHER_ORIGIN", (method, path)
                asked += 1
    assert asked >= 4 * 3
    assert browser.get("/reports").status_code == 200, "nobody was signed out"


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://marrow.example.org"}, False),
        ({"Origin": "{url}"}, True),
        ({"Origin": "{url}.example.org"}, False),
        ({"Origin": "{url}", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, True),
    ],
)
def test_an_old_browser_is_known_by_its_origin(
    api: Api,
    headers: dict[str, str],
    is_ours: bool,  # noqa: FBT001
) -> None:
    sent = {name: value.format(url=api.url) for name, value in headers.items()}
    data = {"key": api.key("reports:read")}
    with httpx.Client(base_url=api.url) as client:
        answer = client.post("/sign-in", data=data, headers=sent)
    assert answer.status_code == (303 if is_ours else 403)


def test_a_key_in_a_header_needs_no_origin(api: Api) -> None:
    api.wait_for_patterns()
    with api.client("extract") as program:
        assert program.post("/try", data={"text": "Effusion."}).status_code == 200


def test_a_session_is_listed_and_ended_by_its_owner_or_an_admin(
    api: Api, browser: httpx.Client
) -> None:
    token = api.key("reports:read")
    sign_in(browser, token)
    with api.database.read() as conn:
        caller = "key:" + token.split("_")[1]
        times = sessions.Times(idle_s=60, whole_s=60)
        [own] = sessions.list_open(conn, times, caller=caller)
    assert own.id in browser.get("/sessions").text
    with api.client("reports:read") as other:
        assert own.id not in other.get("/sessions").text
        assert other.post(f"/sessions/{own.id}/end").json()["code"] == "SESSION_NOT_FOUND"
    with api.client("keys:admin") as admin:
        assert own.id in admin.get("/sessions").text
        ended = admin.post(f"/sessions/{own.id}/end")
        assert ended.status_code == 303
    assert browser.get("/reports").status_code == 401
    assert entry_of(api, ended)["target"] == f"session:{own.id}"


def test_revoking_the_key_ends_its_sessions(api: Api, browser: httpx.Client) -> None:
    token = api.key("reports:read")
    sign_in(browser, token)
    with api.database.begin() as conn:
        keys.revoke(conn, token.split("_")[1])
    assert browser.get("/reports").status_code == 401


def test_a_wrong_key_is_said_to_be_wrong_logged_and_not_repeated(
    api: Api, browser: httpx.Client
) -> None:
    answer = sign_in(browser, "marrow_ZZPHI-0815")
    assert answer.status_code == 401
    assert "unknown, expired or revoked" in answer.text
    assert "ZZPHI" not in answer.text
    assert "set-cookie" not in answer.headers
    entry = entry_of(api, answer)
    assert (entry["action"], entry["outcome"], entry["caller"]) == ("sign_in", "refused", None)
    assert entry["code"] == "KEY_INVALID"


def test_who_was_wrong_too_often_has_to_wait_even_with_a_right_key(api: Api) -> None:
    from storage.settings import StorageSettings
    from tests.api.conftest import running

    settings = StorageSettings(data_dir=api.folder / "wrong")
    with (
        running(settings, max_failed_sign_ins=2) as strict,
        httpx.Client(base_url=strict.url, headers=OURS) as client,
    ):
        codes = [client.post("/sign-in", data={"key": "wrong"}).status_code for _ in range(3)]
        assert codes == [401, 401, 429]
        answer = client.post("/sign-in", data={"key": strict.key("reports:read")})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 1


def test_a_part_of_a_page_makes_the_browser_load_the_whole_one(browser: httpx.Client) -> None:
    answer = browser.get("/reports", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")


@pytest.mark.parametrize(
    "wanted",
    ["", "reports", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "/sign-in",
     "/\x00", "/é", "/" + "a" * 3_000, "javascript:alert(1)"],
)  # fmt: skip
def test_nobody_is_led_elsewhere_after_signing_in(wanted: str) -> None:
    assert local_path(wanted) == "/"


def test_where_somebody_wanted_to_go_is_kept() -> None:
    assert local_path("/reports?level=stated&page_size=10") == "/reports?level=stated&page_size=10"


def test_sessions_are_rows_without_their_tokens(api: Api, browser: httpx.Client) -> None:
    from sqlalchemy import select

    sign_in(browser, api.key("reports:read"))
    [token] = dict(browser.cookies).values()
    with api.database.read() as conn:
        rows = conn.execute(select(table)).all()
    assert rows
    assert token not in repr(rows)


def _routes(api: Api) -> Iterator[APIRoute]:
    for context in iter_route_contexts(api.app.routes):
        assert isinstance(context.original_route, APIRoute)
        yield context.original_route
