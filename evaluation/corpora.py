"""The gold that the table of ``python -m evaluation`` is measured on, and its two halves.

Our own gold stands in the project. Text that others wrote stays outside of it (``shared/data``) and
may be absent; our labels on it are kept as standoff: the name of a text, its sha256 and offsets.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from archives import SourceReport, read
from evaluation.errors import GoldError
from evaluation.gold import GoldReport, GoldSpan, parse_gold, read_gold
from extractor.model import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

OWN_MODULUS = 2
REAL_MODULUS = 4
"""Half of the real texts were chosen for labelling by the parity of the same hash: parity would put
all of these into one half, so the halves are cut by the next bit, too."""


class Half(StrEnum):
    """Errors of the development half are looked into; of the test half only figures are seen."""

    DEVELOPMENT = "development"
    TEST = "test"


def half_of(report_id: str, *, modulus: int = OWN_MODULUS) -> Half:
    """Return the half that a text belongs to, by a hash of its name."""
    number = int(sha256(report_id.encode()).hexdigest(), 16)
    return Half.DEVELOPMENT if number % modulus else Half.TEST


@dataclass(frozen=True, slots=True)
class ChestReport:
    """A chest report and what its readers found in it, of the whole report."""

    id: str
    text: str
    effusion: bool
    osteopenia: bool

    @property
    def report(self) -> Report:
        """What the extractor is given."""
        return Report(self.text, self.id)


def read_own(gold: Path) -> list[GoldReport]:
    """Return our snippets and reports, with their mentions; the reports with their levels, too."""
    return [*read_reports(gold / "snippets.jsonl"), *read_reports(gold / "reports.jsonl")]


def read_own_levels(gold: Path) -> list[GoldReport]:
    """Return our reports, which have a level each."""
    return [line for line in read_reports(gold / "reports.jsonl") if line.expected.level]


def read_earlier(gold: Path) -> list[GoldReport]:
    """Return the gold whose errors have all been looked into: it is for development whole."""
    names = ("development_snippets.jsonl", "development_reports.jsonl")
    lines = [line for name in names for line in read_reports(gold / name)]
    return [line for line in lines if line.expected.mentions is not None]


def read_archive_levels(gold: Path, archive: Path) -> list[GoldReport]:
    """Return the reports of the sample archive with the level that a reader gave each.

    Raises:
        GoldError: a level is given to a report that the archive does not hold.

    """
    reports = {
        entry.report.report_id: entry.report
        for entry in read([archive])
        if isinstance(entry, SourceReport)
    }
    path = gold / "archive_levels.jsonl"
    labelled = []
    for place, label in _rows(path):
        report = reports.get(label["report_id"])
        if report is None:
            raise GoldError(f"{place}: {archive.name} holds no such report.")
        line = {
            "id": report.report_id,
            "text": report.text,
            "patient": asdict(report.patient),
            "study": asdict(report.study),
            "expected": {"level": label["level"]},
        }
        labelled.append(_report(json.dumps(line), place))
    return labelled


def read_real(gold: Path, texts: Path) -> list[GoldReport]:
    """Return our labels on real texts, each joined with its text from the folder of real texts.

    Raises:
        GoldError: a text is not there, or is another than the one that was labelled.

    """
    labels = list(_rows(gold / "real_standoff.jsonl"))
    known = {
        (name, row["id"]): row["text"]
        for name in sorted({label["file"] for _, label in labels})
        for _, row in _rows(texts / name)
    }
    labelled = []
    for place, label in labels:
        text = known.get((label["file"], label["id"]))
        if text is None or sha256(text.encode()).hexdigest() != label["sha256"]:
            raise GoldError(f"{place}: {label['file']} does not hold the text that was labelled.")
        labelled.append(_report(json.dumps({**label, "text": text}), place))
    return labelled


def read_chest(path: Path) -> list[ChestReport]:
    """Return chest reports (Open-i) with what their readers found."""
    return [
        ChestReport(
            row["id"],
            row["text"],
            effusion=row["expected"]["effusion"],
            osteopenia=row["expected"]["osteopenia_mesh"],
        )
        for _, row in _rows(path)
    ]


def read_spans(path: Path) -> list[GoldSpan]:
    """Return given spans; lines that claim nothing of what we score are left out."""
    return [
        line
        for line in read_gold(path)
        if isinstance(line, GoldSpan) and line.expected.model_dump(exclude_none=True)
    ]


def read_reports(path: Path) -> list[GoldReport]:
    """Return whole reports."""
    return [line for line in read_gold(path) if isinstance(line, GoldReport)]


def halves(
    lines: Iterable[GoldReport], *, modulus: int = OWN_MODULUS
) -> dict[Half, list[GoldReport]]:
    """Return the lines of each half."""
    parts: dict[Half, list[GoldReport]] = {half: [] for half in Half}
    for line in lines:
        parts[half_of(line.id, modulus=modulus)].append(line)
    return parts


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            yield f"{path.name}:{number}", json.loads(line)


def _report(line: str, place: str) -> GoldReport:
    parsed = parse_gold(line, place)
    if isinstance(parsed, GoldSpan):
        raise GoldError(f"{place}: a whole report was expected.")
    return parsed
