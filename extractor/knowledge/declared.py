"""The names that a pattern set declares and that its entries may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from extractor.model import Certainty, Level, Status

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from extractor.knowledge.load import PatternSet

_MODALITIES = frozenset(
    {"BMD", "CR", "CT", "DX", "MG", "MR", "NM", "OT", "PT", "RF", "RG", "US", "XA", "XR"}
)
"""DICOM PS3.3 C.7.3.1.1.1, as far as a report may come from it; XR is what many systems send."""
_PREGNANCY = frozenset({"pregnant", "postpartum", "none"})
_RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Declared:
    """Known names by kind."""

    modalities: AbstractSet[str]
    groups: AbstractSet[str]
    """Anatomy groups; a site's own id is one."""
    sites: AbstractSet[str]
    """Canonical sites that a mention can carry."""
    rules: AbstractSet[str]
    severities: AbstractSet[str]
    extents: AbstractSet[str]
    methods: AbstractSet[str]
    levels: AbstractSet[str]

    @classmethod
    def by(cls, patterns: PatternSet) -> Self:
        """Return what a pattern set declares."""
        anatomy, findings = patterns.anatomy, patterns.findings.values()
        canonical = {name for site in anatomy.sites for name in (site.sites or [site.id])}
        joints = {region.joint for region in anatomy.regions.values()}
        defaults = {name for finding in findings for name in finding.default_sites.values()}
        extents = {
            one for finding in findings for one in (finding.extent_placed, finding.extent_unplaced)
        }
        methods = {finding.densitometry_method for finding in findings}
        return cls(
            modalities={*patterns.study.modalities, *_MODALITIES},
            groups={
                name for site in anatomy.sites for name in [*site.groups, site.id, *site.sites]
            },
            sites=_named([*canonical, *joints, *defaults]),
            rules={rule.id for rule in patterns.rules},
            severities=_named(
                [*patterns.descriptors.severity, *(rule.severity for rule in patterns.rules)]
            ),
            extents=_named(
                [*patterns.descriptors.extent, *extents, *(rule.extent for rule in patterns.rules)]
            ),
            methods=_named(
                [
                    *methods,
                    *(rule.method for rule in patterns.rules),
                    *(cue.method for cue in patterns.cues),
                ]
            ),
            levels={str(level) for level in Level},
        )

    def of_atoms(self) -> dict[str, AbstractSet[str]]:
        """Return the fields of an atom that hold names, with the known ones."""
        statuses = ({str(one) for one in Status} - {Status.UNCERTAIN}) | {*Certainty, _RESOLVED}
        return {
            "statuses": {str(one) for one in statuses},
            "sites_all": self.sites,
            "sites_none": self.sites,
            "extent_not": self.extents,
            "severity": self.severities,
            "severity_not": self.severities,
            "method_not": self.methods,
            "modalities": self.modalities,
            "pregnancy": _PREGNANCY,
            "rules": self.rules,
            "rules_not": self.rules,
        }


def _named(names: Iterable[str | None]) -> set[str]:
    return {name for name in names if name is not None}
