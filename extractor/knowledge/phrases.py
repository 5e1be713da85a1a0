"""The phrase language of the pattern files, compiled to literal word sequences.

A phrase is written as a radiologist would say it, with four signs:

* ``{oedema}``      any variant of the lexicon entry ``oedema`` (variants may use the signs too)
* ``[bone]``        words that may be missing
* ``(low|reduced)`` one of several
* ``...`` ``...8``  up to 4 (or 8) words between what stands before and after
* ``<bone>``        any place of the anatomy group ``bone``, with its side and what it is joined to

A phrase without gaps and places becomes a set of literals, which the matcher finds in one linear
pass. A phrase with them becomes a list of steps that are joined afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from extractor.errors import PatternError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

DEFAULT_GAP = 4
MAX_LITERALS = 4000
"""More literals than this between two gaps, and the phrase should use a gap instead of a list."""
_MAX_DEPTH = 12

_SIGN = re.compile(r"\{(\w+)\}|<(\w+)>|\.\.\.(\d*)|([\[\]()|])|([^\s\[\](){}<>|]+)")

_REGEX = re.compile(r"\\|\.[*+]|[)\]][*+?]|[)\]]\{\d|\(\?|^\^|\$$|\[\^?\w-\w\]")
"""What is meant as a regular expression: as words it would never be found, and nobody would know."""

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiteralStep:
    """Any of these word sequences."""

    literals: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlaceStep:
    """A place of this anatomy group."""

    group: str


Step = LiteralStep | PlaceStep


@dataclass(frozen=True, slots=True)
class CompiledPhrase:
    """Steps in order; ``gaps[i]`` is the greatest number of words between step i and step i + 1."""

    steps: tuple[Step, ...]
    gaps: tuple[int, ...]

    @property
    def is_literal(self) -> bool:
        """Whether plain literal matching says it all."""
        return len(self.steps) == 1 and isinstance(self.steps[0], LiteralStep)


@dataclass(frozen=True, slots=True)
class _Gap:
    words: int


@dataclass(frozen=True, slots=True)
class _Chain:
    """Pieces of words with gaps and places between them; ``len(pieces) == len(joints) + 1``."""

    joints: tuple[_Gap | PlaceStep, ...]
    pieces: tuple[frozenset[Words], ...]


_EMPTY = frozenset({()})
_NOTHING = _Chain((), (_EMPTY,))


class PhraseCompiler:
    """Compiles phrases against one lexicon, remembering each entry that it has expanded."""

    def __init__(self, lexicon: Mapping[str, Sequence[str]]) -> None:
        self._lexicon = lexicon
        self._expanded: dict[str, list[_Chain]] = {}
        self.used: set[str] = set()

    def compile(self, phrase: str) -> list[CompiledPhrase]:
        """Return the phrase compiled; several where its alternatives differ in gaps or places.

        Raises:
            PatternError: unknown lexicon entry, unbalanced sign, a regular expression, or too many
                literals.

        """
        return [_assemble(phrase, chain) for chain in self._parse(phrase, 0)]

    def literals(self, phrase: str) -> frozenset[str]:
        """Return the literals of a phrase that may hold no gap and no place."""
        compiled = self.compile(phrase)
        step = compiled[0].steps[0]
        if len(compiled) != 1 or not compiled[0].is_literal or not isinstance(step, LiteralStep):
            msg = f"the phrase '{phrase}' may not hold '...' or '<place>' here"
            raise PatternError(msg)
        return step.literals

    def _parse(self, phrase: str, depth: int) -> list[_Chain]:
        if _REGEX.search(phrase):
            msg = (
                f"the phrase '{phrase}' is written as a regular expression, and would be read as words; "
                "the signs are [ ] ( | ) { } ... and < >"
            )
            raise PatternError(msg)
        signs = list(_signs(phrase))
        chains, rest = self._choice(signs, 0, depth)
        if rest != len(signs):
            msg = f"unbalanced bracket in the phrase '{phrase}'"
            raise PatternError(msg)
        return chains

    def _choice(
        self, signs: list[tuple[str, str]], at: int, depth: int
    ) -> tuple[list[_Chain], int]:
        options: list[_Chain] = []
        while True:
            chains, at = self._sequence(signs, at, depth)
            options.extend(chains)
            if at >= len(signs) or signs[at] != ("sign", "|"):
                return _merged(options), at
            at += 1

    def _sequence(
        self, signs: list[tuple[str, str]], at: int, depth: int
    ) -> tuple[list[_Chain], int]:
        chains = [_NOTHING]
        while at < len(signs):
            kind, value = signs[at]
            if kind == "sign" and value in "])|":
                break
            at += 1
            if kind == "sign":
                part, at = self._choice(signs, at, depth)
                closing = "]" if value == "[" else ")"
                if at >= len(signs) or signs[at] != ("sign", closing):
                    msg = f"'{value}' without '{closing}'"
                    raise PatternError(msg)
                at += 1
                if value == "[":
                    part = _merged([*part, _NOTHING])
            elif kind == "entry":
                part = self._entry(value, depth)
            else:
                part = [_chain(kind, value)]
            chains = _merged(_joined(left, right) for left, right in product(chains, part))
        return chains, at

    def _entry(self, name: str, depth: int) -> list[_Chain]:
        self.used.add(name)
        if name not in self._expanded:
            if name not in self._lexicon:
                msg = f"no lexicon entry '{name}'; add it to lexicon.yaml or mend the name"
                raise PatternError(msg)
            if depth > _MAX_DEPTH:
                msg = f"the lexicon entry '{name}' refers to itself"
                raise PatternError(msg)
            variants = (
                chain
                for variant in self._lexicon[name]
                for chain in self._parse(variant, depth + 1)
            )
            self._expanded[name] = _merged(variants)
        return self._expanded[name]


def _signs(phrase: str) -> Iterator[tuple[str, str]]:
    at = 0
    for match in _SIGN.finditer(phrase):
        if phrase[at : match.start()].strip():
            msg = f"cannot read '{phrase[at : match.start()].strip()}' in the phrase '{phrase}'"
            raise PatternError(msg)
        at = match.end()
        entry, place, gap, sign, word = match.groups()
        if entry:
            yield "entry", entry
        elif place:
            yield "place", place
        elif gap is not None:
            yield "gap", gap or str(DEFAULT_GAP)
        elif sign:
            yield "sign", sign
        else:
            yield "word", word
    if phrase[at:].strip():
        msg = f"cannot read '{phrase[at:].strip()}' in the phrase '{phrase}'"
        raise PatternError(msg)


def _chain(kind: str, value: str) -> _Chain:
    if kind == "gap":
        return _Chain((_Gap(int(value)),), (_EMPTY, _EMPTY))
    if kind == "place":
        return _Chain((PlaceStep(value),), (_EMPTY, _EMPTY))
    return _Chain((), (frozenset({(value,)}),))


def _joined(left: _Chain, right: _Chain) -> _Chain:
    """Return the two one after the other; only the pieces that meet are multiplied."""
    size = len(left.pieces[-1]) * len(right.pieces[0])
    if size > MAX_LITERALS:
        msg = f"a stretch of the phrase expands to {size} literals; put a gap '...' in place of a list"
        raise PatternError(msg)
    meeting = frozenset(
        first + second for first, second in product(left.pieces[-1], right.pieces[0])
    )
    return _Chain(left.joints + right.joints, (*left.pieces[:-1], meeting, *right.pieces[1:]))


def _merged(chains: Iterable[_Chain]) -> list[_Chain]:
    """Return the chains with those united that differ in one piece only at most."""
    plain: frozenset[Words] = frozenset()
    rest: dict[_Chain, None] = {}
    for chain in chains:
        if chain.joints:
            rest[chain] = None
        else:
            plain |= chain.pieces[0]
    return [*([_Chain((), (plain,))] if plain else []), *rest]


def _assemble(phrase: str, chain: _Chain) -> CompiledPhrase:
    steps: list[Step] = []
    gaps: list[int] = []
    gap = 0

    def add(step: Step) -> None:
        nonlocal gap
        if steps:
            gaps.append(gap)
        steps.append(step)
        gap = 0

    for piece, joint in zip(chain.pieces, (*chain.joints, None), strict=True):
        if () in piece and piece != _EMPTY:
            msg = (
                f"in the phrase '{phrase}' all words between two gaps are optional; leave them out"
            )
            raise PatternError(msg)
        if piece != _EMPTY:
            add(LiteralStep(frozenset(" ".join(words) for words in piece)))
        if isinstance(joint, _Gap):
            gap = max(gap, joint.words)
        elif joint is not None:
            add(joint)
    if not any(isinstance(step, LiteralStep) for step in steps):
        msg = f"the phrase '{phrase}' holds no words of its own"
        raise PatternError(msg)
    return CompiledPhrase(tuple(steps), tuple(gaps))
