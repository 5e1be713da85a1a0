"""What reports say by two pattern sets: which change, and how. Never more text than the quotes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from archives import Refusal
from extractor.errors import ExtractorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archives import Entry, SourceReport
    from extractor import Extractor
    from extractor.model import Mention, Result

_ATTRIBUTES = (
    "status",
    "certainty",
    "sites",
    "laterality",
    "severity",
    "extent",
    "change",
    "method",
    "experiencer",
    "section",
    "quote",
)
_ASSESSMENT = ("level", "side", "rule", "subtype", "activity", "flags")
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MentionDifference:
    """A mention that came (no ``before``), went (no ``after``), or is read otherwise."""

    finding: str
    quote: str
    start: int
    end: int
    before: Values | None
    """What the old patterns say of it; of a changed mention only what differs."""
    after: Values | None

    @property
    def kind(self) -> str:
        """``came``, ``went`` or ``changed``."""
        if self.before is None:
            return "came"
        return "went" if self.after is None else "changed"

    def to_dict(self) -> Values:
        """Return the difference as JSON-ready values."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True)
class ReportDifference:
    """One report that the two pattern sets read differently."""

    path: str
    line: int
    report_id: str | None
    before: Values
    """What differs of the study, the patient and the assessment, by the old patterns."""
    after: Values
    mentions: tuple[MentionDifference, ...]

    def to_dict(self) -> Values:
        """Return the difference as JSON-ready values."""
        mentions = [one.to_dict() for one in self.mentions]
        return {**asdict(self), "mentions": mentions}


@dataclass(slots=True)
class Comparison:
    """Two pattern sets, compared over an archive; counts grow while :meth:`read` is consumed."""

    old: Extractor
    new: Extractor
    reports: int = 0
    changed: int = 0
    unread: int = 0
    """Rows that the archive refuses, and reports that no extractor reads."""
    levels: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Level before and after, of the reports whose level changes."""

    def read(self, entries: Iterable[Entry]) -> Iterator[ReportDifference]:
        """Yield the reports that change, in the order of the archive."""
        for entry in entries:
            if isinstance(entry, Refusal):
                self.unread += 1
                continue
            try:
                before = self.old.extract(entry.report)
                after = self.new.extract(entry.report)
            except ExtractorError:
                self.unread += 1
                continue
            self.reports += 1
            found = compare_results(entry, before, after)
            if found is not None:
                self.changed += 1
                levels = str(before.assessment.level), str(after.assessment.level)
                self.levels.update([levels] if levels[0] != levels[1] else [])
                yield found

    def to_dict(self) -> Values:
        """Return the counts as JSON-ready values."""
        return {
            "old": asdict(self.old.engine),
            "new": asdict(self.new.engine),
            "reports": self.reports,
            "changed": self.changed,
            "unread": self.unread,
            "levels": [
                {"before": before, "after": after, "reports": number}
                for (before, after), number in sorted(self.levels.items())
            ],
        }


def compare_results(entry: SourceReport, old: Result, new: Result) -> ReportDifference | None:
    """Return how two results of one report differ; ``None`` where they say the same.

    Ids, rules and cues of mentions are how a result came about, not what it says: they are left out.
    """
    before, after = _differing(_facts(old), _facts(new))
    mentions = _mentions(old.mentions, new.mentions)
    if not (before or after or mentions):
        return None
    report_id = entry.report.report_id
    return ReportDifference(entry.path, entry.line, report_id, before, after, mentions)


def _facts(result: Result) -> Values:
    assessment = {name: getattr(result.assessment, name) for name in _ASSESSMENT}
    return assessment | {
        f"{part}.{name}": value
        for part, facts in (("study", result.study), ("patient", result.patient))
        for name, value in asdict(facts).items()
    }


def _mentions(old: Sequence[Mention], new: Sequence[Mention]) -> tuple[MentionDifference, ...]:
    pairs, gone, come = _paired(old, new)
    found = [
        *(_difference(one, None) for one in gone),
        *(_difference(None, one) for one in come),
        *(_difference(*pair) for pair in pairs if _said(pair[0]) != _said(pair[1])),
    ]
    return tuple(sorted(found, key=lambda one: (one.start, one.end, one.finding, one.kind)))


def _paired(
    old: Sequence[Mention], new: Sequence[Mention]
) -> tuple[list[tuple[Mention, Mention]], list[Mention], list[Mention]]:
    """Return the mentions that are of one finding at one place, those that went, and those that came."""
    left = list(new)
    pairs: list[tuple[Mention, Mention]] = []
    gone: list[Mention] = []
    for one in old:
        candidates = [other for other in left if other.finding == one.finding]
        other = max(candidates, key=lambda other: _shared(one, other), default=None)
        if other is None or _shared(one, other) <= 0:
            gone.append(one)
        else:
            left.remove(other)
            pairs.append((one, other))
    return pairs, gone, left


def _shared(one: Mention, other: Mention) -> int:
    """Return how many characters two mentions have in common; no more than 0, where they are apart."""
    return min(one.end, other.end) - max(one.start, other.start)


def _difference(old: Mention | None, new: Mention | None) -> MentionDifference:
    before, after = (None if one is None else _said(one) for one in (old, new))
    if before is not None and after is not None:
        before, after = _differing(before, after)
    shown = new or old
    assert shown is not None  # noqa: S101 - one of the two is always given
    return MentionDifference(shown.finding, shown.quote, shown.start, shown.end, before, after)


def _said(one: Mention) -> Values:
    return {name: getattr(one, name) for name in _ATTRIBUTES}


def _differing(before: Values, after: Values) -> tuple[Values, Values]:
    names = [name for name in before if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}
