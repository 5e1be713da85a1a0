"""Plots of the audit's report, as SVG text to stand inside the page.

matplotlib and not Altair with vl-convert: it is one dependency that numpy's users already know,
writes text as text, and its SVG is the same for the same numbers; vl-convert carries a whole
JavaScript engine (30 MB) to the same four plots.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audits.link import LEVELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVEL_COLOURS = {
    "stated": "#0b3c5d",
    "probable": "#1f78a4",
    "possible": "#e0912f",
    "unlikely": "#a9789c",
    "none": "#c9d1d6",
    "not_assessable": "#8a9399",
}
"""Told apart in print and by the colour-blind by lightness as well as by hue."""

LEVEL_LABELS = {level: level.replace("_", " ") for level in LEVELS}

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "marrow",
    "font.family": "sans-serif",
    # One, not all that it might be: each text of the drawing names them.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#5b6770",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e3e8eb",
    "xtick.color": "#2b343a",
    "ytick.color": "#2b343a",
    "text.color": "#2b343a",
    "axes.labelcolor": "#2b343a",
    "legend.frameon": False,
}
_MAX_GROUPS = 30


def levels_plot(rows: list[dict[str, Any]], title: str) -> str:
    """Return stacked bars of levels for each key; empty text where there is nothing to show.

    Only reports that say something of the question: next to all that say nothing, usually a
    hundred times as many, no bar would be seen.
    """
    levels = LEVELS[:4]
    shown = [row for row in rows if any(row[level] for level in levels)][-_MAX_GROUPS:]
    if not shown:
        return ""
    with mpl.rc_context(STYLE):
        figure, axes = _figure(len(shown))
        bottom = [0] * len(shown)
        keys = [row["key"] for row in shown]
        for level in levels:
            heights = [row[level] for row in shown]
            if any(heights):
                axes.bar(
                    keys, heights, bottom=bottom, width=0.7, color=LEVEL_COLOURS[level],
                    label=LEVEL_LABELS[level], edgecolor="white", linewidth=0.6,
                )  # fmt: skip
                bottom = [low + high for low, high in zip(bottom, heights, strict=True)]
        room = max(0.0, (6 - len(shown)) / 2)
        axes.set_xlim(-0.6 - room, len(shown) - 0.4 + room)
        axes.set_ylabel("reports")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        if len(shown) > 8:  # noqa: PLR2004 - more labels than fit side by side
            axes.tick_params(axis="x", rotation=60)
        text = "; ".join(
            f"{row['key']}: "
            + ", ".join(f"{row[level]} {LEVEL_LABELS[level]}" for level in levels if row[level])
            for row in shown
        )
        return svg_text(figure, title, text)


def age_sex_plot(rows: list[dict[str, Any]], title: str) -> str:
    """Return tagged reports by age band, men to the left and women to the right."""
    bands = list(dict.fromkeys(row["band"] for row in rows if row["band"] != "unknown"))
    tagged = {(row["band"], row["sex"]): row["tagged"] for row in rows}
    men = [tagged.get((band, "M"), 0) for band in bands]
    women = [tagged.get((band, "F"), 0) for band in bands]
    if not any(men + women):
        return ""
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure, axes = _figure(6)
        axes.barh(bands, [-number for number in men], color="#1f78a4", label="men", height=0.7)
        axes.barh(bands, women, color="#e0912f", label="women", height=0.7)
        most = max(men + women)
        axes.set_xlim(-most * 1.15, most * 1.15)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis.set_major_formatter(lambda value, _position: f"{abs(value):g}")
        axes.axvline(0, color="#5b6770", linewidth=0.8)
        axes.set_xlabel("stated or probable reports")
        axes.set_ylabel("age in years")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        text = "; ".join(
            f"{band}: {left} men, {right} women"
            for band, left, right in zip(bands, men, women, strict=True)
            if left or right
        )
        return svg_text(figure, title, text)


def together_plot(pairs: list[dict[str, Any]], title: str, *, most: int = 12) -> str:
    """Return how often findings are affirmed in the same report, as a lower triangle."""
    weight: dict[str, int] = {}
    for pair in pairs:
        for finding in pair["findings"]:
            weight[finding] = weight.get(finding, 0) + pair["reports"]
    names = sorted(sorted(weight), key=lambda name: -weight[name])[:most]
    if len(names) < 2:  # noqa: PLR2004 - a pair needs two
        return ""
    counts = {frozenset(pair["findings"]): pair["reports"] for pair in pairs}
    grid = [
        [counts.get(frozenset((row, column)), 0) if across < down else float("nan")
         for across, column in enumerate(names)]
        for down, row in enumerate(names)
    ]  # fmt: skip
    labels = [name.replace("_", " ") for name in names]
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(7.4, 0.36 * len(names) + 2.0), layout="constrained")
        axes = figure.subplots()
        axes.pcolormesh(grid, cmap="Blues", edgecolors="white", linewidth=1.5)
        axes.set_xticks(
            [place + 0.5 for place in range(len(names))], labels, rotation=45, ha="right"
        )
        axes.set_yticks([place + 0.5 for place in range(len(names))], labels)
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        highest = max(counts.values())
        for down in range(len(names)):
            for across in range(down):
                number = grid[down][across]
                axes.text(
                    across + 0.5, down + 0.5, f"{number:g}" if number else "·", ha="center",
                    va="center", color="white" if number > highest * 0.55 else "#2b343a", fontsize=9,
                )  # fmt: skip
        text = "; ".join(
            f"{' and '.join(pair['findings']).replace('_', ' ')}: {pair['reports']}"
            for pair in pairs[:20]
        )
        return svg_text(figure, title, text)


def _figure(groups: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.4, 3.2 if groups <= 8 else 3.6), layout="constrained")  # noqa: PLR2004
    return figure, figure.subplots()


def svg_text(figure: Figure, title: str, text: str) -> str:
    """Return the figure as an ``svg`` element with a name and its numbers as a description."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    body = out.getvalue()
    body = body[body.index("<svg") :]
    name = re.sub(r"[^a-z]+", "-", title.lower()).strip("-")
    # Ids are only unique inside one file of matplotlib: several stand in one page here.
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{name}-\2"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body, styles = _classed(_compact(body), name)
    view_box = re.search(r'viewBox="[^"]+"', body)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{view_box[0] if view_box else ""} role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(text)}</desc><style>{styles}</style>'
    )
    return opening + body[body.index(">") + 1 :]


