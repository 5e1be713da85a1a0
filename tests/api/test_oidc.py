"""People sign in through a real provider, in a process of its own; who has no role stays out."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import ValidationError

from api.oidc_settings import OidcSettings
from api.roles import SCOPES, Role
from storage.access_queries import Filters, list_page
from storage.settings import StorageSettings
from tests.api.conftest import PATIENCE_S, Api, running
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PEOPLE = {"Accept": "text/html"}
ANNA = {"sub": "a-17", "name": "Anna Meier", "groups": ["house", "radiology"]}
HOUR_S = 3_600


@dataclass(frozen=True)
class Provider:
    url: str

    def says(self, claims: dict[str, Any], **more: Any) -> None:
        httpx.post(f"{self.url}/control", json={"claims": claims} | more).raise_for_status()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.oidc_provider", str(port)],
        cwd=ROOT,
        env=os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "the provider ended"
        try:
            return httpx.get(f"{url}/jwks").is_success
        except httpx.TransportError:
            return False

    try:
        wait_until(answers, deadline_s=60, what="the provider")
        yield Provider(url)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def house(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server whose people sign in at the provider."""
    from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET

    oidc = OidcSettings(
        issuer=provider.url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        roles={"radiology": Role.VIEWER, "study": Role.ANALYST, "privacy": Role.AUDITOR},
    )
    settings = StorageSettings(data_dir=tmp_path_factory.mktemp("house"))
    with running(settings, oidc=oidc) as server:
        yield server


@pytest.fixture
def browser(house: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=house.url, headers=PEOPLE, timeout=PATIENCE_S) as client:
        yield client


def begin(browser: httpx.Client, next_path: str = "/reports") -> str:
    """Begin, go to the provider, and return the address that it sends the browser back to."""
    answer = browser.get("/sign-in/oidc", params={"next": next_path})
    assert answer.status_code == 303, answer.text
    back = httpx.get(answer.headers["location"])
    assert back.status_code == 302, back.text
    return str(back.headers["location"])


def entry_of(house: Api, answer: httpx.Response) -> Any:
    """Return the entry of an answer; one of several refusals that are all the same may be it."""
    wanted = answer.headers["x-request-id"]

    def written() -> list[Any]:
        with house.database.read() as conn:
            found = [one.entry for one in list_page(conn, Filters()).entries]
        return [
            one
            for one in found
            if one.request == wanted or (one.times > 1 and one.status == answer.status_code)
        ]

    return wait_until(written, what="the entry")[0]


def test_somebody_signs_in_with_the_role_of_his_group(
    house: Api, provider: Provider, browser: httpx.Client
) -> None:
    provider.says(ANNA)
    assert 'href="/sign-in/oidc?next=%2Freports"' in browser.get("/reports").text
    answer = browser.get(begin(browser, "/reports?level=stated"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/reports?level=stated")
    page = browser.get("/reports")
    assert page.status_code == 200
    assert "Anna Meier" in page.text
    assert browser.get("/reports.csv").status_code == 403, "a viewer takes nothing away"
    entry = entry_of(house, answer)
    assert (entry.action, entry.outcome, entry.caller) == ("sign_in", "done", "oidc:a-17")
    assert browser.get("/v1/reports").status_code == 401


def test_several_groups_give_what_their_roles_give_together(
    house: Api, provider: Provider, browser: httpx.Client
) -> None:
    provider.says(ANNA | {"groups": ["radiology", "study", "privacy"]})
    browser.get(begin(browser))
    from storage import sessions

    with house.database.read() as conn:
        times = sessions.Times(idle_s=HOUR_S, whole_s=HOUR_S)
        newest = sessions.list_open(conn, times, caller="oidc:a-17")[-1]
    both = SCOPES[Role.VIEWER] | SCOPES[Role.ANALYST] | SCOPES[Role.AUDITOR]
    assert newest.scopes == {scope.value for scope in both}


@pytest.mark.parametrize("groups", [[], ["house"], None, "radiology2", ["RADIOLOGY"]])
def test_who_has_no_role_does_not_get_in(
    house: Api, provider: Provider, browser: httpx.Client, groups: Any
) -> None:
    provider.says({name: value for name, value in ANNA.items() if name != "groups"}
                  | ({} if groups is None else {"groups": groups}))  # fmt: skip
    answer = browser.get(begin(browser))
    assert answer.status_code == 403
    assert "NO_ROLE" in answer.text
    assert browser.get("/reports").status_code == 401
    entry = entry_of(house, answer)
    assert (entry.action, entry.outcome, entry.caller) == ("sign_in", "refused", "oidc:a-17")


def test_groups_may_be_told_beside_the_token_but_of_nobody_else(
    provider: Provider, browser: httpx.Client
) -> None:
    provider.says(ANNA, groups_beside=True)
    assert browser.get(begin(browser)).status_code == 303
    browser.cookies.clear()
    provider.says(ANNA, groups_beside=True, beside={"sub": "somebody-else"})
    assert "SIGN_IN_FAILED" in browser.get(begin(browser)).text


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"aud": "another-client"},
        {"aud": ["marrow", "another-client"], "azp": "another-client"},
        {"iss": "https://another.example"},
        {"exp": int(time.time()) - HOUR_S},
        {"iat": int(time.time()) + HOUR_S},
        {"at_hash": "of another token"},
    ],
    ids="-".join,
)
def test_a_token_that_was_not_made_for_this_sign_in_proves_nothing(
    provider: Provider, browser: httpx.Client, claims: dict[str, Any]
) -> None:
    provider.says(ANNA | claims)
    answer = browser.get(begin(browser))
    assert answer.status_code == 403
    assert "SIGN_IN_FAILED" in answer.text
    assert browser.get("/reports").status_code == 401


