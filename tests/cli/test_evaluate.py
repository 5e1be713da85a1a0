from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.commands import marrow, one_line_error

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "No hip joint effusion. Bone marrow oedema of the left femoral head."


def write_gold(path: Path) -> Path:
    effusion = TEXT.index("hip joint effusion")
    lines = [
        {"id": "a", "text": TEXT, "expected": {"mentions": [
            {"finding": "effusion", "start": effusion, "end": effusion + 18, "status": "negated"},
            {"finding": "tumour", "start": 0, "end": 2},
        ]}},
        {"id": "b", "text": "No fever.", "target": {"start": 3, "end": 8}, "expected": {"negated": True}},
    ]  # fmt: skip
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_scores_errors_page_and_predictions(tmp_path: Path) -> None:
    gold = write_gold(tmp_path / "gold.jsonl")
    page, predictions = tmp_path / "page.html", tmp_path / "predictions.jsonl"
    done = marrow("evaluate", "--gold", gold, "--html", page, "--predictions", predictions)
    assert done.returncode == 0, done.stderr
    assert "1 reports and 1 given spans" in done.stdout
    assert "missed: expected tumour" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "tumour" in page.read_text()
    first, second = (json.loads(line) for line in predictions.read_text().splitlines())
    assert (first["id"], second) == (
        "a", {"id": "b", "status": "negated", "certainty": None, "experiencer": "patient"},
    )  # fmt: skip


def test_a_gold_file_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    assert "No such file" in one_line_error(marrow("evaluate", "--gold", path))
    path.write_text("")
    assert "no lines" in one_line_error(marrow("evaluate", "--gold", path))
    path.write_text('{"id": "1"}')
    assert "gold.jsonl:1" in one_line_error(marrow("evaluate", "--gold", path))
