from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from extractor.knowledge.load import shipped_directory
from tests.cli.commands import marrow, one_line_error

if TYPE_CHECKING:
    from pathlib import Path


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
