"""Names in the output directory, and of the work that stands beside it until it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("assessments.parquet", "mentions.parquet", "patients.parquet")
OUTPUTS = (*TABLES, "cases.csv", "failures.csv", "summary.json", "report.html")
"""Every result file but ``metadata.json``, which is written last and says that all are there."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one audit."""

    out: Path

    @property
    def work(self) -> Path:
        """Holds report text; removed when the results stand."""
        return self.out / "work"

    @property
    def lock(self) -> Path:
        """Locked by the audit that runs."""
        return self.out / ".lock"

    @property
    def plan(self) -> Path:
        """Exists once the archive is planned."""
        return self.work / "plan.json"

    @property
    def staged(self) -> Path:
        """What was read, before duplicates are known."""
        return self.work / "staged"

    @property
    def refusals(self) -> Path:
        """Rows that were not read."""
        return self.work / "refusals.parquet"

    @property
    def metadata(self) -> Path:
        """Exists once the audit is finished."""
        return self.out / "metadata.json"

    @property
    def validation(self) -> Path:
        """Holds samples for review, and what came of them."""
        return self.out / "validation"

    def staged_file(self, number: int) -> Path:
        """Return the path of a staged part."""
        return self.staged / f"{number:06d}.parquet"

    def staged_passed(self, number: int) -> Path:
        """Return the rows of one batch that were not to be read, before duplicates are known."""
        return self.staged / f"passed-{number:06d}.parquet"

    def staged_identities(self, number: int) -> Path:
        """Return what each report of one batch is a version of."""
        return self.staged / f"identities-{number:06d}.parquet"

    def passed(self, number: int) -> Path:
        """Return the assessments of one batch of reports that are not read."""
        return self.work / "passed" / f"{number:06d}.parquet"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of a plan."""
        return (
            self.staged,
            self.shard(0).parent,
            self.passed(0).parent,
            self.result(0).parent,
        )

    def shard(self, number: int) -> Path:
        """Return the reports of one shard."""
        return self.work / "shards" / f"{number:06d}.parquet"

    def result(self, number: int) -> Path:
        """Return the directory of a shard's results; it appears whole."""
        return self.work / "results" / f"{number:06d}"
