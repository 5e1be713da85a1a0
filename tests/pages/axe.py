"""axe-core on a page: what of WCAG 2.2 AA a program can see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""Of dist `axe.min.js` of the npm package axe-core 4.14.1 (MPL-2.0)."""
_RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  return (await axe.run(document, {runOnly: tags})).violations;
}"""


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong, each with the elements."""
    # Evaluated from outside, so the page's own policy does not have to let it in.
    page.evaluate(SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [
        f"{one['id']}: {one['help']} in {[node['html'][:160] for node in one['nodes'][:5]]}"
        for one in found
    ]
