from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from extractor import Extractor
from extractor.knowledge.load import shipped_directory
from extractor.patterns_check import check_patterns

if TYPE_CHECKING:
    from pathlib import Path


def test_every_example_beside_the_shipped_patterns_holds(extractor: Extractor) -> None:
    result = check_patterns(extractor)
    assert result.failures == ()
    assert result.examples >= 20


def test_an_example_that_does_not_hold_is_told_with_its_rule(tmp_path: Path) -> None:
    copied = shutil.copytree(shipped_directory(), tmp_path / "patterns")
    path = copied / "findings" / "effusion.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("status: negated, sites: [pleura]", "status: affirmed"), "utf-8")
    (failure,) = check_patterns(Extractor.load(copied)).failures
    assert failure.rule == "effusion.named"
    assert "status is negated, expected affirmed" in failure.problem
