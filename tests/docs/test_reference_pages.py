"""The pages of the reference that are made from the code are what the code says now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.problems import Code
from scripts.reference_pages import FOLDER, PAGES

DOCS = FOLDER.parent
MADE = "<!-- Made by `make reference`; change the code that it tells of. -->\n\n"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    page = (FOLDER / name).read_text(encoding="utf-8")
    assert page == MADE + PAGES[name](), "run: make reference"


def test_every_setting_says_what_it_is() -> None:
    rows = re.findall(
        r"^\| `(MARROW_\w+)` \| .*? \| (.*) \|$", PAGES["settings.md"](), re.MULTILINE
    )
    assert len(rows) > 50
    assert [name for name, about in rows if not about] == []


def test_every_command_and_every_option_says_what_it_is() -> None:
    page = PAGES["commands.md"]()
    sections = page.split("\n## ")[1:]
    assert len(sections) > 30
    assert [one.partition("\n")[0] for one in sections if len(one.split("\n", 3)[2]) < 10] == []
    options = re.findall(r"^\| (`-[^|]*) \| .*? \| (.*) \|$", page, re.MULTILINE)
    assert [name for name, about in options if not about] == []


def test_every_error_code_is_documented() -> None:
    page = PAGES["errors.md"]()
    assert [code for code in Code if f"| `{code.value}` |" not in page] == []


def test_no_page_names_a_setting_that_there_is_not() -> None:
    known = set(re.findall(r"`(MARROW_\w+)`", PAGES["settings.md"]()))
    # Of docker-compose.yml, of the program's tests and of what people set for themselves.
    others = {"MARROW_KEY", "MARROW_API_KEY", "MARROW_PUBLISHED_PORT", "MARROW_SECRETS_DIR"}
    pages = [page for page in DOCS.rglob("*.md") if "decisions" not in page.parts]
    named = {
        (page.name, name)
        for page in pages
        for name in re.findall(r"MARROW_[A-Z_]*[A-Z]", page.read_text(encoding="utf-8"))
    }
    assert {pair for pair in named if pair[1] not in known | others} == set()


def test_every_link_of_a_page_leads_somewhere() -> None:
    dead = [
        (str(page.relative_to(DOCS)), link)
        for page in DOCS.rglob("*.md")
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not link.startswith("http") and not (page.parent / link).exists()
    ]
    assert dead == []


def test_every_page_stands_in_the_navigation() -> None:
    navigation = (Path(DOCS).parent / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert {page for page in pages if page not in navigation} == set()
