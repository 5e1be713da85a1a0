"""One mention as an Observation: what is asserted, where, and which characters say so."""

from __future__ import annotations

from typing import Any

from extractor.model import Experiencer, Laterality, Status
from standards.codes import Term, term
from standards.fhir.elements import (
    Element,
    component,
    concept,
    extension,
    named,
    parts,
    present,
    reference,
    string,
)

STATUS = "preliminary"
"""Of every Observation: nobody has verified what a program read."""


def mention_name(id_: int) -> str:
    """Return the id of a mention's Observation inside its report."""
    return f"m{id_}"


def mention_observation(mention: dict[str, Any], about: Element) -> Element:
    """Return the Observation of a mention of the contract; ``about``: subject, device, time.

    A mention without its words (see ``api/wordless.py``) has an empty quote, which is left out.
    """
    sites = mention["sites"]
    asserted = concept(_assertion(mention))
    is_other = mention["experiencer"] == Experiencer.OTHER
    return present(
        {
            "resourceType": "Observation",
            "id": mention_name(mention["id"]),
            "extension": [*_place(mention), _evidence(mention)],
            "status": STATUS,
            "code": concept(term("findings", mention["finding"], sites)),
            **about,
            # Whose finding it is, where it is not the patient's.
            "focus": [{"display": "a relative of the patient"}] if is_other else None,
            "valueCodeableConcept": asserted,
            "interpretation": [asserted],
            "bodySite": _body_site(mention),
            "method": None if mention["method"] is None else concept(mention["method"]),
            "component": _components(mention),
        }
    )


def _assertion(mention: dict[str, Any]) -> Term:
    """Return what is asserted; a finding of a relative is neither present nor absent here."""
    meant = term("statuses", mention["status"])
    words = meant.text
    if mention["status"] == Status.UNCERTAIN and mention["certainty"]:
        words = f"{words}: {mention['certainty']}"
    if mention["experiencer"] == Experiencer.OTHER:
        return Term(f"{words}, in a relative")
    return Term(words, meant.codings)


def _body_site(mention: dict[str, Any]) -> Element | None:
    """Return the body site: coded where it is one site, else in words, as R4 has room for one."""
    terms = [term("sites", site) for site in mention["sites"]]
    side = mention["laterality"]
    if not terms:
        return None
    words = ", ".join(one.text for one in terms)
    if side != Laterality.UNSPECIFIED:
        words = f"{words} ({side})"
    return concept(Term(words, terms[0].codings if len(terms) == 1 else ()))


def _place(mention: dict[str, Any]) -> list[Element]:
    """Return each site and the side by themselves, for who computes with them."""
    sites = [extension("site", named("sites", s), "CodeableConcept") for s in mention["sites"]]
    return [*sites, *side_extension(mention["laterality"])]


def side_extension(side: str | None) -> list[Element]:
    """Return the extension that tells a side, where one is told."""
    if side is None or side == Laterality.UNSPECIFIED:
        return []
    return [extension("laterality", named("lateralities", side), "CodeableConcept")]


def _evidence(mention: dict[str, Any]) -> Element:
    """Return where the report says it: half-open offsets in characters of its untouched text."""
    section = extension("section", named("sections", mention["section"]), "CodeableConcept")
    rule = extension("rule", mention["rule"], "String")
    cues = [parts("cue", [*_span(cue), *_cue_facts(cue)]) for cue in mention["cues"]]
    return parts("evidence", [*_span(mention), section, rule, *cues])


def _cue_facts(cue: dict[str, Any]) -> list[Element]:
    names = ("category", "rule")
    return [extension(name, cue[name], "String") for name in names if cue.get(name)]


def _span(said: dict[str, Any]) -> list[Element]:
    quote = [extension("quote", string(said["quote"]), "String")] if said["quote"].strip() else []
    ends = [extension(name, said[name], "UnsignedInt") for name in ("start", "end")]
    return [*ends, *quote]


def _components(mention: dict[str, Any]) -> list[Element]:
    told = [(name, mention[name]) for name in ("severity", "extent") if mention[name] is not None]
    components = [component(name, concept(value)) for name, value in told]
    if mention["change"] is not None:
        components.append(component("change", named("changes", mention["change"])))
    return components


def mention_reference(id_: int) -> Element:
    """Return the reference to a mention's Observation."""
    return reference(mention_name(id_))
