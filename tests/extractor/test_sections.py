from __future__ import annotations

import itertools

import pytest

from extractor import Extractor, Report


def categories(extractor: Extractor, text: str) -> list[tuple[str, str]]:
    result = extractor.extract(Report(text))
    return [(str(section.category), section.title) for section in result.sections]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Normal hips.", [("findings", "")]),
        (
            "INDICATION: pain.\nFINDINGS: Normal.\nIMPRESSION: Normal.",
            [("indication", "INDICATION"), ("findings", "FINDINGS"), ("impression", "IMPRESSION")],
        ),
        (
            "Clinical details: pain. Report: Normal. Conclusion: Normal.",
            [
                ("indication", "Clinical details"),
                ("findings", "Report"),
                ("impression", "Conclusion"),
            ],
        ),
        (
            "MRI LEFT HIP\nHistory\nPain.\n\nFindings\nNormal.\n\nOpinion\nNormal.",
            [
                ("findings", ""),
                ("indication", "History"),
                ("findings", "Findings"),
                ("impression", "Opinion"),
            ],
        ),
        ("IMPRESSION Normal hips.", [("impression", "IMPRESSION")]),
        (
            "History and question: pain.\nFindings: Normal.",
            [("indication", "History and question"), ("findings", "Findings")],
        ),
        ("The findings are normal. No comparison.", [("findings", "")]),
        (
            "FINDINGS 12/03/2019: Normal.\nIMPRESSION (14:30): Normal.",
            [("findings", "FINDINGS"), ("impression", "IMPRESSION")],
        ),
    ],
)
def test_headings_of_all_layouts_open_sections(
    extractor: Extractor, text: str, expected: list[tuple[str, str]]
) -> None:
    assert categories(extractor, text) == expected


@pytest.mark.parametrize(
    "heading",
    [
        "ADDENDUM:",
        "ADDENDUM 20/09/2013:",
        "ADDENDUM 20.09.2013 14:05:",
        "Addendum (20 September 2013):",
        "ADDENDUM #2:",
    ],
)
def test_a_date_or_number_does_not_hide_a_heading(extractor: Extractor, heading: str) -> None:
    text = f"FINDINGS: Normal hips.\n{heading} There is a small effusion of the left hip."
    result = extractor.extract(Report(text))
    assert [str(one.category) for one in result.sections] == ["findings", "addendum"]
    assert [str(one.section) for one in result.mentions] == ["addendum"]


def test_a_request_ends_at_its_paragraph(extractor: Extractor) -> None:
    text = "Clinical info: groin pain, ?AVN.\n\nMarrow oedema of the left femoral head."
    result = extractor.extract(Report(text))
    assert [str(section.category) for section in result.sections] == ["indication", "findings"]
    oedema = next(one for one in result.mentions if one.finding == "marrow_oedema")
    assert oedema.status == "affirmed"


def test_a_request_without_a_heading_is_one_all_the_same(extractor: Extractor) -> None:
    text = "MRI LEFT HIP\n\n47 year old man, groin pain for weeks, ?AVN.\n\nNo effusion is seen."
    result = extractor.extract(Report(text))
    assert [str(section.category) for section in result.sections] == [
        "findings",
        "indication",
        "findings",
    ]
    assert [str(one.status) for one in result.mentions] == ["hypothetical", "negated"]


def test_a_first_paragraph_that_describes_images_is_no_request(extractor: Extractor) -> None:
    text = "The painful left hip shows marrow oedema.\n\nSmall effusion."
    assert categories(extractor, text) == [("findings", "")]


def test_sections_cover_the_text_without_a_gap(extractor: Extractor) -> None:
    text = "XR hip\nRequest: pain\n\nNormal film.\nConclusion: normal"
    sections = extractor.extract(Report(text)).sections
    assert sections[0].start == 0
    assert sections[-1].end == len(text)
    assert all(one.end == other.start for one, other in itertools.pairwise(sections))
