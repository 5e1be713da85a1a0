"""Phrases that say what another phrase of their list, or of a rival list, says already."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from extractor.errors import PatternError
from extractor.knowledge.remarks import Remark, error, note
from extractor.knowledge.wordings import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extractor.knowledge.phrases import PhraseCompiler
    from extractor.knowledge.wordings import Wording

_RIVALS = {
    "site": "site",
    "sides": "side",
    "severity": "severity",
    "extent": "extent",
    "modalities": "modality",
    "sex": "list",
    "pregnancy": "list",
    "onset": "list",
}
"""Kinds of lists of which only one can be meant by the same words, and what to call them."""
_CHOICE = re.compile(r"[(\[]([^()\[\]]*\|[^()\[\]]*)[)\]]")


def duplicates(wordings: Sequence[Wording], compiler: PhraseCompiler) -> Iterator[Remark]:
    """Yield what is written twice."""
    lists: dict[tuple[str, str], list[Wording]] = defaultdict(list)
    for one in wordings:
        lists[one.kind, one.owner].append(one)
        yield from _options_twice(one, compiler)
    for group in lists.values():
        yield from _twice_in_list(group)
    yield from _rival_lists(wordings)


def _twice_in_list(group: Sequence[Wording]) -> Iterator[Remark]:
    """Yield the phrases of one list that add nothing to those beside them."""
    left = list(group)
    # the narrower of two is the one to take out; of two that say the same, the later
    order = sorted(range(len(group)), key=lambda index: (len(group[index].said), -index))
    for one in (group[index] for index in order):
        others = [other for other in left if other is not one]
        if all(phrase.is_literal for phrase in one.compiled):
            beside = [other for other in others if other.said & one.said]
            told = one.said <= {literal for other in beside for literal in other.said}
        else:
            beside = [other for other in others if set(one.compiled) <= set(other.compiled)]
            told = bool(beside)
        if told:
            left = others
            said = " and ".join(f"'{other.phrase}' ({other.place})" for other in beside[:2])
            yield error(
                "duplicate_phrase",
                one.place,
                f"'{one.phrase}' in {_named(one)} adds nothing to {said}; take it out",
            )


def _options_twice(one: Wording, compiler: PhraseCompiler) -> Iterator[Remark]:
    """Yield the alternatives of a phrase that another of its alternatives holds."""
    for choice in _CHOICE.findall(one.phrase):
        seen: dict[str, str] = {}
        for option in choice.split("|"):
            try:
                literals = folded(compiler.literals(option))
            except PatternError:
                continue
            first = next((seen[literal] for literal in literals if literal in seen), None)
            if literals <= seen.keys() and first is not None:
                yield error(
                    "duplicate_alternative",
                    one.place,
                    f"'{option.strip()}' in '{one.phrase}' is also in '{first.strip()}' beside it; take it out",
                )
            seen.update(dict.fromkeys(literals, option))


def _rival_lists(wordings: Iterable[Wording]) -> Iterator[Remark]:
    """Yield the words that stand in two lists of which they can mean only one."""
    meant: dict[tuple[str, str], Wording] = {}
    for one in wordings:
        shared: dict[str, tuple[Wording, str]] = {}
        if one.kind not in _RIVALS and one.kind != "region":
            continue
        for literal in sorted(one.literals):
            first = meant.setdefault((one.kind, literal), one)
            if first.owner != one.owner:
                shared.setdefault(first.owner, (first, literal))
        for first, literal in shared.values():
            if one.kind == "region":
                text = f"'{literal}' stands in the regions {first.owner} ({first.place}) and {one.owner}, and so tells neither; keep one"
                yield note("ambiguous_region", one.place, text)
            else:
                what = _RIVALS[one.kind]
                text = f"'{literal}' stands in {what} '{first.owner}' ({first.place}) and in {what} '{one.owner}', but can mean only one; keep one"
                yield error("ambiguous_phrase", one.place, text)


def _named(one: Wording) -> str:
    if one.kind in {"rule", "cue", "site", "region"}:
        return f"{one.kind} '{one.owner}'"
    return f"{one.kind} of '{one.owner}'" if one.kind != one.owner else f"'{one.kind}'"