@pytest.mark.parametrize("fault", ["key", "unsigned"])
def test_a_token_that_the_provider_did_not_sign_proves_nothing(
    provider: Provider, browser: httpx.Client, fault: str
) -> None:
    provider.says(ANNA, fault=fault)
    assert "SIGN_IN_FAILED" in browser.get(begin(browser)).text


def test_whom_the_provider_turns_away_does_not_get_in(
    house: Api, provider: Provider, browser: httpx.Client
) -> None:
    provider.says(ANNA, fault="denied")
    answer = browser.get(begin(browser))
    assert "The provider did not let you in" in answer.text
    assert entry_of(house, answer).outcome == "refused"


def test_an_answer_is_worth_nothing_in_another_browser_or_sign_in(
    house: Api, provider: Provider, browser: httpx.Client
) -> None:
    provider.says(ANNA)
    back = begin(browser)
    with httpx.Client(base_url=house.url, headers=PEOPLE) as thief:
        assert "SIGN_IN_FAILED" in thief.get(back).text
        begin(thief)
        assert "another sign-in" in thief.get(back).text
    assert browser.get(back).status_code == 303
    assert "SIGN_IN_FAILED" in browser.get(back).text, "a code opens one session"


def test_a_code_is_worth_nothing_without_its_verifier(
    house: Api, provider: Provider, browser: httpx.Client
) -> None:
    provider.says(ANNA)
    begun = browser.get("/sign-in/oidc")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == 43
    code = parse_qs(urlsplit(begin(browser)).query)["code"][0]
    # Our own cookie and state, and the code of another sign-in: the provider refuses it.
    with httpx.Client(base_url=house.url, headers=PEOPLE) as thief:
        state = parse_qs(urlsplit(begin(thief)).query)["state"][0]
        answer = thief.get("/sign-in/oidc/callback", params={"code": code, "state": state})
    assert "SIGN_IN_FAILED" in answer.text


def test_nobody_is_led_elsewhere(provider: Provider, browser: httpx.Client) -> None:
    provider.says(ANNA)
    answer = browser.get(begin(browser, "https://evil.example/"))
    assert answer.headers["location"] == "/"


def test_nothing_of_a_sign_in_is_logged(
    house: Api, provider: Provider, browser: httpx.Client
) -> None:
    provider.says(ANNA | {"name": "ZZPHI-name"})
    back = begin(browser)
    browser.get(back)
    logged = house.log.getvalue()
    for word in ("ZZPHI-name", *parse_qs(urlsplit(back).query)["code"]):
        assert word not in logged
    assert "/sign-in/oidc/callback" in logged


def test_what_a_name_may_not_be_in_the_log_is_told_by_a_digest(
    house: Api, provider: Provider, browser: httpx.Client
) -> None:
    provider.says(ANNA | {"sub": "a\tb <script>"})
    answer = browser.get(begin(browser))
    assert answer.status_code == 303
    assert entry_of(house, answer).caller.startswith("oidc:sha256-")


def test_a_provider_that_is_gone_is_said_and_keys_go_on(api: Api) -> None:
    oidc = OidcSettings(issuer="http://127.0.0.1:9", client_id="x", roles={"x": Role.VIEWER})
    with (
        running(StorageSettings(data_dir=api.folder / "gone"), oidc=oidc) as alone,
        httpx.Client(base_url=alone.url, headers={"Sec-Fetch-Site": "same-origin"}) as client,
    ):
        answer = client.get("/sign-in/oidc")
        assert (answer.status_code, answer.json()["code"]) == (503, "PROVIDER_UNAVAILABLE")
        key = alone.key("reports:read")
        assert client.post("/sign-in", data={"key": key}).status_code == 303


def test_without_a_provider_there_is_no_such_way(api: Api) -> None:
    with api.anonymous() as client:
        for path in ("/sign-in/oidc", "/sign-in/oidc/callback"):
            assert client.get(path).json()["code"] == "ROUTE_NOT_FOUND"
        assert "/sign-in/oidc" not in client.get("/sign-in", headers=PEOPLE).text


@pytest.mark.parametrize(
    "values",
    [
        {"issuer": "http://login.example.org", "client_id": "x", "roles": {"x": "viewer"}},
        {"issuer": "https://login.example.org", "roles": {"x": "viewer"}},
        {"issuer": "https://login.example.org", "client_id": "x"},
        {"issuer": "https://login.example.org", "client_id": "x", "roles": {"x": "boss"}},
    ],
)
def test_half_a_provider_is_refused_at_the_start(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OidcSettings.model_validate(values)


def test_a_provider_is_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARROW_OIDC_ISSUER", "https://login.example.org")
    monkeypatch.setenv("MARROW_OIDC_CLIENT_ID", "marrow")
    monkeypatch.setenv("MARROW_OIDC_CLIENT_SECRET", "hunter2")
    monkeypatch.setenv("MARROW_OIDC_ROLES", '{"radiology": "viewer"}')
    settings = OidcSettings()
    assert settings.roles == {"radiology": Role.VIEWER}
    assert "hunter2" not in repr(settings)
