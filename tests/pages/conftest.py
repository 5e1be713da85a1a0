"""A real browser on a real service; only with ``MARROW_BROWSER=1`` (``make check-pages``)."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.pages.served import Served, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

collect_ignore_glob = [] if os.environ.get("MARROW_BROWSER") else ["test_*.py"]
"""Not part of ``make test``: they start a browser and the whole service."""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
"""A browser of our own user, that asks nobody anything but what a test asks."""
OWN_ERRORS = (
    "401 (Unauthorized)", "404 (Not Found)", "403 (Forbidden)", "422 (", "Status Error Code 422",
)  # fmt: skip
"""What the console says of answers that a test asks for."""


class Watched:
    """A page on which nothing may go wrong unseen."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self._origin = origin
        page.on("request", lambda request: self._requested(request.url))
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))

    def _requested(self, url: str) -> None:
        parts = urlsplit(url)
        if (
            parts.scheme not in {"data", "blob"}
            and f"{parts.scheme}://{parts.netloc}" != self._origin
        ):
            self.faults.append(f"a request to {parts.netloc}")

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not any(words in text for words in OWN_ERRORS):
            self.faults.append(f"console: {text}")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service, filled."""
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium on the PATH; .ci/run installs it")
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Browser, service: Served) -> Iterator[Callable[..., Page]]:
    """Return a way to open pages as somebody; at the end none of them may have had a fault."""
    opened: list[Watched] = []
    contexts = []

    def open_(
        key: str | None = service.admin_key, *, scripts: bool = True, width: int = 1280
    ) -> Page:
        context = browser.new_context(
            base_url=service.url,
            java_script_enabled=scripts,
            viewport={"width": width, "height": 900},
            extra_http_headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        opened.append(Watched(context.new_page(), service.url))
        return opened[-1].page

    yield open_
    for context in contexts:
        context.close()
    assert [fault for watched in opened for fault in watched.faults] == []
