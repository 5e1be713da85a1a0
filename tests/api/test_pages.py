"""The web pages as HTML, without a browser: who sees what, and in what form answers come."""

from __future__ import annotations

import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from api.pages.static_files import static_files
from tests.api.conftest import HIP_MRI

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

PEOPLE = {"Accept": "text/html,application/xhtml+xml"}
HTMX_SHA256 = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


@pytest.fixture
def stored(api: Api, client: httpx.Client) -> str:
    """The id of a report that was read."""
    answer = client.post("/v1/reports", json={"text": HIP_MRI, "report_id": "PAGE-1"})
    if answer.json()["state"] == "queued":
        api.desk.work()
    return str(answer.json()["id"])


class ShownText(HTMLParser):
    """The words in the element of the report's text, as a browser shows them: without cards."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._open: list[str] = []
        self._parts: list[str] = []
        self.feed(html)
        self.text = "".join(self._parts)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]], /) -> None:
        kind = dict(attrs).get("class") or ""
        if self._open or kind == "report-text":
            self._open.append(kind)

    def handle_endtag(self, _tag: str, /) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and "card" not in self._open:
            self._parts.append(data)


def test_a_report_is_shown_with_its_words_unchanged_and_its_evidence(
    client: httpx.Client, stored: str
) -> None:
    html = client.get(f"/reports/{stored}", headers=PEOPLE).text
    assert ShownText(html).text == HIP_MRI
    assert "marrow oedema of the femoral head reaching the neck" in html
    assert re.search(r'<mark class="m affirmed"[^>]*>.*bone marrow oedema', html)
    assert '<a class="quote affirmed" href="#at-' in html


def test_who_may_not_read_text_sees_no_word_of_it(api: Api, stored: str) -> None:
    with api.client("reports:read") as client:
        html = client.get(f"/reports/{stored}", headers=PEOPLE).text
    assert "marrow oedema" in html  # the finding's name
    for words in ("extensive bone", "CLINICAL HISTORY", "in keeping with", "Moderate joint"):
        assert words not in html
    assert "<mark" not in html


def test_markup_in_a_report_stays_text(api: Api, client: httpx.Client) -> None:
    text = "FINDINGS: <script>alert(1)</script> No </div>effusion & <b>marrow oedema</b>.\n"
    api.wait_for_patterns()
    html = client.post("/try", data={"text": text}).text
    assert "<script>alert" not in html
    assert "<b>" not in html
    assert ShownText(html).text == text


def test_what_was_pasted_is_read_and_shown_but_not_stored(api: Api, client: httpx.Client) -> None:
    api.wait_for_patterns()
    before = client.get("/v1/reports", params={"page_size": 1}).json()
    answer = client.post("/try", data={"text": HIP_MRI.replace("\n", "\r\n"), "age_years": "47"})
    assert answer.status_code == 200
    assert "stated" in answer.text
    assert client.get("/v1/reports", params={"page_size": 1}).json() == before


def test_a_form_with_faults_comes_back_with_what_was_typed(client: httpx.Client) -> None:
    answer = client.post("/try", data={"text": "A typed text.", "age_years": "old"})
    assert answer.status_code == 422
    assert '<a href="#age_years">' in answer.text
    assert "A typed text." in answer.text


def test_a_person_gets_a_page_and_a_program_a_problem(client: httpx.Client) -> None:
    page = client.get("/reports/rep_none", headers=PEOPLE)
    problem = client.get("/reports/rep_none")
    assert page.status_code == problem.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert problem.json()["code"] == "REPORT_NOT_FOUND"


@pytest.mark.parametrize("path", ["/", "/try", "/reports/rep_none"])
def test_a_page_may_load_nothing_from_elsewhere_and_is_not_kept(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path, headers=PEOPLE)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)


def test_a_file_that_is_named_by_its_content_may_be_kept(api: Api, client: httpx.Client) -> None:
    html = client.get("/", headers=PEOPLE).text
    with api.anonymous() as stranger:
        for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', html):
            answer = stranger.get(path)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
        assert "immutable" not in stranger.get("/static/marrow.css").headers["cache-control"]
        assert stranger.get("/static/nothing.css").status_code == 404


def test_htmx_is_the_published_one() -> None:
    body = static_files()["htmx-2.0.11.min.js"].body
    assert hashlib.sha256(body).hexdigest() == HTMX_SHA256


def test_the_filters_of_a_list_stand_in_its_address_and_blanks_do_not(
    client: httpx.Client, stored: str
) -> None:
    answer = client.get("/reports", params={"level": "stated", "status": "", "sort": ""})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/reports?level=stated"
    html = client.get(answer.headers["location"], headers=PEOPLE).text
    assert f'href="/reports/{stored}"' in html
    assert re.search(r'aria-current="true">stated <span class="count">\d+<', html)


def test_a_list_is_read_page_by_page_and_is_the_same_as_json(
    api: Api, client: httpx.Client
) -> None:
    texts = [
        {"text": f"Knee radiograph number {number}.", "source": "pages"} for number in range(5)
    ]
    client.post("/v1/reports", json={"reports": texts})
    api.desk.work()
    path, shown = "/reports?source=pages&page_size=2", []
    while True:
        html = client.get(path, headers=PEOPLE).text
        shown += re.findall(r'<th scope="row"><a href="/reports/(rep_\w+)"', html)
        [json_path] = re.findall(r'href="([^"]+)">JSON', html)
        same = [one["id"] for one in client.get(unescape(json_path)).json()["reports"]]
        assert shown[-len(same) :] == same
        following = re.findall(r'href="([^"]+)">Next page', html)
        if not following:
            break
        path = unescape(following[0])
    assert len(shown) == len(set(shown)) == 5


def test_an_address_that_was_tampered_with_is_refused_without_its_words(
    client: httpx.Client,
) -> None:
    answer = client.get("/reports?level=Smith", headers=PEOPLE)
    assert answer.status_code == 422
    assert "Smith" not in answer.text


def test_who_may_not_export_gets_no_csv_and_no_link_to_it(api: Api, client: httpx.Client) -> None:
    with api.client("reports:read") as viewer:
        assert "/reports.csv" not in viewer.get("/reports", headers=PEOPLE).text
        assert viewer.get("/reports.csv").status_code == 403
    assert "/reports.csv" in client.get("/reports", headers=PEOPLE).text


def test_a_csv_of_a_list_has_no_formula(api: Api, client: httpx.Client) -> None:
    study = {"description": "=1+1", "accession": "@SUM"}
    client.post("/v1/reports", json={"text": "Knee.", "source": "formula", "study": study})
    api.desk.work()
    csv = client.get("/reports.csv", params={"source": "formula"}).text
    assert ",'=1+1,'@SUM," in csv
