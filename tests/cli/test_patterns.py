from __future__ import annotations

import json
import shutil
from pathlib import Path

from extractor.knowledge.load import shipped_directory
from tests.cli.commands import marrow, one_line_error, write_archive

SECOND = Path(__file__).parents[1] / "extractor" / "second_pattern_set"


def test_every_example_of_the_shipped_patterns_is_read_as_it_says() -> None:
    done = marrow("patterns", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failed" in done.stdout


def test_an_example_that_is_read_otherwise_is_shown(tmp_path: Path) -> None:
    directory = tmp_path / "patterns"
    shutil.copytree(shipped_directory(), directory)
    path = directory / "findings/effusion.yaml"
    text = path.read_text()
    assert text.count('"No pleural effusion or pneumothorax."') == 1
    path.write_text(text.replace('"No pleural effusion or pneumothorax."', '"A pleural effusion."'))
    done = marrow("patterns", "check", directory)
    assert done.returncode == 1
    assert "A pleural effusion." in done.stdout


def test_the_digest_and_the_findings_are_shown() -> None:
    done = marrow("patterns", "show")
    assert "sha256:" in done.stdout
    assert "marrow_oedema" in done.stdout


def test_a_directory_without_patterns_is_one_line(tmp_path: Path) -> None:
    assert "pattern" in one_line_error(marrow("patterns", "check", tmp_path))


def test_lint_names_file_line_and_mend_and_fails_on_errors_only(tmp_path: Path) -> None:
    directory = tmp_path / "patterns"
    shutil.copytree(SECOND, directory)
    assert marrow("patterns", "lint", directory).returncode == 0
    (directory / "lexicon.yaml").write_text("stone: [stone]\nidle: [idle]\n")
    done = marrow("patterns", "lint", directory)
    assert done.returncode == 1
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("lexicon.yaml:2: error: no phrase uses the lexicon entry 'idle'")
    assert last == "1 errors, 2 notes"
    remarks = json.loads(marrow("patterns", "lint", directory, "--json").stdout)
    assert (remarks[0]["code"], remarks[0]["line"]) == ("unused_lexicon_entry", 2)


def changed_patterns(tmp_path: Path) -> Path:
    """The second set with three changes: a finding more, one less, and a doubt for a denial."""
    directory = shutil.copytree(SECOND, tmp_path / "patterns")
    for name, old, new in (
        ("findings/all.yaml", "phrases: [hydronephrosis]", "phrases: [gravel]"),
        ("context/all.yaml", '["no", without]', '["no"]'),
        ("context/all.yaml", "[possible]", "[possible, without]"),
    ):
        text = (directory / name).read_text()
        assert old in text
        (directory / name).write_text(text.replace(old, new))
    return directory


def test_diff_shows_what_came_what_went_and_what_changed(tmp_path: Path) -> None:
    archive = write_archive(
        tmp_path / "archive.jsonl",
        [
            {"id": "same", "text": "Kidney. A stone. Secret."},
            {"id": "other", "text": "Kidney without stone. Hydronephrosis. Gravel. Secret."},
            {"id": "level", "text": "Kidney with a stone and hydronephrosis. Secret."},
            {"id": "long", "text": "x" * 200_001},
        ],
    )
    words = ("patterns", "diff", SECOND, changed_patterns(tmp_path), "--archive", archive)
    done = marrow(*words)
    assert done.returncode == 0, done.stderr
    assert "3 reports read, 2 change, 1 could not be read" in done.stdout
    assert "stated to possible: 1" in done.stdout
    assert "Secret" not in done.stdout
    answer = json.loads(marrow(*words, "--json").stdout)
    assert (answer["reports"], answer["changed"], answer["unread"]) == (3, 2, 1)
    assert answer["levels"] == [
        {"before": "none", "after": "possible", "reports": 1},
        {"before": "stated", "after": "possible", "reports": 1},
    ]
    other, level = answer["differences"]
    assert (other["report_id"], other["line"]) == ("other", 2)
    assert [(one["kind"], one["quote"]) for one in other["mentions"]] == [
        ("changed", "stone"),
        ("went", "Hydronephrosis"),
        ("came", "Gravel"),
    ]
    assert other["mentions"][0]["before"] == {"status": "negated", "certainty": None}
    assert other["mentions"][0]["after"] == {"status": "uncertain", "certainty": "possible"}
    assert (level["before"]["level"], level["after"]["level"]) == ("stated", "possible")
    assert "Secret" not in json.dumps(answer)


def test_a_diff_of_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    archive = tmp_path / "none.csv"
    done = marrow("patterns", "diff", "shipped", tmp_path, "--archive", archive)
    assert "pattern_set.yaml" in one_line_error(done)
    done = marrow("patterns", "diff", SECOND, SECOND, "--archive", archive)
    assert "none.csv" in one_line_error(done)
