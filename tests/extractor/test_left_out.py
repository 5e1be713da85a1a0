from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from extractor.left_out import without_unused_parts

if TYPE_CHECKING:
    import pytest

UNUSED = ("PyRuSH", "quickumls", "loguru", "nltk", "quicksectx")


def test_reading_reports_loads_no_unused_part_of_medspacy() -> None:
    code = f"""
import sys
import extractor
print([name for name in {UNUSED} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_empty_modules_are_gone_afterwards() -> None:
    with without_unused_parts():
        assert sys.modules["PyRuSH"].PyRuSHSentencizer is None
    assert "PyRuSH" not in sys.modules


def test_a_part_that_somebody_else_imported_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ModuleType("PyRuSH")
    monkeypatch.setitem(sys.modules, "PyRuSH", real)
    with without_unused_parts():
        assert sys.modules["PyRuSH"] is real
    assert sys.modules["PyRuSH"] is real
