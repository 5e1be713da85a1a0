"""A patient's hips over time: the level by each report, and the patient's level after it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from audits.plots import LEVEL_COLOURS, LEVEL_LABELS, STYLE, svg_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

_HEIGHTS = ("none", "unlikely", "possible", "probable", "stated")
"""From the bottom; a report that assesses nothing of a side has no place in its lane."""


def timeline_plot(
    rows: Sequence[Mapping[str, Any]], sides: Sequence[str], title: str = "Timeline"
) -> str:
    """Return a lane for each side as SVG, from rows of ``patients.parquet`` of one patient."""
    with mpl.rc_context({**STYLE, "axes.grid.axis": "both"}):
        figure = Figure(figsize=(7.4, 0.8 + 1.5 * len(sides)), layout="constrained")
        lanes = figure.subplots(len(sides), sharex=True, squeeze=False)
        for lane, side in zip(lanes[:, 0], sides, strict=True):
            _lane(lane, rows, side)
        locator = AutoDateLocator(minticks=2, maxticks=7)  # type: ignore[no-untyped-call]  # has no types
        last = lanes[-1, 0].xaxis
        last.set_major_locator(locator)
        last.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        text = "; ".join(_words(rows, side) for side in sides)
        return svg_text(figure, title, text)


def _lane(axes: Axes, rows: Sequence[Mapping[str, Any]], side: str) -> None:
    after = [(_day(row), row[f"{side}_patient"]) for row in rows]
    line = [(day, _HEIGHTS.index(level)) for day, level in after if level in _HEIGHTS]
    axes.step(
        [day for day, _ in line], [height for _, height in line], where="post",
        color="#5b6770", linewidth=1.6, zorder=1,
    )  # fmt: skip
    for level in _HEIGHTS:
        days = [_day(row) for row in rows if row[side] == level]
        heights = [_HEIGHTS.index(level)] * len(days)
        axes.scatter(days, heights, s=44, color=LEVEL_COLOURS[level], edgecolors="white", zorder=2)
    axes.set_yticks(range(len(_HEIGHTS)), [LEVEL_LABELS[level] for level in _HEIGHTS])
    axes.set_ylim(-0.6, len(_HEIGHTS) - 0.4)
    axes.set_title(side, loc="left", fontsize=10, fontweight="bold")


def _day(row: Mapping[str, Any]) -> float:
    """Return the day of a report as matplotlib counts days."""
    day = date.fromisoformat(row["study_date"][: len("2020-01-01")])
    return float(date2num(day))  # type: ignore[no-untyped-call]


def _words(rows: Sequence[Mapping[str, Any]], side: str) -> str:
    levels = ", ".join(
        f"{row['study_date']} {LEVEL_LABELS[row[f'{side}_patient']]}"
        for row in rows
        if row[f"{side}_patient"]
    )
    return f"{side}, level of the patient after each report: {levels}"
