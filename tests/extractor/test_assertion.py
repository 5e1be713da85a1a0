"""What a report asserts, in the phrasings that go wrong most (clinical.md 3.6 to 3.8)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Mention, Report


def mentions_of(extractor: Extractor, text: str, finding: str) -> list[Mention]:
    return [one for one in extractor.extract(Report(text)).mentions if one.finding == finding]


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        # one "no" over a list, ended by a contrast, a new size or a new statement
        ("No effusion, synovitis or joint effusion.", ["negated", "negated"]),
        ("No fracture, moderate joint effusion.", ["affirmed"]),
        ("No joint effusion but a small knee effusion.", ["negated", "affirmed"]),
        ("No evidence of fracture, dislocation or joint effusion.", ["negated"]),
        # denied after the fact and in fields
        ("Joint effusion is not seen.", ["negated"]),
        ("Effusion: none.", ["negated"]),
        ("Effusion: No. Joint space: preserved.", ["negated"]),
        ("Joints: No effusion.", ["negated"]),
        ("Effusion: small.", ["affirmed"]),
        # a word of denial that denies nothing
        ("No change in the joint effusion.", ["affirmed"]),
        ("There is not only a joint effusion.", ["affirmed"]),
        ("No resolution of the joint effusion.", ["affirmed"]),
        # graded certainty
        ("A joint effusion cannot be excluded.", ["uncertain"]),
        ("Possible small joint effusion.", ["uncertain"]),
        ("Probable joint effusion.", ["uncertain"]),
        ("Joint effusion is unlikely.", ["negated"]),
        # the past, and what is only asked for
        ("The joint effusion has resolved.", ["historical"]),
        ("The previously noted joint effusion persists.", ["affirmed"]),
        ("Ultrasound is advised to exclude a joint effusion.", ["hypothetical"]),
        ("Indication: ?effusion.", ["hypothetical"]),
    ],
)
def test_effusions_are_asserted_as_the_sentence_says(
    extractor: Extractor, text: str, statuses: list[str]
) -> None:
    assert [str(one.status) for one in mentions_of(extractor, text, "effusion")] == statuses


@pytest.mark.parametrize(
    ("text", "status", "certainty"),
    [
        ("In keeping with transient osteoporosis of the hip.", "affirmed", None),
        ("Likely transient osteoporosis of the hip.", "uncertain", "likely"),
        ("The finding is most likely transient osteoporosis.", "uncertain", "likely"),
        ("Transient osteoporosis is favoured.", "uncertain", "likely"),
        ("This could represent transient osteoporosis of the hip.", "uncertain", "possible"),
        ("Transient osteoporosis cannot be excluded.", "uncertain", "possible"),
        ("Transient osteoporosis is considered less likely.", "uncertain", "unlikely"),
        ("Transient osteoporosis is unlikely.", "negated", None),
        ("No features of transient osteoporosis.", "negated", None),
        ("Avascular necrosis rather than transient osteoporosis.", "negated", None),
    ],
)
def test_the_diagnosis_is_as_sure_as_its_words(
    extractor: Extractor, text: str, status: str, certainty: str | None
) -> None:
    (diagnosis,) = mentions_of(extractor, text, "itoh_diagnosis")
    assert (diagnosis.status, diagnosis.certainty) == (status, certainty)


def test_a_change_is_kept_beside_the_status(extractor: Extractor) -> None:
    (oedema,) = mentions_of(
        extractor, "The marrow oedema of the left femoral head is unchanged.", "marrow_oedema"
    )
    assert (oedema.status, oedema.change) == ("affirmed", "unchanged")


def test_what_resolved_is_historical_with_its_change(extractor: Extractor) -> None:
    (oedema,) = mentions_of(
        extractor,
        "Complete resolution of the marrow oedema in the right femoral neck.",
        "marrow_oedema",
    )
    assert (oedema.status, oedema.change) == ("historical", "resolved")


def test_a_relatives_disease_is_of_another(extractor: Extractor) -> None:
    (osteopenia,) = mentions_of(extractor, "Family history of osteoporosis.", "osteopenia")
    assert osteopenia.experiencer == "other"


def test_cues_are_quoted_where_they_stand(extractor: Extractor) -> None:
    text = "No evidence of a joint effusion."
    (effusion,) = mentions_of(extractor, text, "effusion")
    (cue,) = effusion.cues
    assert (cue.category, cue.quote) == ("negation", "No evidence of")
    assert text[cue.start : cue.end] == cue.quote


def test_the_technique_holds_no_findings(extractor: Extractor) -> None:
    text = "TECHNIQUE: STIR for marrow oedema.\nFINDINGS: Normal hips."
    assert mentions_of(extractor, text, "marrow_oedema") == []


@pytest.mark.parametrize(
    ("text", "span", "status"),
    [
        ("There is no evidence of pneumonia.", "pneumonia", "negated"),
        ("Pneumonia was ruled out.", "Pneumonia", "negated"),
        ("Suggestive of pneumonia.", "pneumonia", "uncertain"),
        ("History of stroke.", "stroke", "historical"),
    ],
)
def test_any_given_span_can_be_asked_for(
    extractor: Extractor, text: str, span: str, status: str
) -> None:
    start = text.index(span)
    assert extractor.assert_span(Report(text), start, start + len(span)).status == status


def test_a_span_without_words_is_refused(extractor: Extractor) -> None:
    with pytest.raises(ValueError, match="no word stands"):
        extractor.assert_span(Report("Normal hips."), 5, 5)
