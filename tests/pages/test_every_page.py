"""Every page at two widths, in light and dark: nothing for axe to find, nothing to scroll sideways.

That no page asks anything of another origin, breaks its own policy or fails in its scripts is
looked at in every test of this folder (``conftest.Watched``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from tests.pages.axe import violations
from tests.pages.places import places

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Response

    from tests.pages.served import Served

MOST_BYTES = 150_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_on_any_page(
    open_page: Callable[..., Page], service: Served, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = open_page(width=width)
    page.emulate_media(color_scheme=scheme)
    found = {}
    for name, path in places(service).items():
        page.goto(path)
        found[name] = violations(page)
    assert found == {name: [] for name in places(service)}


def test_no_page_is_wider_than_a_telephone(open_page: Callable[..., Page], service: Served) -> None:
    page = open_page(width=320)
    widths = {}
    for name, path in places(service).items():
        page.goto(path)
        widths[name] = page.evaluate("document.documentElement.scrollWidth")
    assert widths == dict.fromkeys(places(service), 320)


def test_no_page_weighs_more_than_150_kilobytes_with_all_that_it_loads(
    open_page: Callable[..., Page], service: Served
) -> None:
    weights = {name: _weight(open_page(), path) for name, path in places(service).items()}
    assert {name: weight for name, weight in weights.items() if weight > MOST_BYTES} == {}


def _weight(page: Page, path: str) -> int:
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    page.goto(path, wait_until="networkidle")
    assert len(answers) >= 4, "the page, its style sheet and two scripts"
    return sum(len(answer.body()) for answer in answers)


def test_every_page_has_one_heading_a_title_and_a_way_past_the_navigation(
    open_page: Callable[..., Page], service: Served
) -> None:
    page = open_page()
    for path in places(service).values():
        page.goto(path)
        assert page.get_by_role("heading", level=1).count() == 1
        assert page.title().endswith(" · Marrow")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
