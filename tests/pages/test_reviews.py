"""Judging with a real browser: by keys alone, by buttons alone, and what is said to who cannot see."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.pages.reviewed import draw, page_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.pages.served import Served

MOST_S = 0.15
"""From the key to the next report's words, for half of them: others share the machine's two cores."""

PRESS_AS_SOON_AS_ANSWERED = """() => {
  const answered = new MutationObserver(() => {
    if (!document.querySelector(".progress").textContent.includes("1 of 25 judged")) return;
    answered.disconnect();
    window.pressedAtOnce = true;
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "n", bubbles: true}));
  });
  answered.observe(document.body, {childList: true, subtree: true});
}"""
"""Nobody's finger is that quick, but a finger that is already on its way is."""


@pytest.fixture
def fresh(service: Served) -> str:
    """The pages of a sample that nobody has judged yet."""
    with service.client() as client:
        return page_of(draw(client, service.audit, seed=9))


def heading(page: Page, number: int) -> None:
    page.get_by_role("heading", name=f"Report {number} of 25").wait_for()


def wait_until_judged(page: Page, number: int) -> None:
    page.get_by_text(f"{number} of 25 judged").wait_for()


def test_ten_reports_are_judged_and_one_undone_by_the_keyboard_alone(
    open_page: Callable[..., Page], fresh: str
) -> None:
    page = open_page()
    page.goto(fresh)
    waited_s = []
    for number, key in enumerate("cnucncucnn", start=1):
        heading(page, number)
        began = time.monotonic()
        page.keyboard.press(key)
        heading(page, number + 1)
        waited_s.append(time.monotonic() - began)
        wait_until_judged(page, number)
    assert sorted(waited_s)[len(waited_s) // 2] < MOST_S
    page.get_by_role("status").filter(has_text="Report 11 of 25, 10 judged").wait_for()
    assert page.evaluate("document.activeElement.id") == "item-heading"
    page.keyboard.press("z")
    heading(page, 10)
    wait_until_judged(page, 9)
    page.reload()
    heading(page, 10)


def test_a_key_in_the_moment_the_answer_is_shown_loads_no_page_anew(
    open_page: Callable[..., Page], fresh: str
) -> None:
    page = open_page()
    page.goto(fresh)
    page.evaluate(PRESS_AS_SOON_AS_ANSWERED)
    page.keyboard.press("c")
    page.get_by_role("status").filter(has_text="Report 3 of 25, 2 judged").wait_for()
    assert page.evaluate("window.pressedAtOnce")


def test_keys_can_be_switched_off_and_stay_so(open_page: Callable[..., Page], fresh: str) -> None:
    page = open_page()
    page.goto(fresh)
    page.get_by_label("one key for each decision").uncheck()
    page.reload()
    assert not page.get_by_label("one key for each decision").is_checked()
    page.keyboard.press("c")
    page.get_by_role("button", name="No case").press("Enter")
    wait_until_judged(page, 1)
    page.get_by_role("button", name="Undo").click()
    wait_until_judged(page, 0)


def test_a_review_needs_no_scripts(open_page: Callable[..., Page], fresh: str) -> None:
    page = open_page(scripts=False)
    page.goto(fresh)
    for number, name in enumerate(("Case", "No case", "Cannot be told"), start=1):
        heading(page, number)
        page.get_by_role("button", name=name, exact=True).click()
    heading(page, 4)
    page.get_by_role("button", name="Undo the last decision").click()
    heading(page, 3)
    assert not page.get_by_label("one key for each decision").is_visible()


def test_a_disagreement_is_decided_without_scripts_and_the_validation_tells_it(
    open_page: Callable[..., Page], service: Served
) -> None:
    page = open_page(scripts=False)
    page.goto(f"{service.review}/disagreements")
    assert page.get_by_text("2 of 2 to be decided").is_visible()
    page.get_by_role("button", name="No case", exact=True).click()
    assert page.get_by_text("1 of 2 to be decided").is_visible()
    page.get_by_role("link", name="Validation").click()
    assert page.get_by_role("link", name="2 judged differently").is_visible()
    page.get_by_label("Wished width of the interval").fill("0.4")
    page.get_by_role("button", name="Apply").click()
    assert "width=0.4" in page.url
