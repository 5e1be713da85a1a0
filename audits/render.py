"""Render: ``report.html``, one file that opens from a disk without a network and prints well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from archives.write import NOTICE
from audits.cases_file import course_text
from audits.figures import FIGURES
from audits.link import LEVELS
from audits.plots import LEVEL_LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.model import InputFile

CASES_IN_FULL = 300
"""Cases with their evidence on the page; all of them are in ``cases.csv``."""

CHANGED_IN_FULL = 100
"""Sides whose level their course changes, on the page; all of them are in ``patients.parquet``."""

_INPUTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class _Plot:
    """A figure and its caption; ``svg`` is empty where there was nothing to draw."""

    svg: Markup
    caption: str


def render(
    summary: dict[str, Any],
    cases: Sequence[dict[str, Any]],
    *,
    run: dict[str, Any],
    inputs: Sequence[InputFile],
    changed: Sequence[dict[str, Any]] = (),
) -> str:
    """Return the page."""
    environment = Environment(
        loader=PackageLoader("audits"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = marked
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["course"] = course_text
    environment.filters["words"] = lambda value: str(value).replace("_", " ")
    return environment.get_template("report.html.j2").render(
        summary=summary,
        cases=list(cases[:CASES_IN_FULL]),
        cases_left_out=max(0, len(cases) - CASES_IN_FULL),
        changed=list(changed[:CHANGED_IN_FULL]),
        changed_left_out=max(0, len(changed) - CHANGED_IN_FULL),
        plots=_plots(summary),
        levels=LEVELS,
        level_labels=LEVEL_LABELS,
        kinds=(
            ("named", "Named"),
            ("core", "Core"),
            ("minor", "Minor"),
            ("hard", "Against"),
            ("soft", "Against, weakly"),
        ),
        run=run,
        inputs=list(inputs[:_INPUTS_SHOWN]),
        inputs_left_out=max(0, len(inputs) - _INPUTS_SHOWN),
        notice=NOTICE,
    )


def marked(context: str, quote: str) -> Markup:
    """Return the context with the quote in ``mark``; blanks of both are folded alike."""
    folded = " ".join(quote.split())
    before, found, after = context.partition(folded)
    if not found:
        return Markup("<mark>{}</mark>").format(folded)
    return Markup("{}<mark>{}</mark>{}").format(before, found, after)


def _plots(summary: dict[str, Any]) -> dict[str, _Plot]:
    return {name: _plot(kind.draw(summary), kind.caption) for name, kind in FIGURES.items()}


def _plot(svg: str, caption: str) -> _Plot:
    # Ours, made of numbers and of names that the pattern set declares, escaped where it is made.
    return _Plot(Markup(svg), caption)  # noqa: S704
