from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from extractor.knowledge.lint import Remark, Severity, lint_patterns

SECOND = Path(__file__).parent / "second_pattern_set"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of a small pattern set without errors, that a test may break."""
    return shutil.copytree(SECOND, tmp_path / "patterns")


def add(path: Path, lines: str) -> int:
    """Append lines; return the number of the first."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text + lines, encoding="utf-8")
    return text.count("\n") + 1


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def only_error(directory: Path) -> Remark:
    errors = [one for one in lint_patterns(directory) if one.severity == Severity.ERROR]
    assert len(errors) == 1, errors
    return errors[0]


def test_a_set_in_order_gets_only_notes() -> None:
    remarks = lint_patterns(SECOND)
    assert {(one.severity, one.code) for one in remarks} == {(Severity.NOTE, "no_examples")}


def test_the_shipped_patterns_hold_nothing_that_does_nothing() -> None:
    assert [one for one in lint_patterns() if one.severity == Severity.ERROR] == []


@pytest.mark.parametrize(
    ("rule", "code", "words"),
    [
        ("{id: a, finding: stone, phrases: [gravel, '[fine] gravel']}", "duplicate_phrase", "'gravel' in rule 'a'"),
        ("{id: a, finding: stone, phrases: ['x ... y', 'x ... y']}", "duplicate_phrase", "'x ... y'"),
        ("{id: a, finding: stone, phrases: ['(gravel|{stone}|stones) here']}", "duplicate_alternative", "'stones'"),
        ("{id: a, finding: stone, phrases: [gravel], not_with: [bed, bed]}", "duplicate_phrase", "not_with of 'a'"),
        ("{id: a, finding: hydronephrosis, phrases: ['old stone', stone]}", "ambiguous_phrase", "which of them speaks is chance"),
        ("{id: a, finding: stone, priority: 10, phrases: ['big hydronephrosis']}", "hidden_phrase", "goes before it with 'hydronephrosis'"),
        ("{id: a, finding: stone, priority: 10, phrases: ['big hydronephrosis ... in <organ>']}", "hidden_phrase", "'hydronephrosis.named'"),
        ("{id: a, block: true, phrases: ['gravel path']}", "blocks_nothing", "'gravel path'"),
        ("{id: a, finding: stone, phrases: ['bed gravel'], not_with: [gravel]}", "excluded_phrase", "its own rule 'a'"),
        ("{id: a, finding: stone, case: exact, phrases: [A/B]}", "never_matches", "'A / B'"),
        ("{id: a, finding: stone, phrases: [US]}", "ordinary_word", "case: exact"),
        ("{id: a, finding: stone, phrases: ['gravel ... <orgn>']}", "unknown_name", "'orgn'"),
        ("{id: a, finding: stone, phrases: [gravel], modalities: [ct]}", "unknown_name", "'ct'"),
        ("{id: a, finding: stone, phrases: [gravel], sites: [kidny]}", "unknown_name", "'kidny'"),
        ("{id: a, finding: stone, phrases: [gravel], stands_alone: true}", "unused_field", "'status'"),
        ("{id: a, finding: stone, phrases: ['{gravel}']}", "unreadable_phrase", "no lexicon entry 'gravel'"),
    ],
)  # fmt: skip
def test_rules_that_do_nothing_are_named_with_file_line_and_mend(
    copied: Path, *, rule: str, code: str, words: str
) -> None:
    line = add(copied / "findings" / "all.yaml", f"  - {rule}\n")
    found = only_error(copied)
    assert (found.code, str(found.place)) == (code, f"findings/all.yaml:{line}")
    assert words in found.text


@pytest.mark.parametrize(
    "rule",
    [
        (
            "{id: a, finding: hydronephrosis, case: exact, phrases: [ST]}\n"
            "  - {id: b, finding: stone, case: exact, phrases: [St]}"
        ),
        (
            "{id: a, finding: hydronephrosis, modalities: [CT], phrases: [gravel]}\n"
            "  - {id: b, finding: stone, modalities: [US], phrases: [gravel]}"
        ),
        (
            "{id: a, finding: stone, priority: 60, phrases: [gravel], not_with: [path]}\n"
            "  - {id: b, finding: hydronephrosis, phrases: [gravel]}"
        ),
        "{id: a, block: true, phrases: ['stone bed']}",
        "{id: a, finding: stone, case: exact, phrases: [US]}",
    ],
)
def test_rules_that_can_speak_are_left_alone(copied: Path, rule: str) -> None:
    add(copied / "findings" / "all.yaml", f"  - {rule}\n")
    assert [one for one in lint_patterns(copied) if one.severity == Severity.ERROR] == []


