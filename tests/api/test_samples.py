"""Reviews over HTTP: seeded samples, blind, two reviewers, and what it says of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.problems import Code
from tests.api.samples import archive, audited, decide, drawn
from tests.api.test_refusals import assert_problem

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

REVIEWER = ("audits:read", "text:read", "review")
FOUND = ("stated", "probable", "cases", "stratum", "marrow_oedema", "level")
"""Words of the extractor, and of where a report was drawn from."""


@pytest.fixture(scope="module")
def audit(api: Api) -> str:
    with api.client() as client:
        return audited(api, client, "reviewed")


@pytest.fixture
def sample(client: httpx.Client, audit: str) -> str:
    return drawn(client, audit, cases=3, named=2, rest=1, seed=5)


def test_the_same_seed_draws_the_same_reports_in_the_same_order(
    client: httpx.Client, audit: str
) -> None:
    def reports(seed: int) -> list[str]:
        path = drawn(client, audit, cases=3, named=2, rest=1, seed=seed)
        return [one["report_id"] for one in client.get(f"{path}/items").json()["items"]]

    assert reports(5) == reports(5)
    assert len({*map(tuple, map(reports, range(6)))}) > 1


def test_a_sample_says_how_it_was_drawn_and_is_listed(
    client: httpx.Client, audit: str, sample: str
) -> None:
    view = client.get(sample).json()
    assert view["totals"] == {"cases": 4, "named": 3, "rest": 3}
    assert (view["items"], view["seed"], view["has_texts"]) == (6, 5, True)
    assert view["patterns_digest"].startswith("sha256:")
    assert client.get(f"/v1/audits/{audit}/samples").json()["samples"][0] == view


def test_a_reviewer_sees_words_and_nothing_that_was_found(api: Api, sample: str) -> None:
    with api.client(*REVIEWER) as reviewer:
        listed = reviewer.get(f"{sample}/items")
        assert "Words of" not in listed.text
        for one in listed.json()["items"]:
            answer = reviewer.get(f"{sample}/items/{one['item']}")
            assert "Words of" in answer.json()["text"]
            assert not {word for word in FOUND if word in answer.text.replace(" of case ", "")}


def test_who_may_not_read_text_is_given_none(api: Api, sample: str) -> None:
    with api.client("audits:read", "review") as reviewer:
        answers = [reviewer.get(f"{sample}/items"), reviewer.get(f"{sample}/items/V0001")]
        answers.append(decide(reviewer, sample, "V0001", "case"))
        assert all(answer.is_success for answer in answers)
        assert not any("Words of" in answer.text for answer in answers)
    with api.client("audits:read", "text:read") as viewer:
        assert decide(viewer, sample, "V0001", "case").status_code == 403
        assert viewer.get(f"{sample}/items").status_code == 403


def test_decisions_are_each_reviewers_own_can_be_changed_and_taken_back(
    api: Api, sample: str
) -> None:
    with api.client(*REVIEWER) as anna, api.client(*REVIEWER) as bert, api.client() as third:
        assert decide(anna, sample, "V0001", "case").json()["decision"] == "case"
        assert decide(anna, sample, "V0001", "unclear").json()["decision"] == "unclear"
        assert bert.get(f"{sample}/items/V0001").json()["decision"] is None
        decide(bert, sample, "V0002", "no_case")
        refused = decide(third, sample, "V0003", "case")
        assert_problem(refused, Code.REVIEWERS_FULL)
        for _ in range(2):
            assert anna.delete(f"{sample}/items/V0001/decision").status_code == 204
        assert anna.get(f"{sample}/items/V0001").json()["decision"] is None
        assert_problem(decide(anna, sample, "V9999", "case"), Code.ITEM_NOT_FOUND)
        assert_problem(decide(anna, sample, "V0001", "perhaps"), Code.VALIDATION_FAILED)


def test_two_who_disagree_are_decided_between_and_the_search_is_weighed(
    api: Api, client: httpx.Client, sample: str
) -> None:
    with api.client(*REVIEWER) as anna, api.client(*REVIEWER) as bert:
        items = [one["item"] for one in anna.get(f"{sample}/items").json()["items"]]
        kinds = {
            item: "case"
            if "of case" in anna.get(f"{sample}/items/{item}").json()["text"]
            else "no_case"
            for item in items
        }
        for item, kind in kinds.items():
            decide(anna, sample, item, kind)
            decide(bert, sample, item, kind)
        disputed = next(item for item, kind in kinds.items() if kind == "case")
        decide(bert, sample, disputed, "no_case")
        [found] = anna.get(f"{sample}/disagreements").json()["disagreements"]
        assert found["item"] == disputed
        assert sorted(found["decisions"].values()) == ["case", "no_case"]
        before = client.get(f"{sample}/validation").json()
        assert (before["ppv"]["hits"], before["ppv"]["of"]) == (2, 2)
        assert before["agreement"]["items"] == 6
        assert before["agreement"]["kappa"] == pytest.approx(2 / 3)
        undisputed = next(item for item in items if item != disputed)
        refused = anna.put(f"{sample}/items/{undisputed}/verdict", json={"decision": "case"})
        assert_problem(refused, Code.NOT_DISPUTED)
        given = client.put(f"{sample}/items/{disputed}/verdict", json={"decision": "no_case"})
        assert given.status_code == 204
        assert_problem(decide(bert, sample, disputed, "case"), Code.VERDICT_STANDS)
    after = client.get(f"{sample}/validation").json()
    assert (after["ppv"]["hits"], after["ppv"]["of"]) == (2, 3)
    assert after["agreement"] == before["agreement"]
    assert after["missed"]["named"]["reports"] == 3
    wide = client.get(f"{sample}/validation", params={"width": 0.5}).json()["more_to_review"]
    assert wide < after["more_to_review"]
    assert client.get(f"{sample}/validation", params={"width": 0}).status_code == 422


def test_an_uploaded_archive_is_gone_so_another_upload_of_it_gives_the_words(
    api: Api, client: httpx.Client
) -> None:
    body = archive().encode()
    headers = {"Content-Disposition": 'attachment; filename="a.jsonl"'}
    audit = client.post("/v1/audits", content=body, headers=headers).json()["id"]
    waiting = client.post(f"/v1/audits/{audit}/samples", json={})
    assert_problem(waiting, Code.AUDIT_NOT_DONE)
    api.desk.work_on_audits()
    assert client.get(drawn(client, audit)).json()["has_texts"] is False

    def uploaded(content: bytes) -> str:
        tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(content))}
        name = {"Upload-Metadata": "filename YS5qc29ubA=="}
        made = client.post("/v1/uploads", headers=tus | name)
        put = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
        kind = {"Content-Type": "application/offset+octet-stream"}
        client.patch(made.headers["location"], content=content, headers=put | kind)
        return str(made.headers["location"]).rpartition("/")[2]

    path = drawn(client, audit, upload=uploaded(body))
    assert "Words of" in client.get(f"{path}/items/V0001").json()["text"]
    other = client.post(
        f"/v1/audits/{audit}/samples", json={"upload": uploaded(body.replace(b"Words", b"Texts"))}
    )
    assert_problem(other, Code.ARCHIVE_CHANGED)


def test_a_source_that_was_changed_gives_no_words(api: Api, client: httpx.Client) -> None:
    audit = audited(api, client, "moved")
    (api.folder / "sources" / "moved.jsonl").unlink()
    answer = client.post(f"/v1/audits/{audit}/samples", json={})
    assert_problem(answer, Code.ARCHIVE_CHANGED)
    assert client.get(drawn(client, audit, texts=False)).json()["has_texts"] is False


def test_a_sample_is_of_its_audit_and_goes_with_it(client: httpx.Client, audit: str) -> None:
    path = drawn(client, audit)
    other = path.replace(audit, "aud_" + "0" * 26)
    assert_problem(client.get(other), Code.AUDIT_NOT_FOUND)
    assert client.delete(path).status_code == 204
    assert_problem(client.get(path), Code.SAMPLE_NOT_FOUND)
    assert_problem(client.get(f"{path}%00"), Code.SAMPLE_NOT_FOUND)
