"""Photograph every page at three widths, light and dark, for a person to look at: ``make screenshots``."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.pages.places import places
from tests.pages.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

    from tests.pages.served import Served

WIDTHS = (320, 768, 1280)
SCHEMES = ("light", "dark")
README_FOLDER = Path("docs/images")
README = {"one report": "report", "audit": "audit", "case": "case", "review": "review"}
"""Places that the README shows, with the names of their pictures."""
_COLOURS = 96


def main() -> int:
    """Take the photographs; 1 where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("screenshots"))
    parser.add_argument("--readme", action="store_true", help="only those that the README shows")
    options = parser.parse_args()
    output = README_FOLDER if options.readme else options.output
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
        if options.readme:
            _photograph_for_readme(browser, service, output)
        else:
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


def _photograph_for_readme(browser: Browser, service: Served, output: Path) -> None:
    """Photograph what fits a window, in few colours: the pictures stand in the repository."""
    headers = {"Authorization": f"Bearer {service.admin_key}"}
    size: ViewportSize = {"width": 1200, "height": 800}
    context = browser.new_context(
        base_url=service.url, viewport=size, color_scheme="light", extra_http_headers=headers
    )
    page = context.new_page()
    for place, name in README.items():
        page.goto(places(service)[place], wait_until="networkidle")
        with Image.open(BytesIO(page.screenshot())) as shot:
            few = shot.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
            few.save(output / f"{name}.png", optimize=True)
    context.close()


if __name__ == "__main__":
    sys.exit(main())
