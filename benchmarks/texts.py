"""What the pipelines read: hip MRI reports of about a kilobyte, and reports with known mentions."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CHARS = 1_000
_SEED = 1
_GOLD = ("development_reports", "reports")
_MAGNETIC = ("MRI", "MR ", "STIR", "T1")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A report and the mentions of the target findings that a reader has marked in it."""

    text: str
    mentions: list[tuple[str, int, int, bool]]
    """Finding, half-open character offsets, and whether it is denied."""


def dense_reports() -> list[str]:
    """Return hip MRI reports of about a kilobyte, each made of hand-written ones that no other holds."""
    written = sorted({row["text"] for row in _rows() if _is_hip_mri(row["text"])})
    random.Random(_SEED).shuffle(written)  # noqa: S311 - repeatable, not secret
    texts: list[str] = []
    parts: list[str] = []
    for text in written:
        parts.append(text)
        if sum(map(len, parts)) >= CHARS * 0.85:
            texts.append("\n".join(parts)[: CHARS + CHARS // 4])
            parts = []
    return texts


def labelled_reports() -> list[Labelled]:
    """Return the hand-written reports whose mentions of the target findings are labelled."""
    return [
        Labelled(row["text"], [_mention(one) for one in row["expected"]["mentions"]])
        for row in _rows()
        if "mentions" in row.get("expected", {})
    ]


def _mention(row: dict[str, Any]) -> tuple[str, int, int, bool]:
    return row["finding"], row["start"], row["end"], row["status"] == "negated"


def _is_hip_mri(text: str) -> bool:
    return "hip" in text.lower() and any(word in text for word in _MAGNETIC)


def _rows() -> Iterator[dict[str, Any]]:
    for name in _GOLD:
        path = ROOT / "tests" / "gold" / f"{name}.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
