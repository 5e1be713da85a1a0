"""``marrow validation``: have people judge a sample of an audit, and say how good the search was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.console import fail, one_line_errors, output

app = typer.Typer(
    no_args_is_help=True,
    help="How good an audit's search was, by a blind review of a sample. "
    "Example: marrow validation sample audit-2026",
)

Out = Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Of a finished audit.")]


@app.command()
def sample(
    directory: Out,
    *,
    archives: Annotated[
        list[Path] | None,
        typer.Option(
            "--archive",
            help="The audited archive, to put the reports' words into the sheet; repeat it as it was given.",
        ),
    ] = None,
    cases: Annotated[int, typer.Option(min=0, help="Reports tagged as cases.")] = 100,
    named: Annotated[
        int, typer.Option(min=0, help="Reports that speak of a finding and are no case.")
    ] = 100,
    rest: Annotated[int, typer.Option(min=0, help="Other reports.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed draws the same reports.")] = 1,
) -> None:
    """Draw reports to be judged, and write the sheet for it: blind, in random order.

    Fill in the column `decision` of review.csv with case, no_case or unclear (a second reviewer in a
    copy of it), then run `marrow validation report`. Without --archive the sheet holds no report text.

    Example: marrow validation sample audit-2026 --archive export.csv
    """
    from archives import ArchiveError
    from audits import AuditError, Layout
    from audits.review_file import write_review
    from audits.sampling import Stratum, draw, save_sample
    from audits.texts import read_texts

    layout = Layout(directory)
    key, sheet = layout.validation / "sample.json", layout.validation / "review.csv"
    sizes = {Stratum.CASES: cases, Stratum.NAMED: named, Stratum.REST: rest}
    with one_line_errors():
        if key.exists():
            raise fail(f"{key} is there already; remove {layout.validation} to draw anew")
        try:
            drawn = draw(layout, sizes=sizes, seed=seed)
            rows = [one.row for one in drawn.items]
            texts = read_texts(layout, archives, rows) if archives else None
        except (ArchiveError, AuditError) as error:
            raise fail(str(error)) from None
        layout.validation.mkdir(mode=0o700, exist_ok=True)
        write_review(drawn, sheet, texts=texts)
        save_sample(drawn, key)
    output().print(
        f"{len(drawn.items)} reports to be judged: {sheet}"
        + ("; it holds report text, keep it as such" if texts else "")
        + f"\nReviewers must not see {key.name} or the audit's results before they have decided."
    )


@app.command()
def report(
    directory: Out,
    reviews: Annotated[
        list[Path], typer.Argument(metavar="REVIEW...", help="One filled-in sheet, or two.")
    ],
    *,
    width: Annotated[
        float,
        typer.Option(
            min=0.01, max=0.5, help="Wished width of the interval of the predictive value."
        ),
    ] = 0.1,
) -> None:
    """Say from the reviewers' decisions how many cases are right and how many were missed.

    Example: marrow validation report audit-2026 review-a.csv review-b.csv
    """
    from archives.write import write_json
    from audits import AuditError, Layout
    from audits.review_file import read_review
    from audits.sampling import load_sample
    from audits.validation import as_json, sentences, validate

    two = 2
    if len(reviews) > two:
        raise fail("give one sheet, or those of two reviewers")
    layout = Layout(directory)
    with one_line_errors():
        try:
            drawn = load_sample(layout.validation / "sample.json")
            items = {one.item for one in drawn.items}
            decisions = [read_review(path, items) for path in reviews]
        except AuditError as error:
            raise fail(str(error)) from None
        found = validate(drawn, decisions, width=width)
        write_json(as_json(found), layout.validation / "validation.json")
    for sentence in sentences(found):
        output().print(sentence)
    if found.agreement and found.agreement.disagreements:
        output().print("To be decided together: " + ", ".join(found.agreement.disagreements))