def _compact(svg: str) -> str:
    """Return a drawing without names that nobody refers to, and without more digits than are seen."""
    # Nothing reaches beyond its axes.
    svg = re.sub(r' clip-path="[^"]*"|<defs><clipPath.*?</defs>', "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = re.sub(r"\d+\.\d{2,}", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), svg)
    svg = re.sub(r' transform="rotate\(-?0 [^"]*\)"', "", svg)
    svg = re.sub(r"\s*([MLQCz])\s+(?=[\d\"MLQCz-])", r"\1", re.sub(r"\s+", " ", svg))
    svg = svg.replace("> <", "><")
    # A group of one element, and nothing else, groups nothing.
    while (
        plain := re.sub(r"<g>(<[^<>]+/>|<text[^<>]*>[^<>]*</text>)?</g>|<g/>", r"\1", svg)
    ) != svg:
        svg = plain
    return svg


def _classed(svg: str, name: str) -> tuple[str, str]:
    """Return a drawing with classes instead of its styles, and what the classes mean."""
    short = "".join(word[0] for word in name.split("-"))
    classes: dict[str, str] = {}

    def to_class(found: re.Match[str]) -> str:
        return f' class="{classes.setdefault(found[1], f"{short}{len(classes)}")}"'

    svg = re.sub(r' style="([^"]+)"', to_class, svg)
    return svg, "".join(f".{one}{{{style}}}" for style, one in classes.items())
