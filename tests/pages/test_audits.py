"""Audits with a real browser: an archive goes in by hand, its cases are followed to their patients."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from examples.demo import ARCHIVE
from tests.pages.axe import violations
from tests.pages.test_flows import with_and_without_scripts

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.pages.served import Served

DROPPED = """([selector, name, text]) => {
  const held = new DataTransfer();
  held.items.add(new File([text], name));
  const zone = document.querySelector(selector);
  for (const kind of ["dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true }));
  }
}"""


@with_and_without_scripts
def test_an_archive_is_uploaded_looked_at_and_read(
    open_page: Callable[..., Page], *, scripts: bool
) -> None:
    page = open_page(scripts=scripts)
    page.goto("/audits")
    page.get_by_label("Archive", exact=True).set_input_files(ARCHIVE)
    page.get_by_role("button", name="Upload, and see what is in it").click()
    page.get_by_role("heading", name="What was recognised").wait_for()
    page.get_by_label("Which reports").select_option("hip")
    page.get_by_role("button", name="Look again").click()
    page.wait_for_url("**focus=hip**")
    assert page.get_by_label("Which reports").input_value() == "hip"
    page.get_by_role("button", name="Start the audit").click()
    page.wait_for_url("**/audits/aud_*")
    if scripts:  # axe is one, and so is what asks again
        assert violations(page) == []
        page.get_by_role("heading", name="From rows to reports").wait_for(timeout=60_000)
        page.get_by_role("status").filter(has_text="done").wait_for()
    else:
        while page.get_by_role("link", name="Look again").count():
            page.get_by_role("link", name="Look again").click()
    page.get_by_role("navigation", name="This audit").get_by_role("link", name="Cases").click()
    assert page.get_by_text(re.compile(r"\d+ cases;")).is_visible()


def test_an_archive_can_be_dropped(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/audits")
    text = "report_id,text\n1,No effusion of the left hip.\n"
    page.evaluate(DROPPED, ["[data-drop]", "dropped.csv", text])
    page.get_by_role("button", name="Upload, and see what is in it").click()
    page.get_by_text("dropped.csv: of the first 1 rows 1 can be read as reports.").wait_for()


def test_what_is_no_archive_is_said_where_it_was_chosen(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/audits")
    page.evaluate(DROPPED, ["[data-drop]", "empty.csv", ""])
    page.get_by_role("button", name="Upload, and see what is in it").click()
    page.get_by_role("alert").filter(has_text="choose a file that is not empty").wait_for()
    assert violations(page) == []


@with_and_without_scripts
def test_a_case_is_found_by_filters_and_followed_to_its_patient(
    open_page: Callable[..., Page], service: Served, *, scripts: bool
) -> None:
    page = open_page(scripts=scripts)
    page.goto(f"/audits/{service.audit}/cases")
    page.get_by_role("link", name=re.compile("^left")).click()
    page.wait_for_url("**side=left**")
    page.get_by_label("Order", exact=True).select_option("latest study first")
    if not scripts:
        page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**sort=study_newest**")
    assert "side=left" in page.url
    page.get_by_role("link", name=re.compile(r"^Case \d")).first.click()
    page.get_by_role("heading", name="The patient over time").wait_for()
    assert page.get_by_role("img", name=re.compile("Levels of")).is_visible()
    assert page.get_by_role("region", name="Table: timeline").get_by_role("row").count() > 1


def test_an_audit_is_cancelled_while_it_runs(open_page: Callable[..., Page]) -> None:
    page = open_page(scripts=False)
    page.goto("/audits")
    rows = "".join(f"{n},Effusion of the left hip {n}.\n" for n in range(60_000))
    archive: Any = {
        "name": "long.csv",
        "mimeType": "text/csv",
        "buffer": f"id,text\n{rows}".encode(),
    }
    page.get_by_label("Archive", exact=True).set_input_files(archive)
    page.get_by_role("button", name="Upload, and see what is in it").click()
    page.get_by_role("button", name="Start the audit").click()
    page.get_by_role("button", name="Cancel").click()
    assert page.get_by_text("It was cancelled").is_visible()
