"""A result as one self-contained HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from cli.result_view import SIGNS
from extractor.definition import Definition

if TYPE_CHECKING:
    from extractor.model import Mention, Result


def render_result(text: str, result: Result, definition: Definition | None = None) -> str:
    """Return the page; ``definition`` says what its atoms mean."""
    environment = Environment(
        loader=PackageLoader("cli"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = lambda value: str(value).replace("_", " ")
    return environment.get_template("result.html.j2").render(
        result=result,
        text=highlighted(text, result.mentions),
        signs=SIGNS,
        definition=definition or Definition(),
        by_id={mention.id: mention for mention in result.mentions},
        kinds=(
            ("core", "Core"),
            ("minor", "Supporting"),
            ("hard", "Against"),
            ("soft", "Against, weakly"),
        ),
    )


def highlighted(text: str, mentions: tuple[Mention, ...]) -> Markup:
    """Return the report with each mention in a ``mark``; of overlapping ones the longer."""
    parts: list[Markup] = []
    done = 0
    for mention in sorted(mentions, key=lambda one: (one.start, -one.end)):
        if mention.start < done:
            continue
        parts.append(escape(text[done : mention.start]))
        mark = Markup('<mark class="{}" title="{}: {}"><span aria-hidden="true">{}</span>{}</mark>')
        title = mention.finding.replace("_", " ")
        quote = text[mention.start : mention.end]
        parts.append(
            mark.format(mention.status, title, mention.status, SIGNS[mention.status], quote)
        )
        done = mention.end
    parts.append(escape(text[done:]))
    return Markup("").join(parts)
