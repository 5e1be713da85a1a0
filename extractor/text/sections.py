"""Headings, labels and the exam title: the skeleton of a report.

A heading opens a section and holds until the next heading. A label ("Right hip:") opens a
paragraph inside a section, whose side and site its sentences inherit. The title is what stands
before the first heading and names the examination.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from extractor.model import Section, SectionCategory
from extractor.text.sentences import Span, each_sentence, lines, split_sentences
from extractor.text.tokens import lowered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_ASKED = re.compile(r"(?:^|\s)\?|\?\s*$")
_WORD = re.compile(r"\w+")
_OPENING = re.compile(r"[\n.!?:;)]")
"""What stands before a heading that is followed by a colon, but for the first one of a report."""
_TITLE_MAX_CHARS = 120
_ONE_PARAGRAPH = frozenset(
    {SectionCategory.INDICATION, SectionCategory.TECHNIQUE, SectionCategory.COMPARISON}
)
_FIRST_PARAGRAPH = re.compile(r"[ \t:*#_-]{0,40}\n?\s*+\S.*?(?=\n[ \t]*\n)", re.DOTALL)
_PARAGRAPH = re.compile(r"\S.*?(?=\n[ \t]*\n|\Z)\s*", re.DOTALL)
_FIRST_SENTENCE = re.compile(r"(?<=\w{3}[.:;])\s+(?=[A-Z0-9])|(?<=\)[.:;])\s+(?=[A-Z0-9])")
"""Ends of sentences, not the full stops of abbreviated sides ("MRI Lt. hip")."""
_DASHED = re.compile(r"[^.:\n]{3,80}?(?=[ \t]+[-\u2013\u2014][ \t]+\S)")
"""What stands before the first dash of a line ("XR left hip - osteopenic bones")."""
_HEAD_CHARS = 400
"""Of a report, in which a label may name the examination."""
_REQUEST_AMONG = 2
"""A request without a heading is the first paragraph, or the second behind the title."""
_JOIN = r"[ \t]*(?:/|&|,)[ \t]*|[ \t]+and[ \t]+"
_LAST_WORD = re.compile(r"[^\W_]+\Z")
_LABEL_MAX_WORDS = 6
_WIDEST_WRAP = 100
"""In a text with longer lines each line is a paragraph, and a label inside one holds no longer."""
_LABEL = re.compile(
    r"(?:^|(?<=[.!?]\s))[ \t]*(?:[-*\u2022][ \t]*|\d{1,2}[.)][ \t]*)?([A-Za-z][\w /&(),'-]{0,48}?)[ \t]*:(?=\s|$)",
    re.MULTILINE,
)


_BARE_LABEL = re.compile(
    r"\n[ \t]*([A-Z][A-Za-z/&-]*(?:[ \t][A-Za-z/&-]+){0,3})[ \t]*(?=\n[ \t]*\S)"
)
"""Up to four words alone on a line behind a finished one, with a line below: a heading without its colon."""


_ENDED = (".", ":", ";", "!", "?", "\n", ": ")
"""What stands before the line break above a heading without a colon."""


@dataclass(frozen=True, slots=True)
class Label:
    """A "LABEL:" inside a section; holds from ``start`` to ``scope_end``."""

    text: str
    start: int
    end: int
    scope_end: int
    own_line: bool
    """Whether the label stands alone on its line, and so heads the lines that follow."""


class SectionFinder:
    """Finds headings by the phrases of the pattern set, and a request that stands without one.

    ``request_words`` are what a request says ("pain", "since"), ``finding_words`` what only one
    who has seen the images says; a first paragraph with the one and without the other is a request.
    ``not_request`` are phrases in which a word of a request is none, unless one of the
    ``asking_words`` stands beside it.
    ``statement_words`` are what a sentence holds that tells a finding.
    ``title_words`` are of what an examination is called, ``title_labels`` those whose value names the examination.
    """

    def __init__(
        self,
        headings: Mapping[SectionCategory, Sequence[str]],
        *,
        request_words: Sequence[str] = (),
        not_request: Sequence[str] = (),
        asking_words: Sequence[str] = (),
        finding_words: Sequence[str] = (),
        statement_words: Sequence[str] = (),
        title_words: Sequence[str] = (),
        title_labels: Sequence[str] = (),
    ) -> None:
        self._request = _Words(request_words)
        self._not_request = [phrase.lower() for phrase in not_request]
        self._asking = _Words(asking_words)
        self._finding = _Words(finding_words)
        self._statement = _Words(statement_words)
        self._title = _Words(title_words)
        self._titled = re.compile(
            rf"^[ \t*#_]*(?:{_any_of(map(_fold, title_labels)) or '(?!)'})[ \t*_]*:\s*(\S[^\n]*)",
            re.MULTILINE,
        )
        self._category = {
            _fold(phrase): category for category, phrases in headings.items() for phrase in phrases
        }
        one, in_capitals = _any_of(self._category), _any_of(map(str.upper, self._category))
        names = rf"(?:{one})(?:(?:{_JOIN})(?:{one}))?(?!\w)"
        capitals = f"(?:{in_capitals})(?:(?:{_JOIN.replace('and', 'AND')})(?:{in_capitals}))?"
        # With a colon (or dash) a heading may stand at the start of a line or after a full stop; without one
        # it must fill its line, or be in capitals at the start of a line. The first two see lower case:
        # to ignore it while matching takes the engine three times as long. Runs of blanks are taken whole (*+):
        # archives of fixed width have thousands, which could be shared out among two repeats in millions of ways.
        self._with_colon = re.compile(
            rf"(?:^|(?<=[.!?:;)])[ \t]*+|(?<=[.!?:;)])[ \t]*+\n)[ \t*#>_]*+(?:\d{{1,2}}[.)][ \t]*+)?({names})"
            rf"(?:[ \t]*+(?:\([^)\n]{{0,40}}\)|#?\d[\d./ \t-]{{0,16}}(?:\d{{1,2}}:\d\d)?))?[ \t*_]*(?::|[ \t][-\u2013\u2014](?=[ \t\n])|\.[ \t]*\n)",
            re.MULTILINE,
        )
        self._alone = re.compile(
            rf"^[ \t*#_]*(?:\d{{1,2}}[.)][ \t]*)?({names})[ \t*_]*$", re.MULTILINE
        )
        self._capitals = re.compile(rf"^[ \t]*({capitals})(?=[ \t]+[A-Z0-9][a-z])", re.MULTILINE)

    def find_title(self, text: str, sections: Sequence[Section]) -> str:
        """Return what the report says the examination was: a label's value at its head, or its first words."""
        head = lowered(text[:_HEAD_CHARS])
        labelled = self._titled.search(head) if ":" in head else None
        if labelled is None:
            title = find_title(text, sections)
            dash = _DASHED.match(title)
            named = dash and self._title.stand_in(dash.group()) and not self._tells(dash.group())
            return dash.group() if dash and named else title
        return _cut_title(text[slice(*labelled.span(1))].strip())

    def find(self, text: str) -> tuple[Section, ...]:
        """Return the sections in order, covering the text from the first character to the last."""
        lower = lowered(text)
        beginnings = [one.start for one in lines(text)]
        found = [
            *_matches(
                self._with_colon, lower, [0, *(one.end() for one in _OPENING.finditer(lower))]
            ),
            *_matches(self._alone, lower, beginnings),
            *_matches(self._capitals, text, beginnings),
        ]
        ordered: list[tuple[int, str]] = []
        reached = 0
        for match in sorted(found, key=_first):
            start, end = match.span(1)
            if start >= reached:
                ordered.append((start, text[start:end]))
                reached = match.end()
        first = ordered[0][0] if ordered else len(text)
        sections: list[Section] = []
        if text[:first].strip() or not ordered:
            sections.extend(self._opened(text, first))
        headed = any(self._named(title) == SectionCategory.FINDINGS for _, title in ordered)
        for position, (start, title) in enumerate(ordered):
            end = ordered[position + 1][0] if position + 1 < len(ordered) else len(text)
            section = Section(self._named(title), title, start, end)
            parts = _ended(text, section)
            if not headed and section.category in _ONE_PARAGRAPH and len(parts) == 1:
                parts = self._ended_unheaded(text, section)
            sections.extend(parts)
        return tuple(sections)

    def _ended_unheaded(self, text: str, section: Section) -> list[Section]:
        """Return a request (technique, comparison) ended where a report without a findings heading goes on.

        That is at a label on a line of its own ("JOINT:"), or at a sentence that states what is seen.
        """
        body = section.start + len(section.title)
        label = next((match for match in _LABEL.finditer(text, body + 1, section.end)), None)
        cuts = [] if label is None else [label.start(1)]
        cuts += [
            body + span.start
            for span in split_sentences(text[body : section.end])[1:]
            if self._states(text[body + span.start : body + span.end])
        ]
        if not cuts:
            return [section]
        return [
            Section(section.category, section.title, section.start, min(cuts)),
            Section(SectionCategory.FINDINGS, "", min(cuts), section.end),
        ]

    def _requests(self, text: str) -> bool:
        """Whether a text has a word of a request, and not only in a phrase that tells a kind of disease."""
        if not self._request.stand_in(text):
            return False
        rest = text.lower()
        for phrase in self._not_request:
            rest = rest.replace(phrase, " ")
        return "?" in text or self._request.stand_in(rest) or self._asking.stand_in(text)

    def _tells(self, sentence: str) -> bool:
        """Whether a sentence tells what is seen, and does not ask for it."""
        return _ASKED.search(sentence) is None and self._statement.stand_in(sentence)

    def _states(self, sentence: str) -> bool:
        """Whether a sentence tells what is seen, and neither asks nor tells a history."""
        if "?" in sentence or self._requests(sentence):
            return False
        return self._statement.stand_in(sentence)

    def _opened(self, text: str, end: int) -> list[Section]:
        """Return what stands before the first heading: a request in a paragraph of its own, and findings."""
        for match in islice(_PARAGRAPH.finditer(text, 0, end), _REQUEST_AMONG):
            paragraph = match.group()
            rest = text[match.end() : end].strip() or text[end:].strip()
            if rest and self._requests(paragraph) and not self._finding.stand_in(paragraph):
                parts = [
                    Section(SectionCategory.FINDINGS, "", 0, match.start()),
                    Section(SectionCategory.INDICATION, "", match.start(), match.end()),
                    Section(SectionCategory.FINDINGS, "", match.end(), end),
                ]
                return [part for part in parts if part.start < part.end]
        return self._opened_within(text, end)

    def _opened_within(self, text: str, end: int) -> list[Section]:
        """Return a request that the first sentences tell before one states what is seen."""
        sentences = each_sentence(text[:end])
        opening = list(islice(sentences, _REQUEST_AMONG))
        request = self._first(opening, text, self._requests)
        told = request and self._first(chain(opening, sentences), text, self._tells)
        if request is None or told is None or request.start >= told.start:
            return [Section(SectionCategory.FINDINGS, "", 0, end)]
        start, stop = request.start, told.start
        parts = [
            Section(SectionCategory.FINDINGS, "", 0, start),
            Section(SectionCategory.INDICATION, "", start, stop),
            Section(SectionCategory.FINDINGS, "", stop, end),
        ]
        return [part for part in parts if part.start < part.end]

    @staticmethod
    def _first(sentences: Iterable[Span], text: str, fits: Callable[[str], bool]) -> Span | None:
        """Return the first sentence that fits."""
        return next((one for one in sentences if fits(text[one.start : one.end])), None)

    def _named(self, title: str) -> SectionCategory:
        """Return the category of a title; of the first heading of one that joins two ("History and question")."""
        whole = _fold(title)
        return (
            self._category.get(whole)
            or self._category[_fold(re.split(_JOIN, title, maxsplit=1, flags=re.IGNORECASE)[0])]
        )


