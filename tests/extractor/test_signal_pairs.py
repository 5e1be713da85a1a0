"""Marrow oedema that is described and not named (clinical.md 3.1), and what stands inside a phrase."""

from __future__ import annotations

import pytest

from extractor import Extractor, Mention, Report


def oedema(extractor: Extractor, text: str) -> list[Mention]:
    result = extractor.extract(Report(f"MRI hips. {text}"))
    return [one for one in result.mentions if one.finding == "marrow_oedema"]


@pytest.mark.parametrize(
    "text",
    [
        "Low signal in the right femoral head on T1 and high signal on STIR.",
        "Low signal in the right femoral head on T1, high on STIR.",
        "There is high signal in the right femoral head on STIR, with low signal on T1.",
        "STIR shows high signal in the right femoral head and T1 shows low signal.",
        "On T1 the signal is low in the right femoral head and on STIR it is high.",
        (
            "T1 weighted images show low signal in the right femoral head with corresponding high "
            "signal on STIR."
        ),
    ],
)
def test_the_site_may_stand_between_the_two_signals(extractor: Extractor, text: str) -> None:
    (mention,) = oedema(extractor, text)
    assert mention.status == "affirmed"
    assert (mention.sites, mention.laterality) == (("femoral_head",), "right")


@pytest.mark.parametrize(
    "text",
    [
        "High STIR signal in the right femoral head. Corresponding low signal on T1.",
        "Low T1 signal in the right femoral head. There is matching high STIR signal.",
        "The right femoral head is dark on T1. It is bright on STIR.",
        "T1: hypointense right femoral head. T2 FS: hyperintense.",
        "On T1 there is low signal in the right femoral head. On STIR there is high signal.",
    ],
)
def test_the_next_sentence_completes_the_pair(extractor: Extractor, text: str) -> None:
    (mention,) = oedema(extractor, text)
    assert (mention.status, mention.certainty) == ("affirmed", None)
    assert mention.quote in text.split(". ", maxsplit=1)[0]


@pytest.mark.parametrize(
    "text",
    [
        "On T1 there is low signal in the right femoral head. On STIR the right femoral head is bright.",
        "T1: low signal in the right femoral head. STIR: high signal in the right femoral head.",
        "High STIR signal in the right femoral head. Low T1 signal in the femoral head.",
    ],
)
def test_two_statements_of_one_place_complete_each_other(extractor: Extractor, text: str) -> None:
    first, second = oedema(extractor, text)
    for mention in (first, second):
        assert (mention.status, mention.laterality) == ("affirmed", "right")


def test_statements_of_two_hips_do_not_complete_each_other(extractor: Extractor) -> None:
    text = "High STIR signal in the right femoral head. Low T1 signal in the left femoral head."
    assert [mention.status for mention in oedema(extractor, text)] == ["uncertain", "uncertain"]


@pytest.mark.parametrize(
    "text",
    [
        "High STIR signal in the right femoral head. No fracture.",
        "Low T1 signal in the right femoral head. The labrum is torn.",
        # the second signal is of another finding, or comes too late
        "High STIR signal in the right femoral head. Low T1 signal in a lesion of the left ilium.",
        "High STIR signal in the right femoral head. The labrum is torn. Low signal on T1.",
    ],
)
def test_one_signal_alone_is_only_likely(extractor: Extractor, text: str) -> None:
    (mention,) = oedema(extractor, text)
    assert (mention.status, mention.certainty) == ("uncertain", "likely")


@pytest.mark.parametrize(
    "text",
    [
        "Loss of the normal fatty marrow signal in the left femoral head.",
        "The left femoral head has lost its normal fatty signal.",
        "The fatty marrow signal of the left femoral head is replaced.",
        "Replacement of the normal marrow signal in the left femoral head.",
    ],
)
def test_fat_that_is_lost_from_the_marrow_is_oedema(extractor: Extractor, text: str) -> None:
    (mention,) = oedema(extractor, text)
    assert mention.status == "affirmed"
    assert (mention.sites, mention.laterality) == (("femoral_head",), "left")


@pytest.mark.parametrize(
    "text",
    [
        "The fatty signal of the lesion in the left femoral head is lost.",
        "A tumour has replaced the fat signal in the left femoral head.",
    ],
)
def test_fat_that_a_lesion_has_replaced_is_not(extractor: Extractor, text: str) -> None:
    assert oedema(extractor, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Marrow oedema in the left femoral head, with low T1 and high STIR signal.",
        "Marrow oedema of the left femoral head (low T1 and high STIR signal in the head).",
        "Marrow oedema of the left femoral head with loss of the normal fatty marrow signal.",
    ],
)
def test_a_description_behind_the_name_is_no_second_mention(
    extractor: Extractor, text: str
) -> None:
    assert [mention.quote for mention in oedema(extractor, text)] == ["Marrow oedema"]


def test_a_name_behind_the_description_is_one(extractor: Extractor) -> None:
    text = "Low T1 and high STIR signal in the femoral head, in keeping with marrow oedema."
    assert [mention.quote for mention in oedema(extractor, text)] == [
        "Low T1 and high STIR signal in the femoral head",
        "marrow oedema",
    ]


def test_fluid_that_only_describes_the_named_effusion_is_no_second_mention(
    extractor: Extractor,
) -> None:
    text = "MRI left hip. Effusion of the hip, with fluid distending the joint capsule."
    assert [one.quote for one in extractor.extract(Report(text)).mentions] == ["Effusion"]


def test_fluid_on_the_other_side_is_a_second_mention(extractor: Extractor) -> None:
    text = "MRI hips. There is an effusion on the left and fluid distends the right hip joint."
    mentions = extractor.extract(Report(text)).mentions
    assert [str(one.laterality) for one in mentions] == ["left", "right"]


@pytest.mark.parametrize(
    ("text", "finding", "status"),
    [
        ("The marrow is not oedematous.", "marrow_oedema", "negated"),
        ("The femoral head is not oedematous.", "marrow_oedema", "negated"),
        ("The fatty signal of the femoral head is not lost.", "marrow_oedema", "negated"),
        ("The bone density is not reduced.", "osteopenia", "negated"),
        ("Bone density is not normal.", "osteopenia", "affirmed"),
        ("Bone mineral density is not preserved.", "osteopenia", "affirmed"),
        ("Marrow signal in the femoral head is not preserved.", "marrow_oedema", "affirmed"),
    ],
)
def test_not_inside_a_phrase_turns_what_it_says(
    extractor: Extractor, text: str, finding: str, status: str
) -> None:
    mentions = extractor.extract(Report(f"MRI left hip. {text}")).mentions
    assert [(one.finding, str(one.status)) for one in mentions] == [(finding, status)]
