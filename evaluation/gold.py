"""Gold files: JSON lines of two kinds, which may stand in one file.

- a whole report: ``{id, text, expected: {mentions: [...], level}}``; the mentions are all that
  there are, so one that is found besides is wrong
- a given span: ``{id, text, target: {start, end}, expected: {...}}``; what the report asserts of
  these words, whatever they name. ``expected`` holds any of ``status``, ``negated``,
  ``historical``, ``uncertain``, ``hypothetical`` and ``experiencer``; each is scored by itself

``patient`` and ``study`` may stand beside ``text`` as in the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evaluation.errors import GoldError
from extractor.model import Experiencer, Laterality, Level, Patient, Report, Status, Study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Gold(BaseModel):
    """Unknown members (sources, reasons, tags) are left alone."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class GoldMention(_Gold):
    """A mention that must be found; what it leaves out is not scored."""

    finding: str
    start: Annotated[int, Field(ge=0)]
    end: int
    status: Status | None = None
    sites: tuple[str, ...] | None = None
    laterality: Laterality | None = None


class _ExpectedReport(_Gold):
    mentions: tuple[GoldMention, ...] | None = None
    level: Level | None = None


class _Target(_Gold):
    start: Annotated[int, Field(ge=0)]
    end: int


class ExpectedSpan(_Gold):
    """What is asserted of a given span; ``None`` is not scored."""

    status: Status | None = None
    negated: bool | None = None
    historical: bool | None = None
    uncertain: bool | None = None
    hypothetical: bool | None = None
    experiencer: Experiencer | None = None


class _PatientIn(_Gold):
    id: str | None = None
    age_years: int | None = None
    sex: Literal["M", "F"] | None = None
    pregnancy: str | None = None


class _StudyIn(_Gold):
    modality: str | None = None
    description: str | None = None
    date: str | None = None
    accession: str | None = None


class _Line(_Gold):
    id: str
    text: str
    patient: _PatientIn = _PatientIn()
    study: _StudyIn = _StudyIn()

    @property
    def report(self) -> Report:
        """What the extractor is given."""
        return Report(
            text=self.text,
            report_id=self.id,
            patient=Patient(**self.patient.model_dump()),
            study=Study(**self.study.model_dump()),
        )


class GoldReport(_Line):
    """A report with all its mentions, its level, or both."""

    expected: _ExpectedReport

    @model_validator(mode="after")
    def _spans_are_in_the_text(self) -> GoldReport:
        for mention in self.expected.mentions or ():
            if not mention.start < mention.end <= len(self.text):
                raise ValueError("a mention lies outside the text")
        return self


class GoldSpan(_Line):
    """Words of a text, and what is asserted of them."""

    target: _Target
    expected: ExpectedSpan

    @model_validator(mode="after")
    def _target_is_in_the_text(self) -> GoldSpan:
        if not self.target.start < self.target.end <= len(self.text):
            raise ValueError("the target lies outside the text")
        return self


def read_gold(path: Path) -> Iterator[GoldReport | GoldSpan]:
    """Yield the lines of a gold file.

    Raises:
        GoldError: a line that is of neither kind; names the line and the member, not the text.

    """
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield parse_gold(line, f"{path.name}:{number}")


def parse_gold(line: str, place: str) -> GoldReport | GoldSpan:
    """Return one line.

    Raises:
        GoldError: the line is of neither kind.

    """
    kind: type[GoldReport | GoldSpan] = GoldSpan if '"target"' in line else GoldReport
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        fault: Any = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise GoldError(f"{place}: {where + ': ' if where else ''}{fault['msg']}.") from None
