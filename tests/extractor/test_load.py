from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from extractor import Extractor, PatternError, Report
from extractor.knowledge.load import load_patterns, shipped_directory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped patterns that a test may break."""
    return shutil.copytree(shipped_directory(), tmp_path / "patterns")


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_digest_changes_with_any_file_and_only_then(copied: Path) -> None:
    shipped = load_patterns().digest
    assert load_patterns(copied).digest == shipped
    replace_in(copied / "sections.yaml", "indication: [", "indication: [why, ")
    assert load_patterns(copied).digest != shipped


def test_a_misspelt_key_is_named_with_its_file_and_line(copied: Path) -> None:
    replace_in(
        copied / "findings" / "effusion.yaml", "    finding: effusion", "    findign: effusion"
    )
    with pytest.raises(PatternError, match=r"effusion\.yaml:\d+: .*findign"):
        load_patterns(copied)


def test_broken_yaml_is_named_with_its_line(copied: Path) -> None:
    (copied / "context" / "time.yaml").write_text("cues:\n  - id: [\n", encoding="utf-8")
    with pytest.raises(PatternError, match=r"time\.yaml:\d+: not readable as YAML"):
        load_patterns(copied)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "findings/effusion.yaml",
            "finding: effusion",
            "finding: efusion",
            "'efusion' is not declared",
        ),
        (
            "case_definition.yaml",
            'when: "dx_likely"',
            'when: "dx_likley"',
            "'dx_likley' is not declared",
        ),
        ("anatomy.yaml", "    region: knee", "    region: kneee", "'kneee' is not declared"),
        ("findings/effusion.yaml", "id: effusion.fluid\n", "id: effusion.named\n", "stands twice"),
    ],
)
def test_unknown_and_double_names_are_refused(
    copied: Path, *, file: str, old: str, new: str, message: str
) -> None:
    replace_in(copied / file, old, new)
    with pytest.raises(PatternError, match=message):
        load_patterns(copied)


def test_a_directory_without_a_manifest_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PatternError, match=r"no pattern_set\.yaml"):
        load_patterns(tmp_path)


def test_an_extending_set_replaces_and_removes_shipped_rules_by_id(tmp_path: Path) -> None:
    (tmp_path / "findings").mkdir()
    (tmp_path / "pattern_set.yaml").write_text(
        "name: itoh\nversion: local.1\nextends: shipped\nremove: [effusion.fluid, effusion.joint_fluid]\n",
        encoding="utf-8",
    )
    (tmp_path / "findings" / "own.yaml").write_text(
        "rules:\n"
        "  - {id: effusion.named, finding: effusion, phrases: [wet joint]}\n"
        "  - {id: osteopenia.own, finding: osteopenia, phrases: [chalk bones]}\n",
        encoding="utf-8",
    )
    extractor = Extractor.load(tmp_path)
    result = extractor.extract(Report("MRI hip. Wet joint. Chalk bones. Effusion. Joint fluid."))
    assert [one.quote for one in result.mentions] == ["Wet joint", "Chalk bones"]
    assert result.engine.patterns_version == "local.1"
