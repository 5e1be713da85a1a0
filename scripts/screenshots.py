"""Photograph every page at three widths, light and dark, for a person to look at: ``make screenshots``."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.pages.places import places
from tests.pages.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.pages.served import Served

WIDTHS = (320, 768, 1280)
SCHEMES = ("light", "dark")


def main() -> int:
    """Take the photographs; 1 where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("screenshots"))
    output = parser.parse_args().output
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("There is no chromium on the PATH: apt-get install chromium", file=sys.stderr)
        return 1
    output.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="marrow-screenshots-") as folder,
        served(Path(folder)) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in WIDTHS:
            for scheme in SCHEMES:
                _photograph(browser, service, output, width=width, scheme=scheme)
        browser.close()
    print(f"{len(list(output.glob('*.png')))} pictures in {output}")
    return 0


def _photograph(
    browser: Browser, service: Served, output: Path, *, width: int, scheme: str
) -> None:
    context = browser.new_context(
        base_url=service.url,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        extra_http_headers={"Authorization": f"Bearer {service.admin_key}"},
    )
    page = context.new_page()
    for name, path in places(service).items():
        page.goto(path, wait_until="networkidle")
        picture = output / f"{name.replace(' ', '-')}-{width}-{scheme}.png"
        page.screenshot(path=picture, full_page=True)
    context.close()


if __name__ == "__main__":
    sys.exit(main())
