from __future__ import annotations

import json
import os
import string
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor import Extractor, Level, Patient, Report, Study, TextTooLongError
from extractor.gate import Gate
from extractor.text.near import LOWERED_TO_ASCII
from extractor.text.tokens import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
GOLD = sorted((ROOT / "tests/gold").glob("*.jsonl"))
SHARED = Path("/work/shared/data/reports")
CORPORA = [*GOLD, *(sorted(SHARED.glob("*.jsonl")) if SHARED.is_dir() else [])]
READ_OF_EACH = 60
FEW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
APART = [" ", "  ", "\n", " \n\t", "-", "\u2010", "\u2011", "-\n", "\u00a0", "\u2009", "\r\n"]
"""What may part two words without parting the phrase."""


@pytest.fixture(scope="session")
def gate(extractor: Extractor) -> Gate:
    return Gate.of(extractor)


def reports_of(path: Path) -> list[Report]:
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [
        Report(row["text"], study=Study(description=(row.get("study") or {}).get("description")))
        for row in rows
        if "text" in row
    ]


def passes(gate: Gate, *reports: Report) -> list[bool]:
    texts = pl.Series([one.text for one in reports], dtype=pl.String)
    told = pl.Series([one.study.description for one in reports], dtype=pl.String)
    return gate.names_scope(texts, told).to_list()


def assert_sound(extractor: Extractor, gate: Gate, reports: list[Report]) -> None:
    """Nothing that names the region is held back, and nothing in scope fails to name it."""
    for report, passed in zip(reports, passes(gate, *reports), strict=True):
        named = extractor.names_scope(report)
        assert passed or not named, report.text
        assert named or not extractor.extract(report).study.in_scope, report.text


