"""What a report asserts, in the phrasings that go wrong most (clinical.md 3.6 to 3.8)."""

from __future__ import annotations

import re

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


def test_blood_in_a_joint_is_an_effusion_and_an_injury(extractor: Extractor) -> None:
    result = extractor.extract(Report("MRI HIP. There is a haemarthrosis."))
    assert sorted(one.finding for one in result.mentions) == ["effusion", "trauma"]


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


# The family of phrasings of each status; the asked words are in brackets.
GIVEN = {
    "negated": """
        Denies fever, chills, [night sweats], or weight loss.
        The chest film was noted to be negative for [pneumonia].
        There isn't any [effusion].
        He was not felt to have [pneumonia], and it was not thought to be [a stroke].
        Lungs are clear without consolidation, large [effusion] or pneumothorax.
        No pleural line to suggest pneumothorax or blunting to suggest large [effusion].
        There is a low suspicion for [pulmonary embolism].
        She was in no [acute distress].
        He is [pain] free.
        The differential was discussed; [infection] has been excluded.
        Synovitis: none. [Effusion]: likewise absent.
    """,
    "affirmed": """
        Complications: none Diagnosis: [gastritis].
        Non-displaced [fracture] of the neck.
        Slides not submitted for review show [lymphoma].
        We do not know the cause of her [pancreatitis].
        He is not on treatment for [hypertension].
        Negative for influenza, positive for [pneumonia].
        No fracture, 5 mm [nodule].
        No cardiomegaly with bilateral small [effusions].
        The [oedema] is most likely reactive.
        A 72-year-old man with [chest pain].
        Presents with a three-day history of [fever].
        History of gout and asthma who presented with [chest pain].
        [Pain] for the past two weeks.
        The [oedema], previously mild, is now marked.
        MRI brain w/o contrast shows a [lesion].
    """,
    "historical": """
        Past medical history is positive for asthma, gout, stroke, cataracts and [measles].
        PMHx: hypertension, diabetes, [gout]
        Known history of [atrial fibrillation].
        Status post [bypass].
        In 2012 she had a [fracture].
        He had [rheumatic fever] as a child.
        This gradually resolved; resolved [pneumonia] is noted.
        The previously described [oedema] is no longer visible.
    """,
    "uncertain": """
        This might not be [infection].
        The result does not allow exclusion of [leukaemia].
        No evidence to rule out [infection].
        There is a concern for [infection].
        Question small [effusion].
        Unclear whether this is secondary to [infection].
        Possibly due to [infection].
        A small [effusion] may be present.
        [Infection] can't be ruled out.
        Motion limits evaluation for [effusion].
    """,
    "hypothetical": """
        MRI is advised if there is concern for [fracture].
        Patients with [gout] are often obese.
        [Effusion] can be seen in infection.
        Return to the ED for worsening [pain].
        Heparin for [thrombosis] prophylaxis.
    """,
}


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (status, line.strip())
        for status, lines in GIVEN.items()
        for line in lines.strip().split("\n")
    ],
)
def test_given_words_are_asserted_as_the_sentence_says(
    extractor: Extractor, status: str, text: str
) -> None:
    plain = text.replace("[", "").replace("]", "")
    for words in re.findall(r"\[(.+?)\]", text):
        start = plain.index(words)
        assert extractor.assert_span(Report(plain), start, start + len(words)).status == status


def test_a_heading_of_the_past_rules_its_terse_paragraph_and_no_more(extractor: Extractor) -> None:
    text = "Left hip.\nPast medical history:\n1. Diabetes\n2. Stroke\n\nReport: Gout of the toe."
    for words, status in [("Stroke", "historical"), ("Gout", "affirmed")]:
        start = text.index(words)
        assert extractor.assert_span(Report(text), start, start + len(words)).status == status


@pytest.mark.parametrize(
    ("text", "experiencer"),
    [
        ("Family history is significant for stroke.", "other"),
        ("Family history:\nMother - stroke", "other"),
        ("She was brought in by her son with stroke.", "patient"),
        ("Father died after a stroke.", "other"),
        ("Her husband had a stroke.", "other"),
        ("Her husband saw the stroke.", "patient"),
    ],
)
def test_whose_disease_it_is(extractor: Extractor, text: str, experiencer: str) -> None:
    start = text.index("stroke")
    assert extractor.assert_span(Report(text), start, start + 6).experiencer == experiencer


def test_a_span_without_words_is_refused(extractor: Extractor) -> None:
    with pytest.raises(ValueError, match="no word stands"):
        extractor.assert_span(Report("Normal hips."), 5, 5)


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("Marrow oedema of the head. Follow-up: resolution of oedema.", ["affirmed", "historical"]),
        ("Marrow oedema of the head. By May oedema had resolved.", ["affirmed", "historical"]),
        # nothing was named before, or what is named now is not said to be gone
        ("Follow-up: resolution of oedema.", []),
        ("Marrow oedema of the head. There is oedema.", ["affirmed"]),
    ],
)
def test_what_is_gone_is_what_was_named_before(
    extractor: Extractor, text: str, statuses: list[str]
) -> None:
    found = mentions_of(extractor, f"MRI left hip. {text}", "marrow_oedema")
    assert [one.status for one in found] == statuses


@pytest.mark.parametrize(
    ("text", "span", "status", "is_past"),
    [
        ("No history of avascular necrosis.", "avascular necrosis", "negated", True),
        ("History of avascular necrosis.", "avascular necrosis", "historical", True),
        ("The effusion has resolved.", "effusion", "historical", True),
        ("No avascular necrosis.", "avascular necrosis", "negated", False),
        ("There is avascular necrosis.", "avascular necrosis", "affirmed", False),
    ],
)
def test_that_the_past_is_spoken_of_is_told_besides_the_status(
    extractor: Extractor, text: str, span: str, status: str, *, is_past: bool
) -> None:
    start = text.index(span)
    found = extractor.assert_span(Report(text), start, start + len(span))
    assert (found.status, found.is_past) == (status, is_past)
