"""``marrow audit --dry-run``: what would be read, before anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.console import output

if TYPE_CHECKING:
    from pathlib import Path

    from archives import Mapping
    from archives.preview import Preview

ROWS = 100
_REFUSALS_SHOWN = 10


def show_preview(paths: list[Path], mapping: Mapping) -> None:
    """Print for each archive which fields were read, from which columns, and what was refused."""
    from archives.preview import preview

    for one in preview(paths, mapping, rows=ROWS):
        _show(one)


def _show(one: Preview) -> None:
    from rich.markup import escape
    from rich.table import Table

    console = output()
    read = one.reports + len(one.refusals)
    console.print(
        f"\n[bold]{escape(str(one.path))}[/]: the first {read} rows, {one.reports} reports"
    )
    table = Table(box=None, pad_edge=False)
    for name in ("field", "read in", "column"):
        table.add_column(name, justify="right" if name == "read in" else "left")
    table.add_row("text", f"{one.reports}", escape(one.columns.get("text", "")))
    for name, count in one.filled.items():
        table.add_row(name, f"{count}", escape(one.columns.get(name, "")))
    console.print(table)
    for refusal in one.refusals[:_REFUSALS_SHOWN]:
        console.print(
            f"not read: {escape(refusal.path)} line {refusal.line}: {escape(refusal.code)}, {escape(refusal.detail)}"
        )
    if len(one.refusals) > _REFUSALS_SHOWN:
        console.print(f"and {len(one.refusals) - _REFUSALS_SHOWN} more rows that were not read")
    if one.remarks:
        console.print("remarks: " + ", ".join(sorted(one.remarks)))
    console.print("Another column: --map FIELD=COLUMN. Nothing was extracted or written.")
