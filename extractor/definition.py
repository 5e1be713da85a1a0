"""What the case definition's atoms mean in words, for whoever shows an assessment to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from extractor.model import Experiencer, Laterality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor.extractor import Extractor
    from extractor.model import Mention


@dataclass(frozen=True, slots=True)
class Definition:
    """What the pattern set's case definition means, for people."""

    titles: Mapping[str, str] = field(default_factory=dict)
    """Of its atoms."""
    naming: frozenset[str] = frozenset()
    """Findings that are the disease by its name."""

    @classmethod
    def of(cls, extractor: Extractor) -> Definition:
        """Return that of the extractor's patterns."""
        atoms = extractor.patterns.case.atoms
        naming = {
            name for atom in atoms.values() if atom.role == "naming" for name in atom.findings
        }
        return cls({name: atom.title for name, atom in atoms.items()}, frozenset(naming))

    def is_named_by(self, mention: Mention, side: str) -> bool:
        """Say whether a mention is the disease's name, said of this side or of none."""
        sides = {side, Laterality.BILATERAL, Laterality.UNSPECIFIED}
        is_own = mention.experiencer is Experiencer.PATIENT
        on_side = mention.laterality in sides or side == Laterality.UNSPECIFIED
        return mention.finding in self.naming and is_own and on_side
