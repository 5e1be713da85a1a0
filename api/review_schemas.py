"""What is posted to draw a sample, and to say something of a report in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from api.schemas import Schema
from audits.review_file import Decision

MAX_OF_STRATUM = 2_000
MAX_SEED = 2**31 - 1
Size = Annotated[int, Field(ge=0, le=MAX_OF_STRATUM)]


class SampleIn(Schema):
    """How many reports are drawn from each stratum; one that has fewer is taken whole."""

    cases: Size = Field(default=100, description="Of the reports tagged as cases.")
    named: Size = Field(
        default=100, description="Of those that speak of a finding and are no case."
    )
    rest: Size = Field(default=100, description="Of all others.")
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = Field(
        default=1, description="The same seed draws the same reports."
    )
    texts: bool = Field(
        default=True,
        description="Whether the reports' words are read again from the archive, for reviewers "
        "with `text:read`. An uploaded archive is gone after its audit: name another upload of it, "
        "or reviewers look reports up by their accession.",
    )
    upload: Annotated[str, Field(pattern="^upl_[0-9a-z]{26}$")] | None = Field(
        default=None, description="The same archive, uploaded again (`/v1/uploads`)."
    )


class DecisionIn(Schema):
    """What somebody says of a report."""

    decision: Decision = Field(
        description="`case`: it shows the disease, surely or probably; `unclear`: it cannot be told."
    )


SAMPLE: TypeAdapter[SampleIn] = TypeAdapter(SampleIn)
DECISION: TypeAdapter[DecisionIn] = TypeAdapter(DecisionIn)
