"""The page that `marrow audit` writes, opened from disk with nothing else to load."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Literal

import pytest

from examples.demo import ARCHIVE, ROOT
from tests.pages.axe import violations

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def audit_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an audit of the sample archive."""
    out: Path = tmp_path_factory.mktemp("audited") / "out"
    command = (sys.executable, "-m", "cli", "audit", str(ARCHIVE), "-o", str(out))
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return out / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_opens_without_a_network_and_axe_finds_nothing(
    browser: Browser, audit_page: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(audit_page.as_uri())
    assert page.get_by_role("img").count() > 0
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()