def _ended(text: str, section: Section) -> list[Section]:
    """Return the section, ended at the blank line behind its first paragraph where it is a short one.

    Requests, techniques and comparisons are a paragraph; what follows without a heading is findings.
    """
    if section.category not in _ONE_PARAGRAPH:
        return [section]
    body = section.start + len(section.title)
    paragraph = _FIRST_PARAGRAPH.match(text, body, section.end)
    if paragraph is None or not text[paragraph.end() : section.end].strip():
        return [section]
    return [
        Section(section.category, section.title, section.start, paragraph.end()),
        Section(SectionCategory.FINDINGS, "", paragraph.end(), section.end),
    ]


def _matches(pattern: re.Pattern[str], text: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
    """Yield what ``finditer`` does of a pattern that can begin at these places alone.

    The engine would try every letter.
    """
    reached = 0
    for place in places:
        match = pattern.match(text, place) if place >= reached else None
        if match:
            yield match
            reached = match.end()


class _Words:
    """Tells whether any of some words or phrases stands in a text, whole and in any case."""

    def __init__(self, phrases: Sequence[str]) -> None:
        folded = [phrase.lower() for phrase in phrases]
        self._single = frozenset(phrase for phrase in folded if _WORD.fullmatch(phrase))
        self._others = {
            phrase: re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)")
            for phrase in folded
            if phrase not in self._single
        }

    def stand_in(self, text: str) -> bool:
        """Whether one of them does."""
        lower = text.lower()
        if not self._single.isdisjoint(_WORD.findall(lower)):
            return True
        return any(
            phrase in lower and pattern.search(lower) for phrase, pattern in self._others.items()
        )


