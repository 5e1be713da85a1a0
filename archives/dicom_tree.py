"""The content tree of a DICOM structured report as a text with headings.

A container is a heading over its items; texts, codes, numbers and dates stand under their names,
with what modifies them (side, site) in brackets behind. Left out is what says nothing of the
patient: who observed, how it was acquired, references to images, coordinates, identifiers, names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom import Dataset

_MAX_DEPTH = 100
_LEFT_OUT = frozenset({"HAS OBS CONTEXT", "HAS ACQ CONTEXT", "SELECTED FROM"})
_MODIFIERS = frozenset({"HAS CONCEPT MOD", "HAS PROPERTIES"})
_LANGUAGE = frozenset({"121046", "121049", "121047", "121048"})
"""The language and country of the text, in DCM codes."""


def tree_text(document: Dataset) -> str:
    """Return the text of a document; its own title is no part of it."""
    return "\n".join(_children(document, heading="", depth=0)).strip("\n")


def _children(item: Dataset, *, heading: str, depth: int) -> Iterator[str]:
    """Yield the lines of the items under a container or a value."""
    if depth > _MAX_DEPTH:
        return
    for child in item.get("ContentSequence") or []:
        if _word(child, "RelationshipType") not in _LEFT_OUT:
            yield from _lines(child, heading=heading, depth=depth + 1)


def _lines(item: Dataset, *, heading: str, depth: int) -> Iterator[str]:
    name = _meaning(item, "ConceptNameCodeSequence")
    if _word(item, "ValueType") == "CONTAINER":
        inner = list(_children(item, heading=name, depth=depth))
        if any(line.strip() for line in inner):
            yield from ("", f"{name}:") if name else ("",)
            yield from inner
        return
    value = _value(item)
    if value and _code(item) not in _LANGUAGE:
        modifiers = list(_modifiers(item))
        if modifiers:
            value = f"{value} ({', '.join(modifiers)})"
        yield value if _says_the_same(name, heading) else _under(name, value)
    for child in item.get("ContentSequence") or []:
        relationship = _word(child, "RelationshipType")
        if relationship in _LEFT_OUT or (value and relationship in _MODIFIERS):
            continue
        if depth <= _MAX_DEPTH:
            yield from _lines(child, heading=heading, depth=depth + 1)


def _modifiers(item: Dataset) -> Iterator[str]:
    """Yield what modifies a value, and what modifies that."""
    for child in item.get("ContentSequence") or []:
        if _word(child, "RelationshipType") not in _MODIFIERS:
            continue
        name, value = _meaning(child, "ConceptNameCodeSequence"), _value(child)
        if value:
            yield f"{name}: {value}" if name else value
            for inner in child.get("ContentSequence") or []:
                if _word(inner, "RelationshipType") in _MODIFIERS and _value(inner):
                    yield f"{_meaning(inner, 'ConceptNameCodeSequence')}: {_value(inner)}"


def _value(item: Dataset) -> str:
    """Return the value of an item as text, empty for one that has none or is left out."""
    kind = _word(item, "ValueType")
    if kind == "TEXT":
        text = str(item.get("TextValue") or "")
        return text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if kind == "CODE":
        return _meaning(item, "ConceptCodeSequence")
    if kind == "NUM":
        return _number(item)
    if kind in {"DATE", "TIME", "DATETIME"}:
        return str(item.get({"DATE": "Date", "TIME": "Time"}.get(kind, "DateTime")) or "")
    return ""


def _number(item: Dataset) -> str:
    """Return a number with its unit; where nothing was measured, why not."""
    for measured in item.get("MeasuredValueSequence") or []:
        number = measured.get("NumericValue")
        if number is not None and str(number):
            units = measured.get("MeasurementUnitsCodeSequence") or []
            unit = str(units[0].get("CodeValue") or "") if len(units) else ""
            return f"{number} {unit}".strip() if unit not in {"1", "{no units}"} else str(number)
    return _meaning(item, "NumericValueQualifierCodeSequence")


def _under(name: str, value: str) -> str:
    """Put a value under its name: a short one beside it."""
    if not name:
        return value
    return f"{name}:\n{value}" if "\n" in value else f"{name}: {value}"


def _says_the_same(name: str, heading: str) -> bool:
    """Say whether an item is only the singular of its container: Finding under Findings."""
    name, heading = name.casefold(), heading.casefold()
    return bool(name) and heading in {name, f"{name}s"}


def _meaning(item: Dataset, sequence: str) -> str:
    """Return the words of a code."""
    codes = item.get(sequence) or []
    return str(codes[0].get("CodeMeaning") or "").strip() if len(codes) else ""


def _code(item: Dataset) -> str:
    codes = item.get("ConceptNameCodeSequence") or []
    return str(codes[0].get("CodeValue") or "") if len(codes) else ""


def _word(item: Dataset, name: str) -> str:
    return str(item.get(name) or "").strip()