@pytest.mark.parametrize("path", CORPORA, ids=lambda path: path.stem)
def test_no_report_of_a_corpus_is_wrongly_held_back(
    extractor: Extractor, gate: Gate, path: Path
) -> None:
    reports = reports_of(path)
    passed = passes(gate, *reports)
    assert [
        one.text
        for one, ok in zip(reports, passed, strict=True)
        if not ok and extractor.names_scope(one)
    ] == []
    assert_sound(extractor, gate, reports[:: len(reports) // READ_OF_EACH + 1])


@pytest.mark.slow
@pytest.mark.skipif("MARROW_ALL_REPORTS" not in os.environ, reason="minutes: make check-gate")
@pytest.mark.parametrize("path", CORPORA, ids=lambda path: path.stem)
def test_every_report_of_a_corpus_in_scope_is_let_through(
    extractor: Extractor, gate: Gate, path: Path
) -> None:
    assert_sound(extractor, gate, reports_of(path))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared reports are not here")
def test_hardly_any_report_of_the_chest_is_let_through(gate: Gate) -> None:
    passed = passes(gate, *reports_of(SHARED / "openi_dev.jsonl"))
    assert sum(passed) / len(passed) < 0.03


def misspelt(word: str, draw: st.DataObject) -> str:
    """Return the word with one letter missing, too many, wrong or swapped with its neighbour."""
    at = draw.draw(st.integers(0, len(word) - 2))
    letter = draw.draw(st.sampled_from([*string.ascii_letters, "\u00e9", "\u00df", "\u03b1"]))
    wrong: str = draw.draw(
        st.sampled_from(
            [
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at + 1 :],
                word[:at] + letter + word[at:],
                word + letter,
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            ]
        )
    )
    return wrong


@st.composite
def planted(draw: st.DrawFn, sequences: list[tuple[str, ...]]) -> str:
    """A sequence in any case, its words parted in any way, with something or nothing around it."""
    around = st.sampled_from(["", " ", "(", "\n", "\u00b5", "_", "/", "\u201c", " Clear lungs. "])
    text = draw(around)
    for at, word in enumerate(draw(st.sampled_from(sequences))):
        apart = draw(st.sampled_from(APART)) if at else ""
        text += apart + draw(st.sampled_from([str.lower, str.upper, str.title]))(word)
    return text + draw(around)


@FEW
@given(data=st.data())
def test_a_planted_name_is_never_held_back(
    extractor: Extractor, gate: Gate, data: st.DataObject
) -> None:
    text = data.draw(planted(sorted(extractor.scope_words.named.sequences)))
    assert passes(gate, Report(text)) == [True]


@FEW
@given(draw=st.data())
def test_a_typing_error_that_is_mended_is_never_held_back(
    extractor: Extractor, gate: Gate, draw: st.DataObject
) -> None:
    mended = set(extractor.patterns.spelling.words)
    named = sorted(extractor.scope_words.named.sequences)
    sequence = draw.draw(st.sampled_from([one for one in named if mended & set(one)]))
    parts = [misspelt(word, draw) if word in mended else word for word in sequence]
    report = Report(f"Seen: {' '.join(parts)}.")
    assert passes(gate, report) == [True] or not extractor.names_scope(report)
    understood = [extractor.speller.mended(word) for word in tokenise(" ".join(parts)).lower]
    if tuple(understood) == sequence:
        assert passes(gate, report) == [True]


def made_texts(words: list[str]) -> st.SearchStrategy[str]:
    """Texts of pattern words, letters lost and added, line breaks, signs and noise."""
    word = st.sampled_from(words)
    broken = st.tuples(word, st.integers(0, 8), st.sampled_from(["", "x", "\u00e9"])).map(
        lambda made: made[0][: made[1]] + made[2] + made[0][made[1] + 1 :]
    )
    apart = st.sampled_from([*APART, ", ", ". ", ":\n", "\n\n", "_", "/", "", " ("])
    return st.lists(st.one_of(word, broken, apart, apart, st.text(max_size=4)), max_size=40).map(
        "".join
    )


@pytest.fixture(scope="session")
def words(extractor: Extractor) -> list[str]:
    scope = extractor.scope_words
    sequences = [*scope.named.sequences, *scope.bare.sequences]
    wanted = {word for one in sequences for word in one} | scope.regions
    return sorted(
        wanted | {"FINDINGS", "Indication", "No", "effusion", "MRI", "K", "\u212a", "\u0130"}
    )


@FEW
@given(draw=st.data())
def test_no_made_text_is_wrongly_held_back(
    extractor: Extractor, gate: Gate, words: list[str], draw: st.DataObject
) -> None:
    texts = made_texts(words)
    reports = [
        Report(draw.draw(texts), study=Study(description=draw.draw(st.none() | texts)))
        for _ in range(3)
    ]
    assert_sound(extractor, gate, reports)


def test_a_report_that_names_nothing_of_the_region_keeps_its_metadata_alone(
    extractor: Extractor,
) -> None:
    report = Report(
        "CT. 44-year-old man, fell. Pleural effusion on the left.",
        patient=Patient(age_years=50, sex="F", pregnancy="none"),
        study=Study(description="Chest radiograph right"),
    )
    result = extractor.extract_focused(report)
    assert (result.mentions, result.sections) == ((), ())
    assert (result.study.modality, result.study.laterality) == ("DX", "right")
    assert (result.patient.age_years, result.patient.sex) == (50, "F")
    assert result.patient.onset_atraumatic is None
    assert result.assessment.level == Level.NOT_ASSESSABLE
    assert not result.study.in_scope


@pytest.mark.parametrize(
    "text",
    [
        "MRI LEFT HIP. Marrow oedema of the femoral head.",
        "Knee MRI. Regional migratory osteoporosis.",
        "Oedema of the head and neck.",
        "  \n",
    ],
)
def test_a_report_that_names_the_region_or_the_disease_is_read(
    extractor: Extractor, gate: Gate, text: str
) -> None:
    report = Report(text)
    assert extractor.extract_focused(report) == extractor.extract(report)
    assert passes(gate, report) == [True]


def test_a_head_is_that_of_a_bone_only_where_no_region_is_named(
    extractor: Extractor, gate: Gate
) -> None:
    report = Report("CT of the brain. Head and neck vessels are patent.")
    assert not extractor.names_scope(report)
    assert passes(gate, report) == [False]


def test_the_description_names_the_region_too(gate: Gate) -> None:
    text = "No bone lesion."
    told = [Report(text, study=Study(description=one)) for one in (None, "MRI HIP LT", "MRI knee")]
    assert passes(gate, *told) == [False, True, False]


def test_a_text_that_the_reader_refuses_is_let_through_to_it(
    extractor: Extractor, gate: Gate
) -> None:
    report = Report("x" * 200_001)
    assert passes(gate, report) == [True]
    with pytest.raises(TextTooLongError):
        extractor.names_scope(report)


def test_half_a_word_at_the_end_of_a_long_title_names_nothing(extractor: Extractor) -> None:
    title = "MRI of the " + "very " * 20 + "small hippocampus"
    assert title[:120].endswith(" hip")
    assert not extractor.extract(Report(title)).study.in_scope


def test_another_pattern_set_has_a_gate_of_its_own() -> None:
    stones = Extractor.load(Path(__file__).parent / "second_pattern_set")
    gate = Gate.of(stones)
    assert passes(gate, Report("CT kidneys. No stones."), Report("Chest CT. Hip.")) == [True, False]


def lowered_to_ascii() -> Iterator[str]:
    for code in range(128, sys.maxunicode + 1):
        if any(letter.isascii() for letter in chr(code).lower()):
            yield chr(code)


def test_no_other_character_becomes_a_plain_letter() -> None:
    assert tuple(lowered_to_ascii()) == LOWERED_TO_ASCII
