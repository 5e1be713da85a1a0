"""The extractor: one report in, one result out. Pure, deterministic, built once for a process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from extractor._version import __version__
from extractor.assessment.assess import assess
from extractor.assessment.atoms import Facts, compile_definition
from extractor.errors import TextTooLongError
from extractor.knowledge.load import PatternSet, load_patterns
from extractor.model import (
    MAX_TEXT_CHARS,
    Engine,
    PatientFacts,
    Report,
    Result,
    SpanAssertion,
)
from extractor.reading.compiled import compile_patterns, compiled_speller
from extractor.reading.conflicts import find_conflicts
from extractor.reading.facts import (
    compiled_finder,
    read_metadata,
    read_patient,
    read_study,
    title_of,
)
from extractor.reading.mentions import MentionReader, correct_sides
from extractor.reading.places import find_places, find_sides
from extractor.reading.scan import Scan
from extractor.reading.scope_words import compile_scope_words
from extractor.reading.spans import read_span
from extractor.text.document import Document, cut

if TYPE_CHECKING:
    from pathlib import Path

    from extractor.reading.compiled import CompiledPatterns
    from extractor.text.spelling import Speller


_TITLES = 2_000


class Extractor:
    """Reads reports by one pattern set. Safe to use after a fork; not shared between threads."""

    def __init__(self, patterns: PatternSet) -> None:
        self.patterns = patterns
        self.engine = Engine(__version__, patterns.version, patterns.digest)
        self._compiled = compile_patterns(patterns)
        self._finder = compiled_finder(self._compiled)
        self._speller = compiled_speller(self._compiled)
        # an archive has few titles: each is read once
        self._title_scan = lru_cache(maxsize=_TITLES)(self._scan_title)
        assessed = _assessed_sites(patterns)
        self._definition = compile_definition(patterns.case, assessed, patterns.course)
        self.scope_words = compile_scope_words(self._compiled, self._definition)

    @classmethod
    def load(cls, directory: Path | None = None) -> Extractor:
        """Return an extractor for the shipped patterns, or for those of a directory.

        Raises:
            PatternError: the patterns are wrong; names file, line and mend.

        """
        return cls(load_patterns(directory))

    @property
    def compiled(self) -> CompiledPatterns:
        """The pattern set as it is matched."""
        return self._compiled

    @property
    def speller(self) -> Speller:
        """What mends words before they are matched."""
        return self._speller

    def extract(self, report: Report) -> Result:
        """Read one report.

        Raises:
            TextTooLongError: the text has more than :data:`MAX_TEXT_CHARS` characters.

        """
        document, scan = self._scan(report)
        title_scan = self._title_scan(title_of(report, scan))
        sides = find_sides(scan)
        study, region = read_study(report, scan, title_scan)
        patient = read_patient(report.patient, scan)
        places = find_places(scan, sides, region)
        titled = find_places(title_scan, find_sides(title_scan), region)
        mentions = MentionReader(
            scan, places=places, sides=sides, titled=titled, study=study, region=region
        ).read()
        mentions, corrected = correct_sides(mentions, scan, sides)
        flags = (
            ["addendum:laterality"]
            if corrected
            else find_conflicts(
                mentions,
                study,
                targets=self.patterns.targets,
                sites=self._definition.assessed_sites,
            )
        )
        return Result(
            report_id=report.report_id,
            engine=self.engine,
            study=study,
            patient=patient,
            sections=document.sections,
            mentions=tuple(one for one in mentions if one.id),
            assessment=assess(
                self._definition, Facts(self._definition, mentions, patient, study), flags
            ),
        )

    def extract_focused(self, report: Report) -> Result:
        """Read one report if it names anything of the region that the audit is about.

        One that names nothing of it keeps the facts of its metadata: no mentions, not in scope.

        Raises:
            TextTooLongError: the text has more than :data:`MAX_TEXT_CHARS` characters.

        """
        return self.extract(report) if self.names_scope(report) else self.pass_over(report)

    def names_scope(self, report: Report) -> bool:
        """Whether a report names anything of the audited region, or the disease; without spaCy.

        Raises:
            TextTooLongError: the text has more than :data:`MAX_TEXT_CHARS` characters.

        """
        _check_length(report.text)
        return self.scope_words.named_in(report.text, report.study.description or "", self._speller)

    def pass_over(self, report: Report) -> Result:
        """Return the result of a report whose text is not read: nothing but its metadata counts."""
        study = read_metadata(report.study, self._title_scan(report.study.description or ""))
        given = report.patient
        patient = PatientFacts(given.age_years, given.sex, given.pregnancy, onset_atraumatic=None)
        return Result(
            report_id=report.report_id,
            engine=self.engine,
            study=study,
            patient=patient,
            sections=(),
            mentions=(),
            assessment=assess(self._definition, Facts(self._definition, (), patient, study)),
        )

    def assert_span(self, report: Report, start: int, end: int) -> SpanAssertion:
        """Return what a report asserts of the words between two character offsets, whatever they name.

        Raises:
            TextTooLongError: the text has more than :data:`MAX_TEXT_CHARS` characters.
            ValueError: no word stands between the offsets.

        """
        _, scan = self._scan(report)
        return read_span(scan, start, end)

    def _scan_title(self, title: str) -> Scan:
        return Scan(cut(title, self._finder, self._speller), self._compiled)

    def _scan(self, report: Report) -> tuple[Document, Scan]:
        _check_length(report.text)
        document = cut(report.text, self._finder, self._speller)
        return document, Scan(document, self._compiled)


def _check_length(text: str) -> None:
    if len(text) > MAX_TEXT_CHARS:
        raise TextTooLongError(len(text), MAX_TEXT_CHARS)


def _assessed_sites(patterns: PatternSet) -> set[str]:
    """Return the sites whose sides the case definition judges, joints of their regions included."""
    found: set[str] = set()
    for site in patterns.anatomy.sites:
        if set(site.groups) & set(patterns.case.sides_from):
            joint = patterns.anatomy.regions[site.region].joint
            found |= {*(site.sites or [site.id]), *([joint] if joint else [])}
    return found