@pytest.mark.parametrize(
    ("cue", "code", "words"),
    [
        ("{id: a, category: negation, phrases: [but]}", "contradicting_cues", "one of which ends cues"),
        ("{id: a, category: affirmation, phrases: [without]}", "contradicting_cues", "'no' (context/all.yaml:2)"),
        ("{id: a, category: pseudo, phrases: [without]}", "pseudo_is_cue", "the cue 'no'"),
        ("{id: a, category: pseudo, phrases: [gravel]}", "hides_nothing", "no words of any cue"),
        ("{id: a, category: negation, phrases: [nil], sections: [technique]}", "unreachable_cue", "technique"),
        ("{id: a, category: negation, phrases: [nil], sections: [addendum]}", "unreachable_cue", "addendum"),
        ("{id: a, category: negation, phrases: [nil], change: new}", "unused_field", "'change'"),
        ("{id: a, category: terminate, phrases: [yet], max_words: 3}", "unused_field", "'max_words'"),
        ("{id: a, category: negation, phrases: [nil], value: true}", "unused_field", "direction: both"),
        ("{id: a, category: uncertainty, phrases: [likely]}", "missing_field", "'certainty'"),
    ],
)  # fmt: skip
def test_cues_that_do_nothing_or_contradict_are_named(
    copied: Path, *, cue: str, code: str, words: str
) -> None:
    line = add(copied / "context" / "all.yaml", f"  - {cue}\n")
    remarks = [one for one in lint_patterns(copied) if one.severity == Severity.ERROR]
    assert [(one.code, str(one.place)) for one in remarks] == [(code, f"context/all.yaml:{line}")]
    assert words in remarks[0].text


def test_a_cue_of_a_finding_that_no_rule_finds_reaches_nothing(copied: Path) -> None:
    replace_in(copied / "pattern_set.yaml", "findings:\n", "findings:\n  cyst: {title: cyst}\n")
    add(
        copied / "context" / "all.yaml",
        "  - {id: a, category: negation, phrases: [nil], findings: [cyst]}\n",
    )
    codes = [one.code for one in lint_patterns(copied) if one.severity == Severity.ERROR]
    assert sorted(codes) == ["unreachable_cue", "unused_finding"]


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "words"),
    [
        ("lexicon.yaml", "stone:", "gravel: [gravel]\nstone:", "unused_lexicon_entry", "'gravel'"),
        ("sections.yaml", "impression: [", "impression: [Findings, ", "heading_in_two_categories", "in findings (sections.yaml:1)"),
        ("sections.yaml", "findings: [", "findings: [Findings, ", "duplicate_heading", "twice in findings"),
        ("anatomy.yaml", "phrases: [ureter, ureteric]", "phrases: [ureter, kidney]", "ambiguous_phrase", "site 'kidney'"),
        ("anatomy.yaml", "right: [right]", "right: [right, left]", "ambiguous_phrase", "side 'left'"),
        ("study.yaml", "CT: [CT]", "CT: [CT], US: [US]", "ordinary_word", "'us'"),
        ("study.yaml", "title_words: []", "title_words: [], request_words: [pain], finding_words: [Pain]", "ambiguous_phrase", "never tells a request"),
        ("demographics.yaml", "female: [woman]", "female: [man]", "ambiguous_phrase", "'man'"),
        ("case_definition.yaml", "atoms:\n", "atoms:\n  idle: {title: idle, findings: [stone], statuses: [affirmed]}\n", "unused_atom", "'idle'"),
        ("case_definition.yaml", "statuses: [possible]", "statuses: [posible]", "unknown_name", "'posible'"),
        ("case_definition.yaml", "level: stated", "level: sure", "unknown_name", "'sure'"),
        ("case_definition.yaml", "  - {id: K1,", '  - {id: K9, when: "True", level: none}\n  - {id: K1,', "unreached_rule", "'K9' before it"),
        ("pattern_set.yaml", 'default_sites: {"*": kidney}', "default_sites: {renl: kidney}", "unknown_name", "'renl'"),
        ("pattern_set.yaml", "targets: [stone]", "targets: [stoone]", "unknown_name", "'stoone'"),
    ],
)  # fmt: skip
def test_names_that_nothing_declares_or_uses_are_named(
    copied: Path, *, file: str, old: str, new: str, code: str, words: str
) -> None:
    replace_in(copied / file, old, new)
    remarks = [one for one in lint_patterns(copied) if one.severity == Severity.ERROR]
    assert {(one.code, one.place.file) for one in remarks} == {(code, file)}
    assert words in remarks[0].text


def test_a_place_that_no_finding_takes_is_noted_unless_it_hides_another(copied: Path) -> None:
    add_site = "{id: pond, region: renal, groups: [water], phrases: [%s]}\nsides:"
    replace_in(copied / "anatomy.yaml", "sides:", f"  - {add_site % 'pond'}")
    assert "unused_site" in {one.code for one in lint_patterns(copied)}
    replace_in(copied / "anatomy.yaml", "phrases: [pond]", "phrases: [kidney dish]")
    assert "unused_site" not in {one.code for one in lint_patterns(copied)}


def test_of_an_extending_set_only_its_own_files_are_remarked_on(tmp_path: Path) -> None:
    (tmp_path / "findings").mkdir()
    (tmp_path / "pattern_set.yaml").write_text(
        "name: itoh\nversion: local.1\nextends: shipped\nremove: [effusion.fluid, efusion.named]\n"
    )
    (tmp_path / "findings" / "own.yaml").write_text(
        "rules:\n"
        "  - id: own\n"
        "    finding: osteopenia\n"
        "    phrases: [chalk bones, marrow oedema]\n"
        "    examples: [{text: Chalk bones., found: [Chalk bones]}]\n"
    )
    found = [(one.code, str(one.place)) for one in lint_patterns(tmp_path)]
    assert found == [("ambiguous_phrase", "findings/own.yaml:4"), ("unknown_name", "pattern_set.yaml:4")]  # fmt: skip
