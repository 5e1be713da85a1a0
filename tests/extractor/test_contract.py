"""What every result promises, whatever the text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor import MAX_TEXT_CHARS, Extractor, Level, Patient, Report, Study, TextTooLongError

WORDS = st.sampled_from(
    [
        "no",
        "marrow",
        "oedema",
        "joint",
        "effusion",
        "left",
        "right",
        "femoral",
        "head",
        "and",
        "neck",
        "in",
        "the",
        "of",
        "hip",
        ":",
        ".",
        ",",
        ";",
        "\n\n",
        "",
        "",
        "",
        "likely",
        "transient",
        "osteoporosis",
        "AVN",
        "low",
        "T1",
        "high",
        "STIR",
        "signal",
        "throughout",
        "IMPRESSION",
        "FINDINGS",
        "not",
        "seen\n",
        "",
        "",
        "",
        "small",
        "moderate",
        "bone",
        "density",
        "is",
        "reduced",
        "normal",
        "previously",
        "resolved",
        "but",
        "without",
        "?",
        "1.",
        "fracture",
    ]
)
TEXTS = st.one_of(
    st.lists(WORDS, max_size=60).map(" ".join),
    st.text(max_size=200),
    st.lists(st.one_of(WORDS, st.text(max_size=5)), max_size=40).map(" ".join),
)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_every_quote_stands_in_the_untouched_text(extractor: Extractor, text: str) -> None:
    result = extractor.extract(Report(text))
    for mention in result.mentions:
        assert text[mention.start : mention.end] == mention.quote
        assert mention.finding in extractor.patterns.findings
        assert (mention.certainty is not None) == (mention.status == "uncertain")
        for cue in mention.cues:
            assert text[cue.start : cue.end] == cue.quote
    assert [mention.id for mention in result.mentions] == list(range(1, len(result.mentions) + 1))


@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_the_same_text_gives_the_same_result(extractor: Extractor, text: str) -> None:
    assert extractor.extract(Report(text)) == extractor.extract(Report(text))


def test_a_result_is_json_in_the_shape_of_the_contract(extractor: Extractor) -> None:
    report = Report(
        "MRI LEFT HIP\nFINDINGS: Bone marrow oedema of the femoral head and neck.",
        report_id="RAD-0001",
        patient=Patient(age_years=47, sex="M"),
        study=Study(modality="MR"),
    )
    shown = json.loads(json.dumps(extractor.extract(report).to_dict()))
    assert list(shown) == [
        "report_id", "engine", "study", "patient", "sections", "mentions", "assessment",
    ]  # fmt: skip
    assert shown["study"] == {
        "modality": "MR",
        "in_scope": True,
        "is_densitometry": False,
        "is_nondiagnostic": False,
        "laterality": "left",
    }
    assert list(shown["mentions"][0]) == [
        "id", "finding", "quote", "start", "end", "status", "certainty", "sites", "laterality",
        "severity", "extent", "change", "method", "experiencer", "section", "rule", "cues",
    ]  # fmt: skip
    assert list(shown["assessment"]) == [
        "definition", "level", "side", "rule", "subtype", "activity", "flags", "sides",
    ]  # fmt: skip
    assert set(shown["assessment"]["sides"]["left"]) == {
        "level", "rule", "core", "minor", "hard", "soft", "missing",
    }  # fmt: skip


def test_blank_text_is_not_assessable(extractor: Extractor) -> None:
    assert extractor.extract(Report(" \n\t")).assessment.level == Level.NOT_ASSESSABLE


def test_a_text_over_the_limit_is_refused_without_being_quoted(extractor: Extractor) -> None:
    with pytest.raises(TextTooLongError) as caught:
        extractor.extract(Report("secret " * MAX_TEXT_CHARS))
    assert "secret" not in str(caught.value)


def test_a_text_at_the_limit_is_read(extractor: Extractor) -> None:
    text = ("Marrow oedema of the hip. " * (MAX_TEXT_CHARS // 26))[:MAX_TEXT_CHARS]
    assert len(extractor.extract(Report(text)).mentions) > 1000
