"""``marrow audit --dry-run``: what would be read, before anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.console import output

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from archives import Mapping
    from archives.preview import Days

_REFUSALS_SHOWN = 10


def show_previews(paths: list[Path], mapping: Mapping, days: Days) -> None:
    """Print for each archive which fields were read, from which columns, and what was refused."""
    from archives.preview import facts, preview

    for one in preview(paths, mapping, days=days):
        show_preview(str(one.path), facts(one))


def show_preview(name: str, found: dict[str, Any]) -> None:
    """Print what was found in one archive, here or by the service."""
    from rich.markup import escape
    from rich.table import Table

    console = output()
    console.print(
        f"\n[bold]{escape(name)}[/]: the first {found['rows']} rows, {found['reports']} reports"
    )
    if found["undesired"]:
        console.print(f"{found['undesired']} of them are of other days and would be left out")
    console.print(f"format: {_counted(found['formats'])}")
    if found["encodings"]:
        console.print(f"encoding: {_counted(found['encodings'])}")
    table = Table(box=None, pad_edge=False)
    for title in ("field", "read in", "column"):
        table.add_column(title, justify="right" if title == "read in" else "left")
    columns = found["columns"]
    table.add_row("text", f"{found['reports']}", escape(columns.get("text", "")))
    for field, count in found["filled"].items():
        table.add_row(field, f"{count}", escape(columns.get(field, "")))
    console.print(table)
    for refusal in found["refusals"][:_REFUSALS_SHOWN]:
        place = f"{escape(refusal['path'])} line {refusal['line']}"
        console.print(f"not read: {place}: {refusal['code']}, {escape(refusal['detail'])}")
    if len(found["refusals"]) > _REFUSALS_SHOWN:
        more = len(found["refusals"]) - _REFUSALS_SHOWN
        console.print(f"and {more} more rows that were not read")
    if found["remarks"]:
        console.print("remarks: " + ", ".join(found["remarks"]))
    console.print("Another column: --map FIELD=COLUMN. Nothing was extracted or written.")


def _counted(found: dict[str, int]) -> str:
    parts = [name if count == 1 else f"{name} ({count} files)" for name, count in found.items()]
    return ", ".join(parts) or "none that is read"
