"""The pages of a review as a browser without JavaScript has them: blind, saved at once, undone."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from api.pages.rendering import environment
from api.pages.visitor import Visitor
from tests.api.samples import audited, decide, drawn
from tests.api.test_pages import PEOPLE

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

REVIEWER = ("audits:read", "text:read", "review")


@pytest.fixture(scope="module")
def audit(api: Api) -> str:
    with api.client() as client:
        return audited(api, client, "paged")


@pytest.fixture
def sample(client: httpx.Client, audit: str) -> str:
    return drawn(client, audit, cases=3, named=2, rest=1, seed=5)


def review_of(sample: str) -> str:
    return sample.removeprefix("/v1").replace("/samples/", "/review/")


def see(client: httpx.Client, path: str) -> str:
    answer = client.get(path, headers=PEOPLE)
    assert answer.status_code == 200, answer.text
    return answer.text


def shown_item(html: str) -> str:
    [item] = re.findall(r'name="item" value="(V\d+)"', html)
    return str(item)


def press(client: httpx.Client, path: str, item: str, decision: str) -> str:
    """Post a decision and return where it leads to."""
    answer = client.post(f"{path}/decisions", data={"item": item, "decision": decision})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_all_reports_are_judged_one_after_the_other_and_counted(api: Api, sample: str) -> None:
    path = review_of(sample)
    with api.client(*REVIEWER) as anna:
        judged, at = [], path
        for number in range(6):
            html = see(anna, at)
            assert f"<strong>{number} of 6</strong> judged" in html
            judged.append(shown_item(html))
            at = press(anna, path, judged[-1], "case")
        assert judged == [f"V{number:04d}" for number in range(1, 7)]
        assert "You have judged all 6 reports" in see(anna, at)


def test_the_extractors_word_is_not_on_the_page_and_the_next_report_is(
    api: Api, sample: str
) -> None:
    with api.client(*REVIEWER) as anna:
        texts = {n: anna.get(f"{sample}/items/V{n:04d}").json()["text"] for n in range(1, 7)}
        html = see(anna, review_of(sample))
    assert unescape(html).count("Words of") == 2
    shown, ahead = html.split('<template id="ahead">')
    assert texts[1] in unescape(shown)
    assert texts[2] in unescape(ahead)
    for word in ("stated", "probable", "named", "<mark", 'class="badge', "R1b"):
        assert word not in html


def test_who_may_not_read_text_judges_without_a_word_of_it(api: Api, sample: str) -> None:
    path = review_of(sample)
    with api.client(*REVIEWER) as other:
        decide(other, sample, "V0001", "case")
    with api.client("audits:read", "review") as blind:
        pages = [see(blind, path)]
        press(blind, path, "V0001", "no_case")
        pages += [see(blind, f"{path}{part}") for part in ("", "/disagreements", "/validation")]
    assert "ACC-" in pages[0]
    assert not any("Words of" in html or "Marrow oedema of" in html for html in pages)
    with api.client("audits:read", "text:read") as viewer:
        assert viewer.get(path, headers=PEOPLE).status_code == 403
        assert "Judge" not in see(viewer, path.rpartition("/")[0])


def test_the_last_decision_is_undone_and_its_report_shown_again(api: Api, sample: str) -> None:
    path = review_of(sample)
    with api.client(*REVIEWER) as anna:
        press(anna, path, "V0001", "case")
        press(anna, path, "V0002", "unclear")
        answer = anna.post(f"{path}/undo")
        assert answer.headers["location"] == f"{path}?item=V0002"
        html = see(anna, answer.headers["location"])
        assert (shown_item(html), "You said" in html) == ("V0002", False)
        assert "<strong>1 of 6</strong>" in html
        assert "You said: case" in see(anna, f"{path}?item=V0001")


def test_a_report_left_for_later_comes_again_at_the_end(api: Api, sample: str) -> None:
    path = review_of(sample)
    with api.client(*REVIEWER) as anna:
        [later] = re.findall(r'href="([^"]+)">Later', see(anna, path))
        assert later == f"{path}?item=V0002"
        at = later
        for _ in range(5):
            at = press(anna, path, shown_item(see(anna, at)), "no_case")
        assert shown_item(see(anna, at)) == "V0001"


def test_a_third_reviewer_is_told_so_and_what_is_no_decision_is_refused(
    api: Api, sample: str
) -> None:
    path = review_of(sample)
    with api.client(*REVIEWER) as anna, api.client(*REVIEWER) as bert:
        press(anna, path, "V0001", "case")
        press(bert, path, "V0001", "case")
        wrong = {"item": "V0001", "decision": "perhaps"}
        assert bert.post(f"{path}/decisions", data=wrong).status_code == 422
    with api.client(*REVIEWER) as carl:
        html = see(carl, path)
        assert "Two others review this sample" in html
        assert "Words of" not in html
        late = {"item": "V0001", "decision": "case"}
        assert carl.post(f"{path}/decisions", data=late).status_code == 409


def test_disagreements_stand_side_by_side_and_are_decided_one_by_one(
    api: Api, client: httpx.Client, sample: str
) -> None:
    path = review_of(sample)
    with api.client(*REVIEWER) as anna, api.client(*REVIEWER) as bert:
        for item, other in (("V0001", "no_case"), ("V0002", "unclear"), ("V0003", "case")):
            press(anna, path, item, "case")
            press(bert, path, item, other)
    html = see(client, f"{path}/disagreements")
    assert "<strong>2 of 2</strong> to be decided" in html
    assert re.findall(r'class="said (\w+)"', html) == ["case", "no_case"]
    assert "Words of" in html
    verdict = {"item": shown_item(html), "decision": "no_case"}
    answer = client.post(f"{path}/verdicts", data=verdict)
    assert answer.headers["location"] == f"{path}/disagreements"
    html = see(client, answer.headers["location"])
    assert (shown_item(html), "<strong>1 of 2</strong>" in html) == ("V0002", True)


def test_the_validation_says_shares_intervals_misses_and_how_many_more(
    api: Api, client: httpx.Client, sample: str
) -> None:
    path = review_of(sample)
    with api.client(*REVIEWER) as anna, api.client(*REVIEWER) as bert:
        for number in range(1, 7):
            item = f"V{number:04d}"
            text = anna.get(f"{sample}/items/{item}").json()["text"]
            press(anna, path, item, "case" if "of case" in text else "no_case")
            press(bert, path, item, "case" if "of case" in text else "no_case")
    html = see(client, f"{path}/validation?width=0.2")
    told = client.get(f"{sample}/validation", params={"width": 0.2}).json()
    # 3 of 3: the score interval begins at n / (n + z^2).
    assert told["ppv"]["interval"] == [pytest.approx(3 / (3 + 1.959964**2)), 1.0]
    assert "positive predictive value 1.000" in html
    assert all(sentence in unescape(html) for sentence in told["in_words"])
    assert f"<strong>{told['more_to_review']}</strong> more cases" in html
    assert (
        "Cohen&#39;s kappa <strong>1.00</strong>" in html or "kappa <strong>1.00</strong>" in html
    )
    assert client.get(f"{path}/validation?width=7", headers=PEOPLE).status_code == 422


def test_a_sample_is_drawn_by_a_form_which_says_its_faults(
    api: Api, client: httpx.Client, audit: str
) -> None:
    path = f"/audits/{audit}/review"
    form = {"cases": "2", "named": "2", "rest": "2", "seed": "77", "texts": "true"}
    answer = client.post(path, data=form)
    assert answer.headers["location"] == path
    html = see(client, path)
    assert "6 reports, seed 77" in html
    faulty = client.post(path, data=form | {"cases": "many"})
    assert faulty.status_code == 422
    assert '<a href="#cases">' in faulty.text
    with api.client(*REVIEWER) as reviewer:
        assert "Draw a sample" not in see(reviewer, path)
        assert reviewer.post(path, data=form).status_code == 403


def test_every_page_of_a_review_is_without_inline_parts(client: httpx.Client, sample: str) -> None:
    path = review_of(sample)
    for one in (path, f"{path}/disagreements", f"{path}/validation", path.rpartition("/")[0]):
        html = see(client, one)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script>", html)


def test_the_page_of_an_audit_can_include_the_way_to_its_reviews(audit: str) -> None:
    template = environment().get_template("review_link.html.j2")
    html = template.render(audit={"id": audit}, visitor=Visitor("test", frozenset()))
    assert f'href="/audits/{audit}/review"' in html
