"""A finished audit's sample, judged by two who disagree: over HTTP, and on the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.canary.exchanges import Recorder

_SAMPLES = "/v1/audits/{id}/samples"
_SAMPLE = f"{_SAMPLES}/{{sample}}"
_ITEM = f"{_SAMPLE}/items/{{item}}"
_PAGE = "/audits/{id}/review"
_REVIEW = f"{_PAGE}/{{sample}}"
_OURS = {"Sec-Fetch-Site": "same-origin"}


def tell(recorder: Recorder, audit: str, second_token: str) -> None:
    """Draw samples of an audit, judge one, and delete another."""
    samples = f"/v1/audits/{audit}/samples"
    drawn = recorder.ask("POST", _SAMPLES, path=samples, json={})
    assert drawn.status_code == 201, drawn.text
    sample = drawn.headers["location"]
    second = replace(recorder, token=second_token)
    with second:
        item = _judge(recorder, second, sample)
        _judge_on_pages(recorder, second, sample, item)
    spare = recorder.ask("POST", _SAMPLES, path=samples, json={"texts": False}).headers["location"]
    recorder.ask("GET", _SAMPLES, path=samples)
    recorder.ask("DELETE", _SAMPLE, path=spare)


def _judge(first: Recorder, second: Recorder, sample: str) -> str:
    first.ask("GET", _SAMPLE, path=sample)
    listed = first.ask("GET", f"{_SAMPLE}/items", path=f"{sample}/items").json()["items"]
    item = str(listed[0]["item"])
    path = f"{sample}/items/{item}"
    shown = first.ask("GET", _ITEM, path=path)
    assert shown.json()["text"], "the words of the report are what is looked for"
    decide = ("PUT", f"{_ITEM}/decision")
    first.ask(*decide, path=f"{path}/decision", json={"decision": "case"})
    first.ask("DELETE", f"{_ITEM}/decision", path=f"{path}/decision")
    first.ask(*decide, path=f"{path}/decision", json={"decision": "case"})
    second.ask(*decide, path=f"{path}/decision", json={"decision": "no_case"})
    first.ask("GET", f"{_SAMPLE}/disagreements", path=f"{sample}/disagreements")
    verdict = first.ask(
        "PUT", f"{_ITEM}/verdict", path=f"{path}/verdict", json={"decision": "case"}
    )
    assert verdict.status_code == 204, verdict.text
    first.ask("GET", f"{_SAMPLE}/validation", path=f"{sample}/validation")
    return item


def _judge_on_pages(first: Recorder, second: Recorder, sample: str, judged: str) -> None:
    review = sample.removeprefix("/v1").replace("/samples/", "/review/")
    page = review.rpartition("/")[0]
    drawn = {"cases": "9", "named": "9", "rest": "9", "seed": "1", "texts": "true"}
    first.ask("POST", _PAGE, path=page, data=drawn, headers=_OURS)
    first.ask("GET", _PAGE, path=page)
    first.ask("GET", _REVIEW, path=review)
    first.ask("GET", _REVIEW, path=review, params={"item": judged})
    first.ask("GET", f"{_REVIEW}/disagreements", path=f"{review}/disagreements")
    chosen = {"item": judged, "decision": "unclear"}
    verdict = first.ask(
        "POST", f"{_REVIEW}/verdicts", path=f"{review}/verdicts", data=chosen, headers=_OURS
    )
    assert verdict.status_code == 303, verdict.text
    items = first.ask("GET", f"{_SAMPLE}/items", path=f"{sample}/items").json()["items"]
    other = next(one["item"] for one in items if one["item"] != judged)
    for who in (first, second):
        chosen = {"item": other, "decision": "case"}
        saved = who.ask(
            "POST", f"{_REVIEW}/decisions", path=f"{review}/decisions", data=chosen, headers=_OURS
        )
        assert saved.status_code == 303, saved.text
    undone = first.ask("POST", f"{_REVIEW}/undo", path=f"{review}/undo", headers=_OURS)
    assert undone.status_code == 303, undone.text
    first.ask("GET", f"{_REVIEW}/validation", path=f"{review}/validation")
