"""What reports tell of the past by name: "history of transient osteoporosis in 2015".

Such a statement is an event of its year in the patient's timeline, never a finding of the day on
which the report was written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

from extractor.model import Experiencer, Laterality, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_YEAR = re.compile(r"(?<![\d.])(19[5-9]\d|20\d\d)(?![\d.]\d)")
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_AGO = re.compile(rf"\b(\d{{1,2}}|a|{'|'.join(_WORDS)}) years? (?:ago|earlier|previously|before)\b")
_SENTENCE_END = re.compile(r"[;!?]|\.(?=\s|$)")
_BOTH = (str(Laterality.LEFT), str(Laterality.RIGHT))


def find_histories(mentions: pl.LazyFrame, findings: Collection[str]) -> dict[int, list[str]]:
    """Return for each report that names one of the findings as past: side, and year where one is told.

    "left 2015", "left", "unspecified 3 years ago". What has been stated as resolved is no history.
    """
    told = mentions.filter(
        pl.col("finding").is_in(list(findings))
        & (pl.col("status") == str(Status.HISTORICAL))
        & (pl.col("experiencer") == str(Experiencer.PATIENT))
        & (pl.col("change").is_null() | (pl.col("change") != "resolved"))
    ).select("row", "laterality", "quote", "context")
    found: dict[int, list[str]] = {}
    for mention in told.collect().sort("row").iter_rows(named=True):
        events = found.setdefault(mention["row"], [])
        events += [event for event in _events(mention) if event not in events]
    return found


def _events(mention: dict[str, Any]) -> Iterator[str]:
    side = mention["laterality"]
    when = _when(mention["context"], " ".join(mention["quote"].split()))
    for one in _BOTH if side == Laterality.BILATERAL else (side,):
        yield f"{one} {when}" if when else one


def _when(context: str, quote: str) -> str | None:
    """Return the year that the sentence of a quote tells: behind the quote, else before it."""
    before, _, after = context.partition(quote)
    behind = _SENTENCE_END.split(after, maxsplit=1)[0]
    ahead = _SENTENCE_END.split(before)[-1]
    for words in (behind, ahead):
        if year := _YEAR.search(words):
            return year[1]
        if ago := _AGO.search(words.lower()):
            number = ago[1]
            return f"{_WORDS.index(number) + 1 if number in _WORDS else number} years ago"
    return None


def dated(event: str, study_date: str) -> str:
    """Return an event with its year, where it was told by how long ago it was."""
    side, _, when = event.partition(" ")
    number, _, ago = when.partition(" ")
    if not ago:
        return event
    return f"{side} {int(study_date[:4]) - (1 if number == 'a' else int(number))}"
