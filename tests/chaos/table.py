"""The table of scenarios, as text that is Markdown as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COLUMNS = ("faults", "posted", "lost", "double", "equal", "seconds")
_TITLES = ("faults", "reports", "lost", "double", "equal", "seconds")


def print_table(rows: Sequence[tuple[str, dict[str, Any]]], write: Callable[[str], None]) -> None:
    """Print a line for each scenario, their sum, and whether the reconciliation sum held."""
    cells = [(_title(node), [row[name] for name in _COLUMNS]) for node, row in rows]
    cells.append(
        ("**all**", [sum(column) for column in zip(*(one for _, one in cells), strict=True)])
    )
    width = max(len(title) for title, _ in cells)
    write("")
    write(f"| {'scenario':{width}} | " + " | ".join(f"{name:>7}" for name in _TITLES) + " |")
    write(f"|{'-' * (width + 2)}|" + "|".join("-" * 8 + ":" for _ in _TITLES) + "|")
    for title, values in cells:
        shown = " | ".join(f"{value:>7,.0f}" for value in values)
        write(f"| {title:{width}} | {shown} |")
    unbalanced = [_title(node) for node, row in rows if not row["balanced"]]
    write("")
    write(f"The reconciliation sum: {unbalanced or 'holds everywhere'}")


def _title(node: str) -> str:
    """Return what a test says, in words: its name, and its parameters in brackets."""
    name, _, parameters = node.rpartition("::")[2].partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    return f"{words} ({parameters.rstrip(']')})" if parameters else words
