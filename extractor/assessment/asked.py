"""What an atom asks of mentions, worked out once: a report asks it of every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from extractor.model import Certainty, Laterality, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from extractor.knowledge.schema import Atom
    from extractor.model import Mention

    Test = Callable[[Mention], bool]

_RESOLVED = "resolved"
_PAST_AND_GONE = frozenset({"historical", _RESOLVED})
_OPPOSITE = {"left": "right", "right": "left"}
_ANY_SIDE = frozenset(Laterality)
_LABELS = {one: frozenset([str(one)]) for one in (*Status, *Certainty, None)}


@dataclass(frozen=True, slots=True)
class AskedAtom:
    """An atom on mentions of some findings."""

    name: str
    source: Atom
    tests: tuple[Test, ...]
    """What a mention's other attributes have to be."""
    sides: Mapping[str | None, frozenset[str]]
    """By the side that is judged, the sides that a mention may have; those left out are as ``None``."""
    sites_all: tuple[frozenset[str], ...]
    useful: frozenset[str]
    """All sites of which one is asked for."""

    def takes(self, one: Mention) -> bool:
        """Whether a mention of the right finding and status fits, but for its side."""
        for test in self.tests:  # noqa: SIM110 - all() over a generator takes three times as long
            if not test(one):
                return False
        return True

    def held_by(self, fitting: Sequence[Mention], side: str | None) -> tuple[int, ...] | None:
        """Return the ids of those mentions that make the atom hold on a side, ``None`` if it does not."""
        sides = self.sides.get(side) or self.sides[None]
        here = [one for one in fitting if one.laterality in sides]
        if not here:
            return None
        if self.sites_all:
            named = {site for one in here for site in one.sites}
            for wanted in self.sites_all:
                if named.isdisjoint(wanted):
                    return None
            here = [one for one in here if not self.useful.isdisjoint(one.sites)]
        return tuple(sorted([one.id for one in here]))


def asked_atom(name: str, atom: Atom) -> AskedAtom:
    """Work out what an atom on mentions asks."""
    sites_all = tuple(map(frozenset, atom.sites_all))
    return AskedAtom(
        name,
        atom,
        tests=tuple(_tests(atom)),
        sides=_sides(atom),
        sites_all=sites_all,
        useful=frozenset().union(*sites_all),
    )


def labels(one: Mention) -> frozenset[str]:
    """Return the names under which an atom can ask for the mention's assertion."""
    if one.status == Status.UNCERTAIN:
        return _LABELS[one.certainty]
    if one.status == Status.HISTORICAL and one.change == _RESOLVED:
        return _PAST_AND_GONE
    return _LABELS[one.status]


def by_mention(atoms: Sequence[AskedAtom]) -> dict[tuple[str, frozenset[str]], list[AskedAtom]]:
    """Return the atoms by finding and labels of the mentions that may make them hold."""
    found: dict[tuple[str, frozenset[str]], list[AskedAtom]] = {}
    for told in (*_LABELS.values(), _PAST_AND_GONE):
        for atom in atoms:
            if not told.isdisjoint(atom.source.statuses):
                for finding in dict.fromkeys(atom.source.findings):
                    found.setdefault((finding, told), []).append(atom)
    return found


def _tests(atom: Atom) -> Iterator[Test]:
    """Yield what is asked of a mention's attributes; most atoms ask for one or two of them."""
    if atom.sections:
        yield partial(_is_in, "section", frozenset(atom.sections))
    if atom.not_sections:
        yield partial(_is_not_in, "section", frozenset(atom.not_sections))
    if atom.sites_none:
        yield partial(_has_other_site, frozenset(atom.sites_none))
    for name, excluded in (
        ("extent", atom.extent_not),
        ("severity", atom.severity_not),
        ("method", atom.method_not),
        ("rule", atom.rules_not),
    ):
        if excluded:
            yield partial(_is_not_in, name, frozenset(excluded))
    for name, wanted in (
        ("severity", atom.severity),
        ("change", atom.change),
        ("rule", atom.rules),
    ):
        if wanted:
            yield partial(_is_in, name, frozenset(wanted))


def _is_in(name: str, values: frozenset[str], one: Mention) -> bool:
    return getattr(one, name) in values


def _is_not_in(name: str, values: frozenset[str], one: Mention) -> bool:
    return getattr(one, name) not in values


def _has_other_site(sites: frozenset[str], one: Mention) -> bool:
    return not sites.issuperset(one.sites)


def _sides(atom: Atom) -> dict[str | None, frozenset[str]]:
    if atom.side == "any":
        return {None: _ANY_SIDE}
    allowed: dict[str | None, frozenset[str]] = {None: _ANY_SIDE}
    for side in Laterality:
        wanted = side if atom.side == "same" else _OPPOSITE.get(side)
        unsided = atom.side == "same" and not atom.explicit_side
        allowed[side] = frozenset(
            one
            for one in Laterality
            if one in (wanted, Laterality.BILATERAL) or (unsided and one == Laterality.UNSPECIFIED)
        )
    return allowed
