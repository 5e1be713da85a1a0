"""Denials, places and sides end at a remark that states something of its own (clinical.md 3.5, 3.6)."""

from __future__ import annotations

import pytest

from extractor import Extractor, Mention, Report


def mention(extractor: Extractor, text: str, finding: str) -> Mention:
    found = [one for one in extractor.extract(Report(text)).mentions if one.finding == finding]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("No hip fracture (there is marrow oedema of the femoral head).", "marrow_oedema"),
        ("No hip fracture (small joint effusion).", "effusion"),
        ("No acute fracture (the bones are osteopenic, limiting sensitivity).", "osteopenia"),
        ("No hip fracture (limited by osteopenia).", "osteopenia"),
        ("No AVN - marrow oedema of the femoral head and neck.", "marrow_oedema"),
        ("No AVN \u2013 there is marrow oedema of the femoral head.", "marrow_oedema"),
        ("No AVN of the right hip (left side shows marrow oedema).", "marrow_oedema"),
        ("No hip fracture \u2014 moderate joint effusion.", "effusion"),
    ],
)
def test_a_denial_ends_at_a_remark_that_states_something(
    extractor: Extractor, text: str, finding: str
) -> None:
    assert mention(extractor, text, finding).status == "affirmed"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("No AVN (subchondral line or collapse).", "collapse"),
        ("No fluid (effusion) in the hip joint.", "effusion"),
        ("No AVN of the hip (neither collapse nor a line is seen).", "collapse"),
        ("No fracture (including insufficiency fracture) or effusion of the hip.", "effusion"),
        ("No hip fracture - or effusion.", "effusion"),
        ("No AVN - collapse - effusion of the hip.", "effusion"),
        ("No marrow oedema of the hip (small cyst noted), no effusion.", "effusion"),
        ("No femoral head collapse (would be seen in AVN).", "collapse"),
    ],
)
def test_a_denial_goes_on_over_what_explains_or_lists(
    extractor: Extractor, text: str, finding: str
) -> None:
    assert mention(extractor, text, finding).status == "negated"


def test_the_side_of_a_remark_is_not_that_of_what_stands_before_it(extractor: Extractor) -> None:
    text = "No large pleural effusion (bilateral scarring may be an old fracture of a rib)."
    assert mention(extractor, text, "effusion").laterality == "unspecified"
    text = "MRI hips. Osteopenia of the left femoral head (right hip shows no osteopenia)."
    of = [one for one in extractor.extract(Report(text)).mentions if one.finding == "osteopenia"]
    assert [(one.sites, one.laterality) for one in of] == [
        (("femoral_head",), "left"),
        (("hip",), "right"),
    ]


@pytest.mark.parametrize(
    ("text", "finding", "side"),
    [
        ("Marrow oedema (left femoral head).", "marrow_oedema", "left"),
        ("Hip joint effusions (left greater than right).", "effusion", "bilateral"),
        ("No hip effusion (left).", "effusion", "left"),
    ],
)
def test_a_remark_without_a_finding_gives_its_side_to_what_stands_before_it(
    extractor: Extractor, text: str, finding: str, side: str
) -> None:
    assert mention(extractor, text, finding).laterality == side
