"""Parts of FHIR resources, whether they came as JSON or as XML, and whatever they lack.

Nothing is validated: a report must not be lost because its category is not in the value set. What
has another shape than the standard says reads as absent.
"""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]


def each(value: Any) -> list[Resource]:
    """Return the objects of an element that may be absent, one or many."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def first(value: Any) -> Resource:
    """Return the first object of an element, an empty one where there is none."""
    return next(iter(each(value)), {})


def string(value: Any) -> str:
    """Return a string element without blanks around it, empty where it is none."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else ""


def concept_names(value: Any) -> list[str]:
    """Return the words of CodeableConcepts: what the sender called it, then its codes' names."""
    found: list[str] = []
    for concept in each(value):
        found.append(string(concept.get("text")))
        found += [string(coding.get("display")) for coding in each(concept.get("coding"))]
    return list(filter(None, found))


def concept_codes(value: Any) -> list[str]:
    """Return the codes of CodeableConcepts and Codings."""
    concepts = each(value)
    codings = [coding for one in concepts for coding in (one, *each(one.get("coding")))]
    return list(filter(None, (string(coding.get("code")) for coding in codings)))


def identifier(value: Any, *types: str) -> tuple[str, str]:
    """Return number and system of the identifier of the first type that there is.

    ``"official"`` among the types stands for that use, ``"*"`` for any identifier.
    """
    candidates = [one for one in each(value) if string(one.get("value"))]
    for wanted in types:
        for one in candidates:
            codes = concept_codes(one.get("type"))
            if wanted == "*" or wanted in codes or wanted == string(one.get("use")):
                assigner = string(first(one.get("assigner")).get("display"))
                return string(one["value"]), assigner or string(one.get("system"))
    return "", ""


def references(value: Any) -> list[str]:
    """Return the targets of References."""
    return list(filter(None, (string(one.get("reference")) for one in each(value))))
