"""An evaluation as one self-contained HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from extractor.model import Level

if TYPE_CHECKING:
    from evaluation.evaluate import Evaluation


def render(evaluation: Evaluation, gold_name: str) -> str:
    """Return the page with all scores and every error in its sentence."""
    environment = Environment(
        loader=PackageLoader("evaluation"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = lambda value: str(value).replace("_", " ")
    environment.filters["measure"] = lambda value: "-" if value is None else f"{value:.3f}"
    used = [level for level in Level if any(level in pair for pair in evaluation.levels)]
    return environment.get_template("evaluation.html.j2").render(
        evaluation=evaluation, gold_name=gold_name, used=used
    )
