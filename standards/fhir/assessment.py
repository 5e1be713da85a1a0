"""The assessment as an Observation that is derived from those of the mentions."""

from __future__ import annotations

from typing import Any

from extractor.model import CASE_LEVELS, Level
from standards.codes import term
from standards.fhir.elements import Element, component, concept, extension, parts, present
from standards.fhir.mention import STATUS, mention_reference, side_extension

NAME = "assessment"
_KINDS = ("core", "minor", "hard", "soft")


def assessment_observation(assessment: dict[str, Any], about: Element) -> Element:
    """Return the Observation of an assessment of the contract; ``about``: subject, device, time."""
    return present(
        {
            "resourceType": "Observation",
            "id": NAME,
            "extension": [
                *side_extension(assessment["side"]),
                extension("rule", assessment["rule"], "String"),
            ],
            "status": STATUS,
            "code": concept(f"case of {_definition_words(assessment)}"),
            **about,
            "valueCodeableConcept": concept(_level_words(assessment["level"])),
            "interpretation": [concept(_tag(assessment["level"]))],
            "derivedFrom": [mention_reference(id_) for id_ in _mentions(assessment)],
            "component": _components(assessment),
        }
    )


def _definition_words(assessment: dict[str, Any]) -> str:
    """Return what the case definition is of."""
    return term("definitions", assessment["definition"]).text


def _level_words(level: str) -> str:
    """Return a level in words."""
    return level.replace("_", " ")


def _tag(level: str) -> str:
    """Return what the level means for who searches: a case, one to look at, or none."""
    if level in CASE_LEVELS:
        return "probable case"
    return "to be reviewed" if level == Level.POSSIBLE else "no case"


def _mentions(assessment: dict[str, Any]) -> list[int]:
    sides = assessment["sides"].values()
    return sorted(
        {id_ for side in sides for kind in _KINDS for e in side[kind] for id_ in e["mentions"]}
    )


def _components(assessment: dict[str, Any]) -> list[Element]:
    told = [(name, assessment[name]) for name in ("subtype", "activity")]
    return [
        *(component(name, concept(value)) for name, value in told if value is not None),
        *(component("flag", concept(flag)) for flag in assessment["flags"]),
        *(_side(name, side) for name, side in assessment["sides"].items()),
    ]


def _side(name: str, side: dict[str, Any]) -> Element:
    """Return one side: its level, the rule, the atoms that hold and those that are missing."""
    evidence = [_evidence(kind, one) for kind in _KINDS for one in side[kind]]
    missing = [extension("missing", atom, "String") for atom in side["missing"]]
    rule = extension("rule", side["rule"], "String")
    told = component(f"side: {name}", concept(_level_words(side["level"])))
    return {"extension": [*side_extension(name), rule, *evidence, *missing], **told}


def _evidence(kind: str, evidence: dict[str, Any]) -> Element:
    mentions = [
        extension("mention", mention_reference(id_), "Reference") for id_ in evidence["mentions"]
    ]
    atom = extension("atom", evidence["atom"], "String")
    return parts("holds", [extension("kind", kind, "Code"), atom, *mentions])
