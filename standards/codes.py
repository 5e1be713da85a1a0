"""The codes of other vocabularies for our names, as ``codes.yaml`` declares them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Coding:
    """A code of a vocabulary, named by its address."""

    system: str
    code: str


@dataclass(frozen=True, slots=True)
class Term:
    """A name of ours in words, with the codes there are for it; often there are none."""

    text: str
    codings: tuple[Coding, ...] = ()


def term(kind: str, name: str, sites: Iterable[str] = ()) -> Term:
    """Return the words and codes for a name (``kind``: ``findings``, ``sites``, ``statuses`` ...).

    ``sites``: where a finding is; some codes hold at some sites only. An unknown name, of an own
    pattern set for example, is its own words.
    """
    declared: dict[str, Any] = _declared()[kind].get(name) or {"text": name.replace("_", " ")}
    places = set(sites)
    systems = _declared()["systems"]
    codings = tuple(
        Coding(systems[code["system"]], code["code"])
        for code in declared.get("codes", [])
        # All of them: a mention at a joint and at the pleura is not one of a joint.
        if "at" not in code or (places and places <= set(code["at"]))
    )
    return Term(declared["text"], codings)


@cache
def _declared() -> dict[str, Any]:
    text = resources.files("standards").joinpath("codes.yaml").read_text("utf-8")
    declared: dict[str, Any] = yaml.safe_load(text)
    return declared
