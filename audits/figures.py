"""The figures of an audit: what each shows, and how it is drawn from ``summary.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.plots import age_sex_plot, levels_plot, together_plot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class FigureKind:
    """One figure; its numbers stand in a table beside it as well."""

    title: str
    caption: str
    part: str
    """Of the summary."""
    plot: Callable[[list[dict[str, Any]], str], str]

    def draw(self, summary: Mapping[str, Any]) -> str:
        """Return it as SVG; empty text where there is nothing to show."""
        return self.plot(summary[self.part], self.title)


FIGURES = {
    "modality": FigureKind(
        "Level by modality",
        "Reports in scope by modality and level; none and not assessable are in the table only.",
        "level_by_modality",
        levels_plot,
    ),
    "year": FigureKind(
        "Level by year",
        "Reports in scope by year of the examination and level; none and not assessable are in the table only.",
        "level_by_year",
        levels_plot,
    ),
    "age": FigureKind(
        "Age and sex",
        "Reports with a stated or probable level by age and sex.",
        "age_sex",
        age_sex_plot,
    ),
    "together": FigureKind(
        "Findings together",
        "Reports that affirm both findings; the twelve most frequent.",
        "findings_together",
        together_plot,
    ),
}
