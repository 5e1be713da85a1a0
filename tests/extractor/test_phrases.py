from __future__ import annotations

import pytest

from extractor import PatternError
from extractor.knowledge.phrases import LiteralStep, PhraseCompiler, PlaceStep

LEXICON = {"oedema": ["oedema", "edema"], "bme": ["marrow {oedema}", "BME"], "loop": ["{loop}"]}


def literals(phrase: str) -> frozenset[str]:
    return PhraseCompiler(LEXICON).literals(phrase)


def test_variants_options_and_choices_give_every_wording() -> None:
    assert literals("[bone] (marrow|medullary) {oedema}") == {
        f"{bone}{part} {oedema}"
        for bone in ("", "bone ")
        for part in ("marrow", "medullary")
        for oedema in ("oedema", "edema")
    }


def test_lexicon_entries_may_use_other_entries() -> None:
    assert literals("{bme}") == {"marrow oedema", "marrow edema", "BME"}


def test_gaps_and_places_become_steps() -> None:
    (compiled,) = PhraseCompiler(LEXICON).compile("{oedema} ...8 <bone>")
    assert compiled.steps == (LiteralStep(frozenset({"oedema", "edema"})), PlaceStep("bone"))
    assert compiled.gaps == (8,)


def test_lists_on_both_sides_of_a_gap_are_not_multiplied() -> None:
    many = "|".join(f"w{number}" for number in range(500))
    (compiled,) = PhraseCompiler({}).compile(f"({many}) ... ({many})")
    assert [len(step.literals) for step in compiled.steps if isinstance(step, LiteralStep)] == [
        500,
        500,
    ]


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        ("{unknown} line", "no lexicon entry 'unknown'"),
        ("(one|two", r"'\(' without '\)'"),
        ("one] two", "unbalanced bracket"),
        ("{loop}", "refers to itself"),
        ("... <bone>", "no words of its own"),
        ("one ... [two] ... three", "optional"),
        ("one > two", "cannot read '>'"),
    ],
)
def test_a_phrase_that_cannot_work_is_refused_with_the_mend(phrase: str, message: str) -> None:
    with pytest.raises(PatternError, match=message):
        PhraseCompiler(LEXICON).compile(phrase)


def test_a_list_that_explodes_is_refused_before_it_fills_the_memory() -> None:
    many = "(" + "|".join(f"w{number}" for number in range(300)) + ")"
    with pytest.raises(PatternError, match="put a gap"):
        PhraseCompiler({}).compile(f"{many} {many} {many}")
