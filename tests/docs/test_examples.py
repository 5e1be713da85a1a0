"""The examples of the pages, run as a reader would: commands in a folder of his own, Python as it stands.

Blocks marked `sh` and `python` are run; what needs a service, a proxy or files of a house is not marked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extractor.knowledge.schema import Rule

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ("tutorial/quickstart.md", "how-to/audit.md", "how-to/python.md", "how-to/patterns.md")
REPORT = "MRI LEFT HIP. Marrow oedema of the left femoral head and neck. No effusion.\n"


def blocks(page: str, kind: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the reader has: the samples, the patterns and a report."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "patterns", tmp_path / "patterns")
    (tmp_path / "report.txt").write_text(REPORT, encoding="utf-8")
    return tmp_path


def run(folder: Path, *command: str) -> str:
    binaries = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": binaries, "PYTHONPATH": "", "COLUMNS": "120"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_do_what_they_say(folder: Path, page: str) -> None:
    for block in blocks(page, "sh"):
        shutil.rmtree(folder / "out", ignore_errors=True)
        assert run(folder, "bash", "-euc", block)


def test_the_python_of_the_pages_runs_as_it_stands(folder: Path) -> None:
    found = [block for page in PAGES for block in blocks(page, "python")]
    assert len(found) >= 2
    first, *_ = [run(folder, sys.executable, "-c", block) for block in found]
    assert "marrow_oedema affirmed left Bone marrow oedema" in first


def test_the_rule_that_is_shown_is_a_rule() -> None:
    [shown] = blocks("how-to/patterns.md", "yaml")
    [rule] = yaml.safe_load(shown)
    assert Rule.model_validate(rule).examples
