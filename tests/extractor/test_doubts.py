"""How far doubt reaches, what is nearly gone, and where the past ends (clinical.md 3.6 to 3.8)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Report

Told = tuple[str, str, str | None]


def told(extractor: Extractor, text: str) -> list[Told]:
    """Return each finding with its status and certainty."""
    result = extractor.extract(Report(f"MRI left hip. {text}"))
    return [
        (one.finding, str(one.status), str(one.certainty) if one.certainty else None)
        for one in result.mentions
    ]


AVN_LIKELY = ("avascular_necrosis", "uncertain", "likely")
AVN_POSSIBLE = ("avascular_necrosis", "uncertain", "possible")
ITOH_LIKELY = ("itoh_diagnosis", "uncertain", "likely")
ITOH_POSSIBLE = ("itoh_diagnosis", "uncertain", "possible")
EFFUSION = ("effusion", "affirmed", None)
OEDEMA = ("marrow_oedema", "affirmed", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Likely avascular necrosis with a small joint effusion.", [AVN_LIKELY, EFFUSION]),
        (
            "Probable transient osteoporosis with marrow oedema of the femoral head.",
            [ITOH_LIKELY, OEDEMA],
        ),
        (
            (
                "Possible avascular necrosis with marrow oedema in the femoral head and a moderate "
                "joint effusion."
            ),
            [AVN_POSSIBLE, OEDEMA, EFFUSION],
        ),
    ],
)
def test_with_ends_a_doubt(extractor: Extractor, text: str, expected: list[Told]) -> None:
    assert told(extractor, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Transient osteoporosis is suspected, with marrow oedema of the femoral head.",
            [ITOH_LIKELY, OEDEMA],
        ),
        ("Avascular necrosis is possible, with a small joint effusion.", [AVN_POSSIBLE, EFFUSION]),
        ("Avascular necrosis is suspected. Small joint effusion.", [AVN_LIKELY, EFFUSION]),
        # the mention right behind the predicate is what is thought
        ("The marrow oedema is most likely transient osteoporosis.", [OEDEMA, ITOH_LIKELY]),
    ],
)
def test_a_predicate_doubts_its_subject_and_not_what_comes_with_it(
    extractor: Extractor, text: str, expected: list[Told]
) -> None:
    assert told(extractor, text) == expected


@pytest.mark.parametrize("versus", ["versus", "vs"])
def test_versus_doubts_what_it_weighs_and_not_what_is_seen(
    extractor: Extractor, versus: str
) -> None:
    text = f"Marrow oedema of the head, transient osteoporosis {versus} avascular necrosis."
    assert told(extractor, text) == [OEDEMA, ITOH_POSSIBLE, AVN_POSSIBLE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Transient osteoporosis needs further consideration.", [ITOH_POSSIBLE]),
        ("Transient osteoporosis is to be considered.", [ITOH_POSSIBLE]),
        (
            "Avascular necrosis would be very unusual.",
            [("avascular_necrosis", "uncertain", "unlikely")],
        ),
        (
            "Marrow oedema, c/w transient osteoporosis.",
            [OEDEMA, ("itoh_diagnosis", "affirmed", None)],
        ),
        ("Small joint effusion of doubtful significance.", [EFFUSION]),
        ("Marrow oedema of uncertain cause.", [OEDEMA]),
    ],
)
def test_phrases_of_doubt_are_read_as_they_are_meant(
    extractor: Extractor, text: str, expected: list[Told]
) -> None:
    assert told(extractor, text) == expected


@pytest.mark.parametrize(
    ("text", "status", "change"),
    [
        ("The marrow oedema has largely resolved.", "affirmed", "decreased"),
        ("The marrow oedema has almost completely resolved.", "affirmed", "decreased"),
        ("Near-complete resolution of the marrow oedema.", "affirmed", "decreased"),
        ("The marrow oedema has substantially regressed.", "affirmed", "decreased"),
        ("The marrow oedema has completely resolved.", "historical", "resolved"),
        ("The marrow oedema is not seen any more.", "historical", "resolved"),
    ],
)
def test_what_is_largely_gone_is_still_there(
    extractor: Extractor, text: str, status: str, change: str
) -> None:
    (mention,) = extractor.extract(Report(f"MRI left hip. {text}")).mentions
    assert (mention.status, mention.change) == (status, change)


@pytest.mark.parametrize(
    ("text", "given", "status"),
    [
        ("Status post coiling for aneurysm.", "coiling", "historical"),
        ("Status post coiling for aneurysm.", "aneurysm", "affirmed"),
        ("Status post core decompression for avascular necrosis.", "avascular", "affirmed"),
        ("Status post fixation due to fracture.", "fracture", "affirmed"),
        ("Status post fall, joint effusion.", "effusion", "affirmed"),
        ("Status post fixation of a femoral neck fracture.", "fracture", "historical"),
        ("Surgery was complicated by infection.", "infection", "historical"),
        # what is new ends the past before it
        ("History of gout, newly diagnosed with stroke.", "gout", "historical"),
        ("History of gout, newly diagnosed with stroke.", "stroke", "affirmed"),
        ("History of gout, new onset of tremor.", "tremor", "affirmed"),
    ],
)
def test_what_was_done_ends_at_its_reason_and_the_past_at_what_is_new(
    extractor: Extractor, text: str, given: str, status: str
) -> None:
    start = text.index(given)
    assert extractor.assert_span(Report(text), start, start + len(given)).status == status


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("With no history of trauma, transient osteoporosis is favoured.", "likely"),
        ("Without fracture or effusion, avascular necrosis cannot be excluded.", "possible"),
        ("In the absence of trauma this most likely represents avascular necrosis.", "likely"),
    ],
)
def test_a_statement_behind_a_denial_keeps_its_own_doubt(
    extractor: Extractor, text: str, certainty: str
) -> None:
    last = extractor.extract(Report(f"MRI left hip. {text}")).mentions[-1]
    assert (last.status, last.certainty) == ("uncertain", certainty)


@pytest.mark.parametrize(
    "text",
    [
        "No fracture, avascular necrosis or infection is suspected.",
        "No trauma, transient osteoporosis or avascular necrosis.",
        "No evidence that this is avascular necrosis.",
        "No fracture in this area or effusion.",
    ],
)
def test_a_denial_goes_through_its_list(extractor: Extractor, text: str) -> None:
    mentions = extractor.extract(Report(f"MRI left hip. {text}")).mentions
    assert {str(one.status) for one in mentions} == {"negated"}


@pytest.mark.parametrize(
    "text",
    [
        "Moderate joint effusion, infection cannot be excluded.",
        "Joint effusion, avascular necrosis is possible.",
        "Joint effusion, transient osteoporosis should be considered.",
    ],
)
def test_a_doubt_of_the_diagnosis_is_none_of_what_was_seen(extractor: Extractor, text: str) -> None:
    read = {
        one.finding: str(one.status)
        for one in extractor.extract(Report(f"MRI left hip. {text}")).mentions
    }
    assert read.pop("effusion") == "affirmed"
    assert set(read.values()) == {"uncertain"}


@pytest.mark.parametrize(
    "text",
    [
        "Joint effusion or infection cannot be excluded.",
        "Avascular necrosis, infection cannot be excluded.",
        "Marrow oedema, joint effusion cannot be excluded.",
    ],
)
def test_a_doubt_goes_back_over_a_list_of_one_kind(extractor: Extractor, text: str) -> None:
    read = [str(one.status) for one in extractor.extract(Report(f"MRI left hip. {text}")).mentions]
    assert read == ["uncertain", "uncertain"]
