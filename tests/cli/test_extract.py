from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import marrow, one_line_error

if TYPE_CHECKING:
    from pathlib import Path

REPORT = """MRI LEFT HIP
Indication: 41-year-old man, groin pain for six weeks, no trauma.
Findings: Extensive bone marrow oedema of the left femoral head and neck. Small joint effusion.
No subchondral fracture. <b>&amp;
Impression: Transient osteoporosis of the left hip.
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "R17.txt"
    path.write_text(REPORT, encoding="utf-8")
    return path


def test_the_terminal_shows_signs_level_and_evidence_without_colour(report: Path) -> None:
    done = marrow("extract", report)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "STATED" in done.stdout
    assert "[+" in done.stdout
    assert "[\u2212subchondral fracture]" in done.stdout
    assert "named" in done.stdout
    assert "not a diagnosis" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_json_is_the_contract_with_quotes_at_their_offsets(report: Path) -> None:
    done = marrow("extract", report, "--json", "--modality", "MR", "--age", "44")
    result = json.loads(done.stdout)
    assert result["report_id"] == "R17"
    assert result["patient"]["age_years"] == 44
    assert result["mentions"]
    for mention in result["mentions"]:
        assert REPORT[mention["start"] : mention["end"]] == mention["quote"]


def test_html_escapes_the_report_and_loads_nothing(report: Path) -> None:
    page = marrow("extract", report, "--html").stdout
    assert "&lt;b&gt;&amp;amp;" in page
    assert '<mark class="affirmed"' in page
    assert "http" not in page.replace("http-equiv", "")


def test_standard_input_is_read_and_control_characters_are_not_passed_on(report: Path) -> None:
    text = report.read_text() + "\x1b[2J\x1b]0;title\x07 \u202eoverride"
    done = marrow("extract", "-", stdin=text)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_many_are_answered_in_order_each_with_its_result_or_reason(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    lines = [
        json.dumps({"id": "a", "text": REPORT}),
        "{broken Zanzibar",
        json.dumps({"id": "c", "text": "x" * 200_001}),
        json.dumps({"id": "d", "text": "Normal chest."}),
    ]
    path.write_text("\n".join(lines))
    done = marrow("extract", "--jsonl", path)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("report_id") for answer in answers] == ["a", None, "c", "d"]
    assert answers[1] == {
        "line": 2,
        "error": {"code": "not_json", "detail": "The line is not JSON."},
    }
    assert answers[2]["error"]["code"] == "text_too_long"
    assert answers[3]["assessment"]["level"]
    assert "2 lines" in done.stderr
    assert "Zanzibar" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["absent.txt"], "No such file"),
        (["-"], "no text"),
        (["-", "--json", "--html"], "Choose one"),
        (["--jsonl", "absent.jsonl"], "No such file"),
    ],
)
def test_wrong_use_is_one_line_with_what_to_do(words: list[str], what: str) -> None:
    assert what in one_line_error(marrow("extract", *words))


def test_patterns_of_ones_own_that_are_wrong_are_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pattern_set.yaml").write_text("name: [")
    done = marrow("extract", "-", "--patterns", tmp_path, stdin="Effusion.")
    assert "pattern_set.yaml" in one_line_error(done)
