"""Archives of any size, made from the project's hand-written reports: seeded, mixed as in a department.

``python -m benchmarks.generated OUT.parquet --reports 100000 --seed 1``. Each report is one that
somebody wrote, with sentences of others of its kind up to about a kilobyte; nobody's report is real.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import tempfile
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from extractor import Extractor, Report, Status
from extractor.text.sentences import split_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CHARS = 1_000
PART_ROWS = 50_000
_FIRST_DAY = date(2014, 1, 1)
_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report: its share of a department's, and what the request system calls it."""

    share: float
    names: tuple[tuple[str, str], ...]
    """Modality and description."""


KINDS = {
    "chest": Kind(0.34, (("DX", "Chest radiograph"), ("DX", "XR Chest PA"), ("CT", "CT thorax"))),
    "other": Kind(
        0.62,
        (
            ("MR", "MRI knee"),
            ("DX", "XR ankle"),
            ("CT", "CT head"),
            ("MR", "MRI lumbar spine"),
            ("US", "US abdomen"),
            ("MR", "MRI shoulder"),
            ("DX", "XR hand"),
        ),
    ),
    "hip_finding": Kind(0.02, (("MR", "MRI hip"), ("DX", "XR pelvis and hip"))),
    "hip_normal": Kind(0.01, (("DX", "XR pelvis"), ("MR", "MRI pelvis"))),
    "hip_in_passing": Kind(0.01, (("MR", "MRI sacroiliac joints"), ("BMD", "DXA"))),
}
"""A third are films of the chest; few name a hip, and one in fifty has a finding there."""
_OF_CHEST = ("chest", "lung", "pleural", "cxr", "ctpa")


@dataclass(slots=True)
class Pool:
    """The reports of one kind, and their sentences."""

    texts: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Remember a report."""
        self.texts.append(text)
        self.sentences += [text[one.start : one.end] for one in split_sentences(text)]


def write_archive(path: Path, reports: int, *, seed: int = 1) -> None:
    """Write an archive in memory that does not grow with it."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    pools = read_pools(Extractor.load())
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for number, first in enumerate(range(0, reports, PART_ROWS)):
            rows = range(first, min(first + PART_ROWS, reports))
            part = pl.DataFrame(list(_rows(rows, reports, pools, chance)))
            part.write_parquet(Path(folder) / f"{number:06d}.parquet")
        pl.scan_parquet(Path(folder) / "*.parquet").sink_parquet(path, row_group_size=PART_ROWS)


def generated_texts(pools: dict[str, Pool], reports: int, *, seed: int = 1) -> list[str]:
    """Return texts of the same mix as an archive's."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [row["text"] for row in _rows(range(reports), reports, pools, chance)]


def read_pools(extractor: Extractor) -> dict[str, Pool]:
    """Return the project's own reports by kind, as the extractor understands them."""
    pools = {name: Pool() for name in KINDS}
    for text in _written():
        pools[_kind(extractor, text)].add(text)
    return pools


def _kind(extractor: Extractor, text: str) -> str:
    if not extractor.names_scope(Report(text)):
        return "chest" if any(word in text.lower() for word in _OF_CHEST) else "other"
    result = extractor.extract(Report(text))
    if not result.study.in_scope:
        return "hip_in_passing"
    targets = extractor.patterns.targets
    found = any(one.finding in targets and one.status != Status.NEGATED for one in result.mentions)
    return "hip_finding" if found else "hip_normal"


def _written() -> Iterator[str]:
    for name in ("reports", "development_reports"):
        path = ROOT / "tests" / "gold" / f"{name}.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "text" in row:
                yield row["text"]
    with (ROOT / "examples" / "archive.csv").open(encoding="utf-8", newline="") as file:
        yield from (row["text"] for row in csv.DictReader(file))


def _rows(
    numbers: range, reports: int, pools: dict[str, Pool], chance: random.Random
) -> Iterator[dict[str, Any]]:
    kinds = chance.choices(
        list(KINDS), weights=[kind.share for kind in KINDS.values()], k=len(numbers)
    )
    for number, kind in zip(numbers, kinds, strict=True):
        modality, description = chance.choice(KINDS[kind].names)
        day = _FIRST_DAY + timedelta(days=chance.randrange(_DAYS))
        yield {
            "accession": f"ACC{number:08d}",
            "patient_id": f"P{chance.randrange(reports // 3 + 1):08d}",
            "age_years": chance.randrange(1, 95),
            "sex": chance.choice("MF"),
            "study_date": day.isoformat(),
            "modality": modality,
            "description": description,
            "text": _text(pools[kind], chance),
        }


def _text(pool: Pool, chance: random.Random) -> str:
    parts = [chance.choice(pool.texts)]
    chars = len(parts[0])
    while chars < CHARS:
        parts.append(chance.choice(pool.sentences))
        chars += len(parts[-1]) + 1
    return "\n".join(parts)


def main() -> None:
    """Write one archive."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--reports", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write_archive(arguments.out, arguments.reports, seed=arguments.seed)


if __name__ == "__main__":
    main()
