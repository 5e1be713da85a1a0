"""The words of an XHTML narrative or an HTML report, with the line breaks that a reader sees."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "body",
        "br",
        "caption",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
_CELLS = frozenset({"td", "th"})
_UNSEEN = frozenset({"head", "script", "style", "title", "template"})


def html_text(markup: str) -> str:
    """Return the text of HTML or XHTML, however broken: blocks on lines, cells apart."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = [re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in reader.text().split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


class _Reader(HTMLParser):
    """Gathers text; in ``pre`` the line breaks stand as they are, elsewhere they are blanks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._line_is_empty = True
        self._unseen = 0
        self._preformatted = 0

    def text(self) -> str:
        return "".join(self._parts)

    def updatepos(self, i: int, j: int) -> int:
        """Leave out counting lines, which nobody asks for."""
        del i
        return j

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._unseen += tag in _UNSEEN
        self._preformatted += tag == "pre"
        self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        self._preformatted = max(0, self._preformatted - (tag == "pre"))
        if tag == "p":
            self._parts.append("\n")
        if tag != "br":
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        self._parts.append(data if self._preformatted else re.sub(r"\s+", " ", data))
        if data.strip():
            self._line_is_empty = self._preformatted > 0 and data.endswith("\n")

    def _break(self, tag: str) -> None:
        if tag in _CELLS:
            self._parts.append(" ")
        elif tag == "br" or (tag in _BLOCKS and not self._line_is_empty):
            self._parts.append("\n")
            self._line_is_empty = True
