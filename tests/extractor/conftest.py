"""One extractor for all tests: loading takes seconds, and it holds no state between reports."""

from __future__ import annotations

import pytest

from extractor import Extractor


@pytest.fixture(scope="session")
def extractor() -> Extractor:
    """The extractor with the shipped patterns."""
    return Extractor.load()
