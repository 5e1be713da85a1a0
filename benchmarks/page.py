"""The figures of ``benchmarks/results.json`` as the tables of ``docs/reference/speed.md``."""

from __future__ import annotations

from typing import Any

BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
NAMES = {
    "marrow": "Marrow",
    "stock": "medspaCy as it comes",
    "stock_sentencizer": "medspaCy, spaCy's sentencizer",
    "edsnlp": "EDS-NLP",
    "negspacy": "negspaCy",
}


def with_figures(page: str, results: dict[str, Any]) -> str:
    """Return a page with the tables between its marks written anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables(results)}\n\n{END}{tail}"


def tables(results: dict[str, Any]) -> str:
    """Return all tables, as Markdown."""
    versions = ", ".join(f"{name} {one}" for name, one in results["versions"].items())
    parts = [
        f"{results['measured_at']}, {results['machine']}; {versions}; patterns `{results['patterns_digest']}`.",
        _dense(results["dense"]),
    ]
    if "archive" in results:
        parts.append(_archive(results["archive"]))
    if "service" in results:
        parts.append(_service(results["service"]))
    return "\n\n".join(parts)


def _dense(rows: dict[str, Any]) -> str:
    lines = [
        "| pipeline | reports/s, texts new to it | reports/s, median of rounds | Marrow is faster, new texts | median | start, s | mentions: precision | recall | F1 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in rows.items():
        faster = (
            ("", "")
            if name == "marrow"
            else (f"{one['slower_first']} times", f"{one['slower']} times")
        )
        lines.append(
            f"| {NAMES[name]} | {one['first_round']} | {one['median']} | {faster[0]} | {faster[1]} "
            f"| {one['start_s']} | {one['precision']} | {one['recall']} | {one['f1']} |"
        )
    return "\n".join(lines)


def _archive(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| `--focus` | reports | s | reports/s | times the reading of the file alone | largest process, MB | times two stock processes |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one['focus']} | {one['reports']:,} | {one['seconds']} | {one['reports_per_second']:,} "
        f"| {one['times_read_alone']} | {one['largest_process_mb']} | {one['times_stock']} |"
        for one in rows
    ]
    return "\n".join(lines)


def _service(one: dict[str, Any]) -> str:
    return "\n".join(
        [
            "| the service, embedded parts, idle machine | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in one.items()),
        ]
    )
