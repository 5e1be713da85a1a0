"""What a request tells and asks, and where it ends (clinical.md 3.9)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report


def told(extractor: Extractor, text: str, finding: str) -> list[str]:
    result = extractor.extract(Report(text))
    return [str(one.status) for one in result.mentions if one.finding == finding]


def parts(extractor: Extractor, text: str) -> list[tuple[str, str]]:
    """Return the category of each section with the words it begins with."""
    sections = extractor.extract(Report(text)).sections
    return [(str(one.category), text[one.start : one.end].strip()) for one in sections]


@pytest.mark.parametrize(
    ("request_text", "finding"),
    [
        ("Known osteoporosis on alendronate, groin pain.", "osteopenia"),
        ("Radiograph elsewhere showed osteopenia of the right hip.", "osteopenia"),
        ("MRI abroad reported bone marrow oedema of the left hip.", "marrow_oedema"),
        ("Knee effusion, unable to weight bear.", "effusion"),
        ("Transient osteoporosis of the left hip, for follow-up.", "itoh_diagnosis"),
        ("Migratory osteoporosis, now left groin pain.", "migratory_osteoporosis"),
    ],
)
def test_what_a_request_asserts_of_the_targets_was_known_before(
    extractor: Extractor, request_text: str, finding: str
) -> None:
    text = f"Clinical details: {request_text}\nFindings: The labrum is intact."
    assert told(extractor, text, finding) == ["historical"]


@pytest.mark.parametrize(
    ("request_text", "finding", "status"),
    [
        ("Groin pain, ?effusion.", "effusion", "hypothetical"),
        ("Possible effusion.", "effusion", "hypothetical"),
        ("No effusion on ultrasound, groin pain.", "effusion", "negated"),
        ("Fell onto the left hip.", "trauma", "affirmed"),
    ],
)
def test_what_a_request_asks_denies_or_tells_of_the_patient_is_not_made_past(
    extractor: Extractor, request_text: str, finding: str, status: str
) -> None:
    text = f"Clinical details: {request_text}\nFindings: The labrum is intact."
    assert told(extractor, text, finding) == [status]


def test_the_same_words_in_the_findings_are_what_is_there(extractor: Extractor) -> None:
    text = "Clinical details: known effusion.\nFindings: Known effusion of the left hip."
    assert told(extractor, text, "effusion") == ["historical", "affirmed"]


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        (
            "Clinical details: groin pain for six weeks, ?AVN\nJOINT: Small effusion.",
            "JOINT: Small effusion.",
        ),
        (
            "Indication: groin pain, ?AVN. There is marrow oedema of the left femoral head.",
            "There is marrow oedema of the left femoral head.",
        ),
        (
            "Technique: coronal STIR only. Marrow oedema is seen in the left femoral head.",
            "Marrow oedema is seen in the left femoral head.",
        ),
        (
            "Comparison: radiograph of last month. The left femoral head shows marrow oedema.",
            "The left femoral head shows marrow oedema.",
        ),
        (
            "Request: pain for three weeks. Is there osteopenia? The bones are osteopenic.",
            "The bones are osteopenic.",
        ),
        (
            "Indication: groin pain. Osteopenia is seen on a film since the injury. No fracture.",
            "No fracture.",
        ),
    ],
)
def test_without_a_findings_heading_it_ends_where_the_report_goes_on_to_say_what_is_seen(
    extractor: Extractor, text: str, goes_on: str
) -> None:
    first, second = parts(extractor, text)
    assert first[0] != "findings"
    assert second == ("findings", goes_on)


def test_a_history_that_states_what_was_seen_before_stays_in_the_request(
    extractor: Extractor,
) -> None:
    text = "Indication: groin pain. Osteopenia is seen on a film since the injury. No fracture."
    assert told(extractor, text, "osteopenia") == ["historical"]


def test_with_a_findings_heading_it_ends_there_whatever_it_states(extractor: Extractor) -> None:
    text = (
        "Clinical details: groin pain. Osteopenia is seen on the radiograph.\n"
        "Findings: The marrow is not oedematous."
    )
    assert [category for category, _ in parts(extractor, text)] == ["indication", "findings"]
    assert told(extractor, text, "osteopenia") == ["historical"]


@pytest.mark.parametrize(
    ("text", "request_text"),
    [
        (
            "MRI left hip. Six weeks of groin pain, no injury. ?AVN. There is marrow oedema.",
            "Six weeks of groin pain, no injury. ?AVN.",
        ),
        (
            "XR left hip. Known osteoporosis, pain for three weeks. The cortex is intact.",
            "Known osteoporosis, pain for three weeks.",
        ),
        (
            "Pain in the left hip for three weeks. No fracture. Small joint effusion.",
            "Pain in the left hip for three weeks.",
        ),
    ],
)
def test_the_first_sentences_are_the_request_up_to_the_one_that_states_what_is_seen(
    extractor: Extractor, text: str, request_text: str
) -> None:
    assert ("indication", request_text) in parts(extractor, text)
    assert parts(extractor, text)[-1][0] == "findings"


@pytest.mark.parametrize(
    "text",
    [
        "MRI left hip. Marrow oedema of the femoral head. The patient has had pain for weeks.",
        "The painful left hip shows marrow oedema. The right hip is normal.",
    ],
)
def test_what_is_seen_first_leaves_no_request(extractor: Extractor, text: str) -> None:
    assert [category for category, _ in parts(extractor, text)] == ["findings"]


@pytest.mark.parametrize(
    ("text", "status", "section"),
    [
        ("Transient osteoporosis of the hip in pregnancy. Small effusion.", "affirmed", "findings"),
        ("Pregnancy-associated TOH. Joint effusion is seen.", "affirmed", "findings"),
        ("TOH of the hip in the third trimester of pregnancy. Effusion.", "affirmed", "findings"),
        ("?TOH in pregnancy. Marrow oedema is seen.", "hypothetical", "indication"),
        ("Suspected TOH of pregnancy. Marrow oedema is seen.", "hypothetical", "indication"),
        ("Transient osteoporosis in a previous pregnancy. Effusion.", "historical", "indication"),
        ("Woman with TOH of pregnancy. Effusion is seen.", "historical", "indication"),
    ],
)
def test_a_kind_of_disease_that_is_named_after_pregnancy_is_no_request(
    extractor: Extractor, text: str, status: str, section: str
) -> None:
    first = extractor.extract(Report(f"MRI LEFT HIP\n{text}")).mentions[0]
    assert (first.status, first.section) == (status, section)
