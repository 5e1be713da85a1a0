"""What people do on the pages, with scripts and without; found by role and name only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.pages.axe import violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.pages.served import Served

PASTED = (
    "MRI LEFT HIP. Bone marrow oedema of the left femoral head and neck. "
    "No joint effusion. Appearances favour transient osteoporosis."
)
with_and_without_scripts = pytest.mark.parametrize("scripts", [True, False])


@with_and_without_scripts
def test_a_person_signs_in_with_a_key_and_out_again(
    open_page: Callable[..., Page], service: Served, *, scripts: bool
) -> None:
    page = open_page(None, scripts=scripts)
    page.goto("/reports")
    page.get_by_label("Key").fill("mk_not-a-key")
    page.get_by_role("button", name="Sign in").click()
    assert "The key is unknown, expired or revoked." in page.get_by_role("alert").inner_text()
    page.get_by_label("Key").fill(service.admin_key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/reports")
    page.get_by_role("link", name="Sessions").click()
    assert page.get_by_text("(this one)").count() == 1
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto("/reports")
    assert page.get_by_label("Key").is_visible()


@with_and_without_scripts
def test_a_pasted_report_is_read_and_its_mentions_are_marked(
    open_page: Callable[..., Page], *, scripts: bool
) -> None:
    page = open_page(scripts=scripts)
    page.goto("/try")
    page.get_by_label("Report text").fill(PASTED)
    page.get_by_role("button", name="Read").click()
    page.get_by_role("heading", name="Assessment").wait_for()
    assert page.get_by_role("row").filter(has_text="marrow oedema").count() == 1
    effusion = page.get_by_role("row").filter(has_text="effusion")
    assert "negated" in effusion.inner_text()
    if scripts:  # axe is one
        assert violations(page) == []


@with_and_without_scripts
def test_a_list_is_filtered_and_the_address_keeps_the_filter(
    open_page: Callable[..., Page], *, scripts: bool
) -> None:
    page = open_page(scripts=scripts)
    page.goto("/reports")
    page.get_by_role("link", name=re.compile("^stated")).first.click()
    page.wait_for_url("**level=stated**")
    page.get_by_label("Finding", exact=True).select_option("effusion")
    if not scripts:
        page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**finding=effusion**")
    page.reload()
    assert page.get_by_label("Finding", exact=True).input_value() == "effusion"
    assert page.get_by_role("table").get_by_role("row").count() > 1


def test_what_a_filter_left_is_said_to_who_cannot_see_it(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/reports")
    page.get_by_label("Finding", exact=True).select_option("effusion")
    page.get_by_role("status").filter(has_text=re.compile(r"\d reports")).wait_for()


def test_evidence_leads_to_the_words_and_they_tell_what_they_are(
    open_page: Callable[..., Page], service: Served
) -> None:
    page = open_page()
    page.goto(f"/reports/{service.stated}")
    evidence = page.get_by_role("region", name="Assessment").get_by_role("link").first
    words = evidence.inner_text().strip("“”")
    evidence.focus()
    page.keyboard.press("Enter")
    place = page.url.rsplit("#", 1)[1]
    assert words.split()[0] in page.locator(f"[id='{place}']").inner_text()


def test_a_mark_shows_its_card_on_focus_and_escape_puts_it_away(
    open_page: Callable[..., Page], service: Served
) -> None:
    page = open_page()
    page.goto(f"/reports/{service.stated}")
    mark = page.get_by_role("region", name="Report text").locator("mark[tabindex]").first
    card = mark.locator(":scope > .card")
    mark.focus()
    assert card.is_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert not card.is_visible()
