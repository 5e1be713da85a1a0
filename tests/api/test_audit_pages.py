"""The pages of audits as a browser without JavaScript has them: an archive in, cases and patients out."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.conftest import HIP_MRI
from tests.api.test_pages import PEOPLE

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

OSTEOPENIA = (
    "XR RIGHT HIP. Regional osteopenia of the right femoral head. Joint space preserved. "
    "In keeping with transient osteoporosis of the right hip. Words of a film."
)
NORMAL = "XR RIGHT HIP. Normal right hip. No fracture. Words of a normal film."
ROWS: list[dict[str, Any]] = [
    {"id": "A1", "text": HIP_MRI, "patient_id": "PAT-1", "date": "2020-03-02", "age": 44, "sex": "M", "modality": "MR"},
    {"id": "A2", "text": NORMAL, "patient_id": "PAT-2", "date": "2021-01-02", "age": 39, "sex": "F", "modality": "DX"},
    {"id": "A3", "text": OSTEOPENIA, "patient_id": "PAT-2", "date": "2021-03-02", "age": 39, "sex": "F", "modality": "DX"},
    {"id": "A4", "text": "CHEST X-RAY. Clear lungs.", "patient_id": "PAT-3", "date": "2021-03-02"},
    {"id": "A5"},
]  # fmt: skip


def archive(rows: list[dict[str, Any]] | None = None) -> bytes:
    return "\n".join(json.dumps(row) for row in ROWS if rows is None or row in rows).encode()


def uploaded(client: httpx.Client, body: bytes, name: str = "Hüfte “2021”.jsonl") -> str:
    files = {"archive": (name, body)}
    answer = client.post("/audits/uploads", files=files, headers=PEOPLE)
    assert answer.status_code == 303, answer.text
    [id_] = parse_qs(urlsplit(answer.headers["location"]).query)["upload"]
    return id_


def see(client: httpx.Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path, headers=PEOPLE)
    assert answer.status_code == status, answer.text
    return unescape(answer.text)


@pytest.fixture(scope="module")
def done(api: Api) -> str:
    """The path of an audit that is done."""
    with api.client() as client:
        answer = client.post("/audits", data={"upload": uploaded(client, archive())})
        assert answer.status_code == 303, answer.text
        api.desk.work_on_audits()
        return str(answer.headers["location"])


def test_an_archive_is_uploaded_looked_at_and_read(api: Api, client: httpx.Client) -> None:
    id_ = uploaded(client, archive())
    html = see(client, f"/audits/new?upload={id_}")
    assert (
        "<strong>Hüfte “2021”.jsonl</strong>: of the first 5 rows 4 can be read as reports." in html
    )
    assert re.search(
        r'<th scope="row">patient id</th><td>patient_id</td><td class="n">4</td>', html
    )
    assert "Words of" not in html
    assert (
        see(client, f"/audits/new?upload={id_}&focus=hip&since=2021-01-01").count("selected") == 1
    )
    answer = client.post("/audits", data={"upload": id_, "focus": "hip", "since": "2021-01-01"})
    path = answer.headers["location"]
    assert "How far it is" in see(client, path)
    api.desk.work_on_audits()
    html = see(client, path)
    assert "From rows to reports" in html
    assert "of other days than those asked for" in html
    arguments = client.get("/v1" + path).json()["arguments"]
    assert (arguments["focus"], arguments["since"]) == ("hip", "2021-01-01")


def test_another_column_is_named_after_a_look(client: httpx.Client) -> None:
    id_ = uploaded(client, b"blurb;nummer\r\nOsteopenia of the left hip;1\r\n", "hips.csv")
    html = see(client, f"/audits/new?upload={id_}", status=422)
    assert "No column of report text was recognised" in html
    html = see(client, f"/audits/new?upload={id_}&map=text%3Dblurb")
    assert '<th scope="row">text</th><td>blurb</td><td class="n">1</td>' in html
    html = see(client, f"/audits/new?upload={id_}&map=nonsense", status=422)
    assert 'role="alert"' in html
    assert ">nonsense</textarea>" in html


def test_a_source_is_looked_at_and_read_where_it_lies(api: Api, client: httpx.Client) -> None:
    path = api.folder / "sources" / "paged-source.jsonl"
    path.write_bytes(archive())
    asked = {"source": path.as_uri()}
    looked = client.post("/audits/new", data=asked, headers=PEOPLE)
    assert looked.status_code == 200
    assert "paged-source.jsonl" in looked.text
    started = client.post("/audits", data=asked)
    assert started.status_code == 303
    refused = client.post("/audits/new", data={"source": "file:///etc/passwd"}, headers=PEOPLE)
    assert refused.status_code == 422
    assert "below a root that the operator allows" in refused.text
    api.desk.work_on_audits()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"--b\r\nContent-Disposition: form-data; name=\"archive\"; filename=\"\"\r\n\r\n\r\n--b--\r\n", "multipart/form-data; boundary=b", 422),
        (b"--b\r\nContent-Disposition: form-data; name=\"archive\"; filename=\"a.csv\"\r\n\r\n\r\n--b--\r\n", "multipart/form-data; boundary=b", 422),
        (b"--b\r\nContent-Disposition: form-data; name=\"archive\"; filename=\"a.csv\"\r\n\r\nhalf", "multipart/form-data; boundary=b", 400),
        (b"no form", "multipart/form-data; boundary=b", 400),
        (b"archive=a.csv", "application/x-www-form-urlencoded", 415),
        (b"text", "multipart/form-data", 415),
    ],
)  # fmt: skip
def test_a_form_without_an_archive_leaves_nothing_behind(
    api: Api, body: bytes, content_type: str, status: int
) -> None:
    before = sorted(path for path in api.folder.rglob("*") if "scratch" in path.parts)
    headers = {"Content-Type": content_type, **PEOPLE}
    with api.client() as client:
        answer = client.post("/audits/uploads", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert sorted(path for path in api.folder.rglob("*") if "scratch" in path.parts) == before


def test_a_browser_with_scripts_is_sent_on_as_it_understands(client: httpx.Client) -> None:
    files = {"archive": ("a.jsonl", archive())}
    answer = client.post("/audits/uploads", files=files, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"].startswith("/audits/new?upload=upl_")


def test_an_audit_is_cancelled_and_deleted(api: Api, client: httpx.Client) -> None:
    path = client.post("/audits", data={"upload": uploaded(client, archive())}).headers["location"]
    assert client.post(f"{path}/cancel").headers["location"] == path
    assert "It was cancelled" in see(client, path)
    assert client.post(f"{path}/delete").headers["location"] == "/audits"
    see(client, path, status=404)
    api.desk.work_on_audits()


def test_the_list_has_a_way_to_each_audit_and_counts_by_state(
    client: httpx.Client, done: str
) -> None:
    # Other tests share the server, and their audits stand in its lists, too.
    listed = client.get("/v1/audits", params={"state": "done", "page_size": 200}).json()["audits"]
    html = see(client, "/audits?state=done&page_size=200")
    assert f'<a href="{done}">' in html
    assert len(re.findall(r'<a href="/audits/aud_\w+">', html)) == len(listed)
    assert re.search(rf'(?i)done <span class="count">{len(listed)}</span>', html)
    assert "Next page" not in html


def test_cases_are_filtered_and_counted_and_shown_with_their_evidence(
    client: httpx.Client, done: str
) -> None:
    html = see(client, f"{done}/cases")
    assert "<strong>2</strong> cases" in html
    assert "transient osteoporosis of the right hip" in html
    assert re.search(r'href="[^"]*modality=DX[^"]*">DX <span class="count">1</span>', html)
    html = see(client, f"{done}/cases?modality=DX")
    assert "<strong>1</strong> case;" in html
    assert "PAT-1" not in html
    same = client.get(f"{done}/cases.json?modality=DX").json()
    assert [row["patient_id"] for row in same["cases"]] == ["PAT-2"]
    assert same == client.get(f"/v1{done}/cases?modality=DX").json()


def test_pages_of_cases_follow_one_another_in_the_chosen_order(
    client: httpx.Client, done: str
) -> None:
    html = see(client, f"{done}/cases?sort=study_newest&page_size=1")
    assert "PAT-2" in html
    [following] = re.findall(r'class="button" href="([^"]+)">Next page', html)
    html = see(client, following)
    assert "PAT-1" in html
    assert "Next page" not in html


def test_a_case_shows_its_patient_over_time(client: httpx.Client, done: str) -> None:
    [case] = client.get(f"{done}/cases.json?modality=DX").json()["cases"]
    html = see(client, f"{done}/cases/{case['case']}")
    assert "transient osteoporosis of the right hip" in html
    assert "2021-01-02" in html
    [figure] = re.findall(r'<img src="([^"]+timeline\.svg)"', html)
    drawing = client.get(figure)
    assert drawing.headers["content-type"].startswith("image/svg+xml")
    assert "right, level of the patient after each report" in drawing.text
    for number in ("0", "3", "x", "99999999999999999999"):
        see(client, f"{done}/cases/{number}", status=404)


def test_patients_are_listed_with_the_way_to_their_timelines(
    client: httpx.Client, done: str
) -> None:
    html = see(client, f"{done}/patients")
    paths = dict(re.findall(rf'<a href="({done}/patients/\d+)">(PAT-\d)</a>', html))
    assert sorted(paths.values()) == ["PAT-1", "PAT-2"]
    for path, patient in paths.items():
        assert f"<h1>Patient {patient}</h1>" in see(client, path)
    choices = re.findall(r'<a href="([^"]+)">[\w ]+ <span class="count">(\d+)</span>', html)
    assert len(choices) >= 2, "levels and courses"
    for path, number in choices:
        assert f"<strong>{number}</strong> patient" in see(client, path)
    see(client, f"{done}/patients/99", status=404)
    see(client, f"{done}/patients/none", status=404)


def test_what_was_not_read_has_its_place_and_reason(client: httpx.Client, done: str) -> None:
    html = see(client, f"{done}/failures")
    assert "line 5" in html
    assert "reading the archive" in html


def test_figures_are_images_and_others_are_not_there(client: httpx.Client, done: str) -> None:
    for name in re.findall(rf'<img src="{done}/figures/(\w+)"', see(client, done)):
        drawing = client.get(f"{done}/figures/{name}")
        assert drawing.text.startswith("<svg ")
        assert "sandbox" in drawing.headers["content-security-policy"]
    assert client.get(f"{done}/figures/none").status_code == 404


def test_who_may_not_read_text_sees_no_word_and_takes_nothing_away(api: Api, done: str) -> None:
    with api.client("audits:read") as viewer:
        pages = [done, f"{done}/cases", f"{done}/cases/1", f"{done}/patients", f"{done}/failures"]
        shown = "".join(see(viewer, path) for path in pages)
        shown += viewer.get(f"{done}/cases.json").text
        for file in ("cases.csv", "summary.json"):
            assert viewer.get(f"{done}/files/{file}").status_code == 403
    assert "PAT-1" in shown
    for words in (
        "keeping with",
        "bone marrow oedema",
        "Words of",
        "transient osteoporosis of the",
    ):
        assert words not in shown
    with api.client("audits:read", "export") as clerk:
        assert clerk.get(f"{done}/files/summary.json").status_code == 200
        assert clerk.get(f"{done}/files/cases.csv").status_code == 403


def test_an_audit_that_is_not_done_has_no_lists(api: Api, client: httpx.Client) -> None:
    path = client.post("/audits", data={"upload": uploaded(client, archive())}).headers["location"]
    for part in ("/cases", "/patients", "/failures", "/cases/1"):
        see(client, path + part, status=409)
    api.desk.work_on_audits()
