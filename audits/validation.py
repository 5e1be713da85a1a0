"""How good the search was, by what reviewers say of a sample of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.proportions import Proportion, cohens_kappa, needed_for_width, wilson
from audits.review_file import Decision
from audits.sampling import Stratum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audits.sampling import Sample

WISHED_WIDTH = 0.1
"""Of the interval of the predictive value, for saying how many more to review."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Cases that the search may have missed in one stratum."""

    found: Proportion
    """Of the reports reviewed, those that are cases."""
    reports: int
    """Of the stratum, reviewed or not."""

    @property
    def estimate(self) -> float:
        """Reports expected to be missed cases."""
        return (self.found.value or 0.0) * self.reports

    @property
    def bounds(self) -> tuple[float, float]:
        """The same at the ends of the interval; what was seen itself is certain."""
        return max(self.found.low * self.reports, self.found.hits), self.found.high * self.reports


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two reviewers on the items that both decided."""

    items: int
    kappa: float | None
    disagreements: tuple[str, ...]
    table: dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Validation:
    """What a review says of an audit."""

    patterns_digest: str
    reviewed: dict[Stratum, int]
    unclear: dict[Stratum, int]
    ppv: Proportion
    """Of the reports tagged as cases; what is unclear counts for neither side."""
    ppv_at_worst: Proportion
    """The same, if all that is unclear were no case."""
    missed: dict[Stratum, Missed]
    agreement: Agreement | None
    more_to_review: int
    """Cases to be reviewed besides, for an interval of the predictive value of the wished width."""


def validate(
    sample: Sample,
    reviews: Sequence[Mapping[str, Decision]],
    *,
    verdicts: Mapping[str, Decision] | None = None,
    width: float = WISHED_WIDTH,
) -> Validation:
    """Weigh one review or two; where two disagree, neither counts until somebody decides between them.

    ``verdicts``: what was decided between them. Agreement is that of the reviews before.
    """
    decided = _joined(reviews) | dict(verdicts or {})
    counts = {stratum: Counter[Decision]() for stratum in Stratum}
    for one in sample.items:
        if one.item in decided:
            counts[one.stratum][decided[one.item]] += 1
    cases = counts[Stratum.CASES]
    right, wrong, unclear = cases[Decision.CASE], cases[Decision.NO_CASE], cases[Decision.UNCLEAR]
    ppv = wilson(right, right + wrong)
    needed = needed_for_width(0.5 if ppv.value is None else ppv.value, width)
    return Validation(
        patterns_digest=sample.patterns_digest,
        reviewed={stratum: found.total() for stratum, found in counts.items()},
        unclear={stratum: found[Decision.UNCLEAR] for stratum, found in counts.items()},
        ppv=ppv,
        ppv_at_worst=wilson(right, right + wrong + unclear),
        missed={
            stratum: Missed(
                wilson(
                    counts[stratum][Decision.CASE],
                    counts[stratum].total() - counts[stratum][Decision.UNCLEAR],
                ),
                sample.totals[stratum],
            )
            for stratum in (Stratum.NAMED, Stratum.REST)
        },
        agreement=_agreement(*reviews) if len(reviews) > 1 else None,
        more_to_review=max(0, needed - ppv.of),
    )


def _joined(reviews: Sequence[Mapping[str, Decision]]) -> dict[str, Decision]:
    """Return the decisions that no other review contradicts."""
    said: dict[str, set[Decision]] = {}
    for review in reviews:
        for item, decision in review.items():
            said.setdefault(item, set()).add(decision)
    return {item: decisions.pop() for item, decisions in said.items() if len(decisions) == 1}


def _agreement(first: Mapping[str, Decision], second: Mapping[str, Decision]) -> Agreement:
    both = sorted(first.keys() & second.keys())
    return Agreement(
        items=len(both),
        kappa=cohens_kappa([first[item] for item in both], [second[item] for item in both]),
        disagreements=tuple(item for item in both if first[item] != second[item]),
        table=dict(Counter((str(first[item]), str(second[item])) for item in both)),
    )


def sentences(validation: Validation) -> list[str]:
    """Return the result in words that claim no more than was seen."""
    lines = [
        (
            f"Of {validation.ppv.of} reviewed reports tagged as cases {validation.ppv.hits} are cases: "
            f"positive predictive value {_told(validation.ppv)}."
        )
    ]
    if validation.unclear[Stratum.CASES]:
        lines.append(
            f"{validation.unclear[Stratum.CASES]} more could not be told; "
            f"if none of them is a case: {_told(validation.ppv_at_worst)}."
        )
    lines += [_missed_sentence(stratum, one) for stratum, one in validation.missed.items()]
    if validation.agreement is not None:
        kappa = validation.agreement.kappa
        told = "cannot be computed (all answers are one)" if kappa is None else f"{kappa:.2f}"
        lines.append(
            f"Two reviewers judged {validation.agreement.items} reports alike but for "
            f"{len(validation.agreement.disagreements)}; Cohen's kappa {told}."
        )
    if validation.more_to_review:
        lines.append(
            f"For an interval of the predictive value no wider than the one wished for, review about "
            f"{validation.more_to_review} more cases."
        )
    return lines


def _told(one: Proportion) -> str:
    if one.value is None:
        return "unknown, nothing was reviewed"
    return f"{one.value:.3f} (95 % interval {one.low:.3f} to {one.high:.3f})"


_WHERE = {
    Stratum.NAMED: "that speak of a finding and are no case",
    Stratum.REST: "of all others",
}


def _missed_sentence(stratum: Stratum, one: Missed) -> str:
    where = f"Of {one.reports} reports {_WHERE[stratum]}, {one.found.of} were reviewed and {one.found.hits} are cases"
    if not one.found.of:
        return f"{where}: how many were missed there is unknown."
    low, high = one.bounds
    if not one.found.hits:
        return f"{where}: none seen, yet up to {high:.0f} may have been missed there (95 %)."
    return (
        f"{where}: about {one.estimate:.0f} missed there (95 % interval {low:.0f} to {high:.0f})."
    )


def as_json(validation: Validation) -> dict[str, Any]:
    """Return the result for ``validation.json``."""
    agreement = validation.agreement
    return {
        "patterns_digest": validation.patterns_digest,
        "reviewed": {str(name): number for name, number in validation.reviewed.items()},
        "unclear": {str(name): number for name, number in validation.unclear.items()},
        "ppv": _proportion(validation.ppv),
        "ppv_if_unclear_is_no_case": _proportion(validation.ppv_at_worst),
        "missed": {
            str(name): {
                "reports": one.reports,
                "found": _proportion(one.found),
                "estimate": round(one.estimate, 2),
                "interval": [round(bound, 2) for bound in one.bounds],
            }
            for name, one in validation.missed.items()
        },
        "agreement": agreement
        and {
            "items": agreement.items,
            "kappa": agreement.kappa,
            "disagreements": list(agreement.disagreements),
            "table": [[*pair, number] for pair, number in sorted(agreement.table.items())],
        },
        "more_to_review": validation.more_to_review,
        "in_words": sentences(validation),
    }


def _proportion(one: Proportion) -> dict[str, Any]:
    return {"hits": one.hits, "of": one.of, "value": one.value, "interval": [one.low, one.high]}
