"""``cases.csv``: a row for each probable hip, made to be read in a spreadsheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archives.write import NOTICE, write_csv

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    "case", "level", "side", "rule", "report_level", "course", "patient_id", "age_years", "sex", "pregnancy", "study_date",
    "modality", "description", "accession", "report_id", "named", "core", "minor", "hard", "soft",
    "missing", "subtype", "activity", "flags", "reports", "report_ids", "definition", "source",
    "path", "line", "notice",
)  # fmt: skip


def write_cases(cases: list[dict[str, Any]], path: Path) -> None:
    """Write the cases; evidence is ``C1 its meaning: "quote" / "quote"; m1 ...``."""
    write_csv((case_cells(case) for case in cases), COLUMNS, path)


def case_cells(case: dict[str, Any]) -> dict[str, Any]:
    """Return the cells of one case."""
    lists = {name: ", ".join(case[name]) for name in ("missing", "flags", "report_ids")}
    evidence = {
        name: evidence_text(case[name]) for name in ("named", "core", "minor", "hard", "soft")
    }
    course = "; ".join(course_text(step) for step in case["course"])
    return {**case, **lists, **evidence, "course": course, "notice": NOTICE}


def course_text(step: dict[str, Any]) -> str:
    """Return one thing that the course decided: ``P2 possible to probable, why: R1 (2020-01-10), R2 ...``."""
    moved = step["before"] != step["after"]
    level = f"{step['before']} to {step['after']}" if moved else f"stays {step['after']}"
    pairs = zip(step["report_ids"], step["dates"], strict=True)
    behind = ", ".join(f"{name} ({date})" for name, date in pairs)
    return f"{step['rule']} {level}, {step['title']}: {behind}"


def evidence_text(items: list[dict[str, Any]]) -> str:
    """Return the evidence of one kind in one cell."""
    parts = []
    for item in items:
        quotes = " / ".join(f"“{' '.join(quote.split())}”" for quote in item["quotes"])
        name = f"{item['atom']} {item['title']}".strip()
        parts.append(f"{name}: {quotes}" if quotes else name)
    return "; ".join(parts)