def _first(match: re.Match[str]) -> int:
    return match.start(1)


def _any_of(names: Iterable[str]) -> str:
    """Return a pattern of all names that tries each letter once and prefers the longest name."""
    rests: dict[str, list[str]] = {}
    for name in names:
        rests.setdefault(name[:1], []).append(name[1:])
    ends = rests.pop("", None) is not None
    branches = [
        (r"[ \t]+" if letter == " " else re.escape(letter)) + _any_of(rest)
        for letter, rest in rests.items()
    ]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)})" + ("?" if ends else "")


def _fold(phrase: str) -> str:
    return " ".join(phrase.lower().split())


def find_labels(text: str, sections: Sequence[Section]) -> list[Label]:
    """Return the labels that are not headings, each with the stretch it governs."""
    heading_starts = {section.start for section in sections if section.title}
    ends = sorted({section.end for section in sections})
    spans = [
        (match.start(1), match.end(1), match.end())
        for line in lines(text)
        if ":" in text[line.start : line.end]
        for match in _LABEL.finditer(text, line.start, line.end + 1)
        if match.start(1) not in heading_starts and len(match.group(1).split()) <= _LABEL_MAX_WORDS
    ]
    taken = {start for start, _, _ in spans} | heading_starts
    spans += [one for one in _bare_labels(text) if one[0] not in taken]
    spans.sort()
    labels = []
    unwrapped = max((len(line) for line in text.split("\n")), default=0) > _WIDEST_WRAP
    for position, (start, text_end, end) in enumerate(spans):
        section_end = ends[bisect_right(ends, start)] if ends[-1] > start else len(text)
        next_start = spans[position + 1][0] if position + 1 < len(spans) else len(text)
        line_end = text.find("\n", end)
        own_line = not text[end : line_end if line_end >= 0 else len(text)].strip()
        if not own_line and unwrapped and line_end >= 0:
            next_start = min(next_start, line_end)
        labels.append(
            Label(text[start:text_end], start, end, min(section_end, next_start), own_line)
        )
    return labels


def _bare_labels(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield start and end of each heading without a colon, and the end of its line."""
    # the line break that the pattern begins with lets the engine jump from line to line
    for match in _BARE_LABEL.finditer("\n" + text):
        break_at = match.start() - 1
        if break_at < 0 or text.endswith(_ENDED, 0, break_at):
            yield match.start(1) - 1, match.end(1) - 1, match.end()


def find_title(text: str, sections: Sequence[Section]) -> str:
    """Return what the report says the examination was: its first line before any heading, or its first label."""
    first = sections[0]
    if first.title:
        return ""
    head = text[first.start : first.end].strip()
    line = head.split("\n", 1)[0].strip()
    label = re.match(r"([^:.\n]{3,80}?)[ \t]*:\s", line)
    if label:
        return label.group(1)
    return _cut_title(line)


def _cut_title(line: str) -> str:
    title = _FIRST_SENTENCE.split(line, maxsplit=1)[0]
    if len(title) > _TITLE_MAX_CHARS and title[_TITLE_MAX_CHARS].isalnum():
        # half a word may be another word, and name another examination
        return _LAST_WORD.sub("", title[:_TITLE_MAX_CHARS])
    return title[:_TITLE_MAX_CHARS]
