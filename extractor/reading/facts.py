"""Facts about the study and the patient: from the metadata first, then from the text."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.model import (
    Laterality,
    Patient,
    PatientFacts,
    Report,
    SectionCategory,
    Study,
    StudyFacts,
)
from extractor.reading.scan import longest
from extractor.text.sections import SectionFinder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractor.reading.compiled import CompiledPatterns
    from extractor.reading.scan import Scan


@dataclass(frozen=True, slots=True)
class Guarded:
    """A pattern that is tried only on texts in which one of some lower-case pieces stands."""

    pattern: re.Pattern[str]
    needs: tuple[str, ...]

    def search(self, text: str, lower: str) -> re.Match[str] | None:
        """Return the first match; every match holds one of the pieces."""
        if any(piece in lower for piece in self.needs):
            return self.pattern.search(text)
        return None


_AGE = re.compile(
    r"""(\d{1,3})\s*(?:-|\s)?\s*(?:
        (?:years?|yrs?|y)[\s-]*(?:old\b|o\b|of\s+age\b)|yo\b|y/o\b|y\.o\.
        |(?:years?|yrs?|y)[\s,]*(?=(?:male|female|man|woman|lady|gentleman|[MF])\b)
        |(?=[MF]\b)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_AGED = Guarded(re.compile(r"\b(?:aged?|age:)\s*:?\s*(\d{1,3})\b", re.IGNORECASE), needs=("age",))
_SEX_LETTER = re.compile(
    r"\d{1,3}\s*(?:-?\s*(?:years?|yrs?|yo|y/o|y)\.?(?:[\s-]*old)?)?[\s,/]*([MF])\b"
)
_SEX_FIELD = Guarded(
    re.compile(r"\b(?:sex|gender)\s*:\s*([MF])", re.IGNORECASE), needs=("sex", "gender")
)
_GESTATION = Guarded(
    re.compile(
        r"\b\d{1,2}(?:\s*(?:\+|/)\s*\d{1,2})?\s*(?:-\s*)?(?:weeks?|wks?|/40)\s*(?:of\s+)?(?:pregnan|gestation|gravid)|\b\d{1,2}(?:\+\d)?/40\b|\bG\d\s*P\d",
        re.IGNORECASE,
    ),
    needs=("pregnan", "gestation", "gravid", "/40", *(f"g{number}" for number in range(10))),
)
_POSTPARTUM = Guarded(
    re.compile(
        r"\b(?:\d{1,2}|one|two|three|four|five|six|eight|ten|twelve)\s*-?\s*(?:weeks?|wks?|months?|days?)\s*-?\s*(?:post\s*-?\s*(?:partum|natal|delivery)|after\s+(?:delivery|birth))",
        re.IGNORECASE,
    ),
    needs=("partum", "natal", "delivery", "birth"),
)
_NUMBER = re.compile(r"\d+")
"""What an age begins with, unless it goes on with a word or another number."""
_OLDEST = 115
_TITLE_WEIGHT = 50
"""A region named in the title counts for more than any number of words in the text."""


def read_study(report: Report, scan: Scan, title_scan: Scan) -> tuple[StudyFacts, str | None]:
    """Return the study's facts, and the region of the body that it shows."""
    regions = _regions(scan, title_scan)
    anatomy = scan.compiled.patterns.anatomy.regions
    region = regions.most_common(1)[0][0] if regions else _guessed_region(scan)
    titled = {hit.value for hit in title_scan.kind("region")}
    in_title = any(anatomy[name].in_scope for name in titled)
    whole_body = bool(title_scan.kind("whole_body")) and _names_scope(scan)
    in_scope = (
        in_title or whole_body or (not titled and region is not None and anatomy[region].in_scope)
    )
    modality = report.study.modality or _modality(title_scan) or _modality(scan)
    facts = StudyFacts(
        modality=modality,
        in_scope=in_scope,
        is_densitometry=_is_densitometry(modality, title_scan),
        is_nondiagnostic=not report.text.strip() or bool(scan.kind("nondiagnostic")),
        laterality=_study_side(title_scan),
    )
    return facts, (
        next((name for name in sorted(titled) if anatomy[name].in_scope), None)
        if in_title
        else region
    )


def read_metadata(given: Study, title_scan: Scan) -> StudyFacts:
    """Return the facts of a study whose report names nothing of the audited region: the metadata's."""
    modality = given.modality or _modality(title_scan)
    return StudyFacts(
        modality=modality,
        in_scope=False,
        is_densitometry=_is_densitometry(modality, title_scan),
        is_nondiagnostic=False,
        laterality=_study_side(title_scan),
    )


def _is_densitometry(modality: str | None, title_scan: Scan) -> bool:
    return modality == "BMD" or bool(title_scan.kind("densitometry"))


def _names_scope(scan: Scan) -> bool:
    """Whether the text proper names a part of the body that the audit is about."""
    anatomy = scan.compiled.patterns.anatomy.regions
    return any(
        anatomy[hit.value].in_scope
        and scan.document.sentence_at(hit.start).section != SectionCategory.INDICATION
        for hit in scan.kind("region")
    )


def title_of(report: Report, scan: Scan) -> str:
    """Return the words that name the examination: the metadata's description and the report's own title."""
    parts = [report.study.description or "", _own_title(scan)]
    return ". ".join(part for part in parts if part)


def _own_title(scan: Scan) -> str:
    """Return the first line where it names an examination, and so is a title."""
    document = scan.document
    start = document.text.find(document.title)
    end = start + len(document.title)
    names = [*scan.kind("modality"), *scan.kind("examination")]
    named = any(document.tokens.starts[hit.start] < end for hit in names)
    return document.title if named or _only_places(scan, end) else ""


def _only_places(scan: Scan, end: int) -> bool:
    """Whether the words up to a character offset name a side and a place and nothing else ("Right knee.")."""
    last = scan.document.tokens.index_at(end)
    told = {
        index
        for kind in ("side", "letter", "region", "site")
        for hit in scan.kind(kind)
        for index in range(hit.start, hit.end)
    }
    words = scan.document.tokens.words
    return last > 0 and all(index in told or not words[index][0].isalnum() for index in range(last))


def _regions(scan: Scan, title_scan: Scan) -> Counter[str]:
    votes: Counter[str] = Counter()
    of_past = scan.compiled.history_labels
    for hit in scan.kind("region"):
        sentence = scan.document.sentence_at(hit.start)
        past = sentence.label is not None and sentence.label.text.lower() in of_past
        votes[hit.value] += 0 if past or sentence.section == SectionCategory.INDICATION else 1
    for hit in title_scan.kind("region"):
        votes[hit.value] += _TITLE_WEIGHT
    return +votes or Counter(hit.value for hit in scan.kind("region"))


def _guessed_region(scan: Scan) -> str | None:
    """Return the region that is hinted at where nothing names one ("oedema head and neck, no AVN").

    A bare word hints at nothing beside a place of another region ("the tibia ... its epiphysis").
    """
    hints = scan.kind("hint")
    if hints:
        return hints[0].value
    sites, hits = scan.compiled.sites, scan.kind("site")
    bare = (site.region for hit in hits if (site := sites[int(hit.value)]).only_in)
    meant = next(bare, None)
    elsewhere = any(sites[int(hit.value)].region != meant for hit in longest(hits))
    return None if elsewhere else meant


def _modality(scan: Scan) -> str | None:
    hits = scan.kind("modality")
    return hits[0].value.removesuffix(".exact") if hits else None


def _study_side(title_scan: Scan) -> Laterality:
    words = title_scan.document.tokens.words
    said = {hit.value for hit in title_scan.kind("side")}
    said |= {hit.value for hit in title_scan.kind("letter") if words[hit.start].isupper()}
    if {"left", "right"} <= said or "bilateral" in said:
        return Laterality.BILATERAL
    plain = said & {"left", "right"}
    return Laterality(plain.pop()) if plain else Laterality.UNSPECIFIED


def read_patient(given: Patient, scan: Scan) -> PatientFacts:
    """Return demographics and onset; what the metadata says is never overruled by the text."""
    text = scan.document.text
    lower = text.lower()
    numbers = _numbers(text)
    pregnancy = _pregnancy(scan, lower)
    return PatientFacts(
        age_years=given.age_years if given.age_years is not None else _age(text, lower, numbers),
        sex=given.sex or _sex(scan, lower, numbers) or ("F" if pregnancy else None),
        pregnancy=given.pregnancy or pregnancy,
        onset_atraumatic=_onset(scan),
    )


def _age(text: str, lower: str, numbers: Sequence[int]) -> int | None:
    for match in (_at_number(_AGE, text, numbers), _AGED.search(text, lower)):
        if match and int(match.group(1)) <= _OLDEST:
            return int(match.group(1))
    return None


def _numbers(text: str) -> list[int]:
    """Return where the numbers begin that do not go on with a word or another number."""
    starts = [number.start() for number in _NUMBER.finditer(text)]
    return [at for at in starts if not at or not (text[at - 1] in "._" or text[at - 1].isalnum())]


def _at_number(pattern: re.Pattern[str], text: str, numbers: Sequence[int]) -> re.Match[str] | None:
    """Return the first match of a pattern that begins with a number."""
    for number in numbers:
        match = pattern.match(text, number)
        if match:
            return match
    return None


def _sex(scan: Scan, lower: str, numbers: Sequence[int]) -> str | None:
    text = scan.document.text
    letter = _at_number(_SEX_LETTER, text, numbers) or _SEX_FIELD.search(text, lower)
    if letter:
        return letter.group(1).upper()
    hits = scan.kind("sex")
    return hits[0].value.removesuffix(".exact") if hits else None


def _pregnancy(scan: Scan, lower: str) -> str | None:
    text = scan.document.text
    said = {hit.value for hit in scan.kind("pregnancy")}
    if "none" in said:
        return None
    if "postpartum" in said or _POSTPARTUM.search(text, lower):
        return "postpartum"
    if "pregnant" in said or _GESTATION.search(text, lower):
        return "pregnant"
    return None


def _onset(scan: Scan) -> bool | None:
    said = {hit.value for hit in scan.kind("onset")}
    if "atraumatic" in said:
        return True
    return False if "traumatic" in said else None


def compiled_finder(compiled: CompiledPatterns) -> SectionFinder:
    """Return the section finder for a pattern set."""
    words = compiled.patterns.study
    return SectionFinder(
        compiled.patterns.headings,
        request_words=words.request_words,
        not_request=words.not_request,
        asking_words=words.asking_words,
        finding_words=words.finding_words,
        statement_words=words.statement_words,
        title_words=words.title_words,
        title_labels=words.title_labels,
    )
